// The page of rules names tests that exist, and no rule is without one.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'SEMANTICS.md'), 'utf8');
const reference = /`([^`\n]+\.test\.ts)` › `([^`\n]+)`/g;

function hasTest(file: string, title: string): boolean {
  const path = join(root, ...file.split('/'));
  if (!existsSync(path)) return false;
  const source = readFileSync(path, 'utf8');
  const quoted = ["'", '"', '`'].map((quote) => `test(${quote}${title}${quote}`);
  return quoted.some((call) => source.includes(call));
}

test('every test that docs/SEMANTICS.md names exists under its title', () => {
  const missing = [...page.matchAll(reference)]
    .filter(([, file, title]) => !hasTest(file!, title!))
    .map(([text]) => text);
  assert.deepEqual(missing, []);
});

test('every rule of docs/SEMANTICS.md names a test, and rules are numbered without a gap', () => {
  const rules = page.split(/^(?=\d+\. \*\*)/m).slice(1);
  assert.ok(rules.length > 40);
  for (const [index, rule] of rules.entries()) {
    assert.ok(rule.startsWith(`${index + 1}. `), `rule ${index + 1} begins ${rule.slice(0, 40)}`);
    assert.match(rule, new RegExp(reference.source), `rule ${index + 1} names a test`);
  }
});
