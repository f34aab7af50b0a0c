// Tables of any length, with columns of one width.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableRows } from './table.ts';

test('columns are as wide as their widest cell, numbers to the right', () => {
  const rows = [
    ['agent', 'tick'],
    ['one', '12,000'],
  ];
  assert.deepEqual(tableRows(rows, 1), ['  agent    tick', '  one    12,000']);
  assert.deepEqual(tableRows([], 0), []);
});

test('a system of very many agents has a table, too', () => {
  const rows = Array.from({ length: 300_000 }, (_, i) => [`agent/${i}`]);
  assert.equal(tableRows(rows, 1).at(-1), '  agent/299999');
});
