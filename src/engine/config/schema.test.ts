// The published JSON Schema follows the schema that is used.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderSystemJsonSchema } from './schema.ts';
import { restartDefaults } from './system-config.ts';

test('the published JSON Schema is the one that scripts/build-schema.ts makes now', () => {
  const path = join(import.meta.dirname, '../../../docs/system.schema.json');
  assert.equal(readFileSync(path, 'utf8'), renderSystemJsonSchema());
});

test('the published JSON Schema asks for agents, knows defaults, and refuses unknown keys', () => {
  const schema = JSON.parse(renderSystemJsonSchema());
  assert.deepEqual(schema.required, ['agents']);
  assert.equal(schema.additionalProperties, false);
  assert.equal(schema.properties.run.properties.tickMs.default, 10);
  assert.equal(schema.properties.agents.additionalProperties.additionalProperties, false);
});

test('the limits of a restart stand in docs/LIMITS.md with their defaults', () => {
  const limits = readFileSync(new URL('../../../docs/LIMITS.md', import.meta.url), 'utf8');
  const { policy, ...numbers } = restartDefaults;
  assert.ok(limits.includes(`the policy is \`${policy}\``));
  for (const [name, value] of Object.entries(numbers)) {
    assert.ok(
      limits.includes(`| \`${name}\` | ${String(value).replace(/(\d)(?=(\d{3})+$)/g, '$1,')} |`),
      name,
    );
  }
});
