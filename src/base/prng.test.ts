// The generator against its published algorithm, written here a second time in big integers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { prngFromBytes, prngNext } from './prng.ts';

const mask = 0xffffffffn;
const rotateLeft = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (32n - by))) & mask;

/** xoshiro128** 1.1 as its authors publish it. */
function publishedNext(s: bigint[]): bigint {
  const result = (rotateLeft((s[1]! * 5n) & mask, 7n) * 9n) & mask;
  const t = (s[1]! << 9n) & mask;
  s[2]! ^= s[0]!;
  s[3]! ^= s[1]!;
  s[1]! ^= s[2]!;
  s[0]! ^= s[3]!;
  s[2]! ^= t;
  s[3] = rotateLeft(s[3]!, 11n);
  return result;
}

test('prngNext() gives the numbers of xoshiro128** for any state', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 32 }), (seed) => {
      const state = prngFromBytes(seed);
      const published = [...state].map(BigInt);
      for (let i = 0; i < 50; i++) assert.equal(BigInt(prngNext(state)), publishedNext(published));
      assert.deepEqual([...state].map(BigInt), published);
    }),
  );
});

test('prngFromBytes() reads little-endian words and never gives the state that stays zero', () => {
  assert.deepEqual(
    [...prngFromBytes(Uint8Array.from({ length: 16 }, (_, i) => i))],
    [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c],
  );
  const state = prngFromBytes(new Uint8Array(16));
  assert.ok(state.some((word) => word !== 0));
  const drawn = new Set(Array.from({ length: 100 }, () => prngNext(state)));
  assert.ok(drawn.size > 95);
});
