// Text and bytes, against Node's own encoders.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesEqual, concatBytes, decodeHex, decodeUtf8, encodeHex, encodeUtf8 } from './encoding.ts';

const bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 300 });

/** Any text without half surrogates, which UTF-8 cannot hold. */
const text: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }).map((code) => (code >> 11 === 0x1b ? code ^ 0xd800 : code)))
  .map((codes) => String.fromCodePoint(...codes));

test('hexadecimal text is that of Node for any bytes', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      assert.equal(encodeHex(value), Buffer.from(value).toString('hex'));
      assert.ok(bytesEqual(decodeHex(encodeHex(value)) ?? new Uint8Array(1), value));
    }),
  );
});

test('decodeHex() answers undefined for an odd length and for other letters', () => {
  assert.equal(decodeHex('abc'), undefined);
  assert.equal(decodeHex('0g'), undefined);
  assert.deepEqual(decodeHex('aB00'), new Uint8Array([0xab, 0]));
});

test('decodeUtf8() gives back any text, keeps a byte order mark and refuses what is not well formed', () => {
  fc.assert(
    fc.property(text, (text) => {
      assert.equal(decodeUtf8(encodeUtf8(text)), text);
    }),
  );
  assert.equal(decodeUtf8(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), '\ufeffa');
  for (const broken of [[0x80], [0xc0, 0x80], [0xe4, 0xb8], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
    assert.equal(decodeUtf8(new Uint8Array(broken)), undefined, `${broken}`);
  }
});

test('concatBytes() joins in order, and bytesEqual() sees each changed byte', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 5 }), (chunks) => {
      const joined = concatBytes(chunks);
      assert.deepEqual(
        [...joined],
        chunks.flatMap((chunk) => [...chunk]),
      );
      assert.ok(bytesEqual(joined, Uint8Array.from(joined)));
      const changed = Uint8Array.from(joined);
      for (let i = 0; i < changed.length; i++) {
        changed[i]! ^= 1;
        assert.ok(!bytesEqual(joined, changed));
        changed[i]! ^= 1;
      }
      assert.ok(!bytesEqual(joined, concatBytes([joined, new Uint8Array(1)])));
    }),
  );
});
