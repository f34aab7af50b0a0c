import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexRows } from './hex-view.ts';

test('hexRows() shows address, bytes and printable text, sixteen a row', () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, i) => (i === 1 ? 0xff : 0x41 + i));
  assert.deepEqual(hexRows(bytes, 0x400), [
    '00000400  41 ff 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  A.CDEFGHIJKLMNOP',
    '00000410  51 52 53 54                                       QRST',
  ]);
  assert.deepEqual(hexRows(new Uint8Array(0), 0), []);
});
