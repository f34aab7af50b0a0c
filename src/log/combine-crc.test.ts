// CRCs of two parts give that of the whole, whatever lies in them and wherever it is cut.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { combineCrc } from './combine-crc.ts';

test('parts of any size combine to the CRC of the whole', () => {
  const part = fc.uint8Array({ maxLength: 300 });
  const property = fc.property(part, part, (a, b) => {
    assert.equal(combineCrc(crc32(a), crc32(b), b.length), crc32(Buffer.concat([a, b])));
  });
  fc.assert(property, { examples: [[new Uint8Array(0), new Uint8Array(0)]] });
});

test('large parts do, too', () => {
  for (const size of [65_535, 65_536, 1_048_577, 9_999_999]) {
    const [a, b] = [Buffer.alloc(777, 7), Buffer.alloc(size, size % 251)];
    assert.equal(combineCrc(crc32(a), crc32(b), size), crc32(b, crc32(a)));
  }
});
