// The code that makes the NaN of a value canonical: positive and quiet, no payload. It shows in no flag and costs
// no fuel.

import type { ByteWriter } from '../binary/byte-writer.ts';
import { op, simd } from '../binary/opcodes.ts';
import { valueType } from '../binary/types.ts';
import { emitSimd } from './additions.ts';
import { shape } from './nan-opcodes.ts';

/** The value type of each shape. */
export const shapeTypes: readonly number[] = [
  0,
  valueType.f32,
  valueType.f64,
  valueType.v128,
  valueType.v128,
];

const f32Nan = [0x00, 0x00, 0xc0, 0x7f] as const;
const f64Nan = [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x7f] as const;

function emitNan(code: ByteWriter, of: number): void {
  if (of === shape.f32) code.u8(op.f32Const, ...f32Nan);
  else if (of === shape.f64) code.u8(op.f64Const, ...f64Nan);
  else {
    emitSimd(code, simd.v128Const);
    if (of === shape.f32x4) code.u8(...f32Nan, ...f32Nan, ...f32Nan, ...f32Nan);
    else code.u8(...f64Nan, ...f64Nan);
  }
}

/**
 * Makes the value on top of the stack canonical, which `local` holds too and is set to. A branch that is never taken
 * is cheaper than a choice between two values.
 */
export function emitCanonical(code: ByteWriter, of: number, local: number): void {
  code.localGet(local);
  if (of === shape.f32 || of === shape.f64) {
    // One jump on x64, where `ne` takes two.
    code.u8(of === shape.f32 ? op.f32Ge : op.f64Ge, op.i32Eqz).if();
    emitNan(code, of);
  } else {
    const isFloat = of === shape.f32x4;
    emitSimd(code, isFloat ? simd.f32x4Ne : simd.f64x2Ne);
    emitSimd(code, simd.v128AnyTrue);
    code.if().localGet(local);
    emitNan(code, of);
    emitSimd(code.localGet(local).localGet(local), isFloat ? simd.f32x4Eq : simd.f64x2Eq);
    emitSimd(code, simd.v128Bitselect);
  }
  code.localSet(local).end().localGet(local);
}
