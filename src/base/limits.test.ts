// The one table of limits, and the page that shows it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { agentLimitDefaults, agentLimitRanges, runLimitDefaults, runLimitRanges } from './limits.ts';

const page = readFileSync(new URL('../../docs/LIMITS.md', import.meta.url), 'utf8');

function shown(value: number): string {
  if (value === Number.MAX_SAFE_INTEGER) return '2^53 - 1';
  return value === 2 ** 36 ? '2^36' : String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

test('every limit has a range that holds its default, and stands in docs/LIMITS.md with both', () => {
  const limits = { ...agentLimitDefaults, ...runLimitDefaults };
  const ranges: Readonly<Record<string, readonly [number, number]>> = {
    ...agentLimitRanges,
    ...runLimitRanges,
  };
  assert.deepEqual(Object.keys(ranges), Object.keys(limits));
  for (const [name, value] of Object.entries(limits)) {
    const [min, max] = ranges[name]!;
    assert.ok(min <= value && value <= max, name);
    assert.ok(page.includes(`| \`${name}\` | ${shown(value)} | ${shown(min)} to ${shown(max)} |`), name);
  }
});
