// Value types and constant expressions. Extended constant expressions are refused: nothing is computed at load.
import type { ByteReader } from '../binary/byte-reader.ts';
import { op, prefixSimd } from '../binary/opcodes.ts';
import { isValueType, valueType } from '../binary/types.ts';
import type { ConstantExpression } from './parsed-module.ts';

export function parseValueType(reader: ByteReader): number {
  const at = reader.offset;
  const code = reader.u8('a value type');
  if (isValueType(code)) return code;
  if (code === 0x6f) throw reader.refuse('it uses externref, which is not taken', at);
  if (code === 0x69 || code === 0x74)
    throw reader.refuse('it uses exnref (exceptions), which is not taken', at);
  if (code >= 0x63 && code <= 0x73)
    throw reader.refuse('it uses garbage-collected types, which are not taken', at);
  throw reader.refuse(
    `found the value type 0x${code.toString(16)}, wanted i32, i64, f32, f64, v128 or funcref`,
    at,
  );
}

export function parseReferenceType(reader: ByteReader): void {
  const at = reader.offset;
  if (parseValueType(reader) !== valueType.funcref)
    throw reader.refuse('found a number type, wanted funcref', at);
}

export function parseConstantExpression(reader: ByteReader): ConstantExpression {
  const start = reader.offset;
  const code = reader.u8('a constant expression');
  const value = parseConstant(reader, code, start);
  const bytes = reader.bytes.subarray(start, reader.offset);
  const at = reader.offset;
  const end = reader.u8('the end of a constant expression');
  if (end !== op.end) {
    throw reader.refuse('it has an extended constant expression, only a single constant is taken', at);
  }
  return { bytes, ...value };
}

function parseConstant(
  reader: ByteReader,
  code: number,
  start: number,
): { type: number; functionIndex: number; i32: number } {
  const plain = { functionIndex: -1, i32: 0 };
  switch (code) {
    case op.i32Const:
      return { type: valueType.i32, functionIndex: -1, i32: reader.signed(32, 'an i32 constant') >>> 0 };
    case op.i64Const:
      reader.signed(64, 'an i64 constant');
      return { type: valueType.i64, ...plain };
    case 0x43:
      reader.skip(4, 'an f32 constant');
      return { type: valueType.f32, ...plain };
    case 0x44:
      reader.skip(8, 'an f64 constant');
      return { type: valueType.f64, ...plain };
    case op.refNull:
      parseReferenceType(reader);
      return { type: valueType.funcref, ...plain };
    case op.refFunc:
      return { type: valueType.funcref, functionIndex: reader.u32('a function index'), i32: 0 };
    case prefixSimd:
      if (reader.u32('an opcode') === 12) {
        reader.skip(16, 'a v128 constant');
        return { type: valueType.v128, ...plain };
      }
      break;
    case op.globalGet:
      throw reader.refuse('it has a constant expression that reads a global, which is not taken', start);
  }
  throw reader.refuse(`found 0x${code.toString(16)} in a constant expression, wanted a constant`, start);
}
