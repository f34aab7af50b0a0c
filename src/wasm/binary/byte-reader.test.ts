import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../../base/errors.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';

function reader(...bytes: number[]): ByteReader {
  return new ByteReader(Uint8Array.from(bytes), 'm', 'code');
}

function refuses(read: () => unknown, wanted: RegExp): void {
  assert.throws(
    read,
    (error) => error instanceof EngineError && error.code === 'module-refused' && wanted.test(error.message),
  );
}

test('reader takes every 32-bit LEB128 number the writer gives, padded ones too', () => {
  for (const value of [0, 1, 127, 128, 300, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
    assert.equal(reader(...new ByteWriter().u32(value).result()).u32('n'), value);
  }
  assert.equal(reader(0x81, 0x80, 0x80, 0x80, 0x00).u32('n'), 1);
});

test('reader takes every signed LEB128 number the writer gives', () => {
  for (const value of [0, 1, -1, 63, 64, -64, -65, 8191, -8192, 2 ** 31 - 1, -(2 ** 31)]) {
    assert.equal(reader(...new ByteWriter().signed(value).result()).signed(32, 'n'), value);
  }
  for (const value of [2 ** 40, -(2 ** 40), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    const bytes = new ByteWriter().signed(value).result();
    const back = reader(...bytes);
    back.signed(64, 'n');
    assert.equal(back.offset, bytes.length);
  }
});

test('reader refuses LEB128 numbers that are too long or out of range', () => {
  refuses(() => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).u32('n'), /not a 32-bit LEB128 number/);
  refuses(() => reader(0xff, 0xff, 0xff, 0xff, 0x1f).u32('n'), /not a 32-bit LEB128 number/);
  refuses(() => reader(0xff, 0xff, 0xff, 0xff, 0x17).signed(32, 'n'), /out of range/);
  refuses(() => reader(0x80, 0x80, 0x80, 0x80, 0x70).signed(32, 'n'), /out of range/);
  assert.equal(reader(0x80, 0x80, 0x80, 0x80, 0x78).signed(32, 'n'), -(2 ** 31));
  refuses(() => reader(...new Array(9).fill(0x80), 0x02).signed(64, 'n'), /out of range/);
});

test('reader refuses what is truncated by section and offset', () => {
  refuses(
    () => reader(0x80).u32('the size'),
    /"m": truncated: the size is missing \(code section, offset 0x1\)/,
  );
  refuses(() => reader(0x05, 0x61).text('a name'), /a name needs 5 bytes, 1 are left/);
  refuses(() => reader(0x02, 0xff, 0xfe).text('a name'), /not UTF-8/);
});
