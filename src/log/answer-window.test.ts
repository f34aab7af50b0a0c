// Which answers a record tells again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerWindow } from './answer-window.ts';

test('the oldest answers are forgotten beyond the sizes, and only when it is trimmed', () => {
  const hash = (value: number): Uint8Array => new Uint8Array(32).fill(value);
  const known = (window: AnswerWindow): number[] =>
    [1, 2, 3, 4].filter((n) => window.find(hash(n)) !== undefined);
  const byCount = new AnswerWindow({ answersMax: 2, bytesMax: 100 });
  for (const n of [1, 2, 3]) byCount.add(hash(n), new Uint8Array(n));
  assert.deepEqual(known(byCount), [1, 2, 3]);
  byCount.trim();
  assert.deepEqual(known(byCount), [2, 3]);
  assert.equal(byCount.find(hash(3))?.length, 3);
  const byBytes = new AnswerWindow({ answersMax: 9, bytesMax: 10 });
  for (const n of [1, 2, 3, 4]) byBytes.add(hash(n), new Uint8Array(4));
  byBytes.trim();
  assert.deepEqual(known(byBytes), [3, 4]);
});
