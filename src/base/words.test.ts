import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyWords, wordsOf } from './words.ts';

test('words are those of the memory that bytes lie in, and only so many are copied', () => {
  const memory = Uint8Array.from({ length: 19 }, (_, i) => i);
  const words = wordsOf(memory.subarray(5, 6));
  assert.deepEqual(new Uint8Array(words.buffer), memory);
  assert.equal(words.length, 4);
  const to = new Uint8Array(16);
  copyWords(words, 1, wordsOf(to), 2, 1);
  assert.deepEqual([...to], [0, 0, 0, 0, 0, 0, 0, 0, 4, 5, 6, 7, 0, 0, 0, 0]);
});
