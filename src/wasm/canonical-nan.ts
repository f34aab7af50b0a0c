// The code that makes the NaN of a value canonical: positive and quiet, no payload. It shows in no flag and costs
// no fuel.
import { emitSimd } from './additions.ts';
import type { ByteWriter } from './byte-writer.ts';
import { shape } from './nan-opcodes.ts';
import { op, simd } from './opcodes.ts';
import { valueType } from './types.ts';

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

/** Makes the value on top of the stack canonical, which `local` holds too. */
export function emitCanonical(code: ByteWriter, of: number, local: number): void {
  switch (of) {
    case shape.f32:
      code.u8(op.f32Const, ...f32Nan);
      break;
    case shape.f64:
      code.u8(op.f64Const, ...f64Nan);
      break;
    default:
      emitSimd(code, simd.v128Const);
      if (of === shape.f32x4) code.u8(...f32Nan, ...f32Nan, ...f32Nan, ...f32Nan);
      else code.u8(...f64Nan, ...f64Nan);
  }
  code.localGet(local).localGet(local);
  if (of === shape.f32) code.u8(op.f32Eq, op.select);
  else if (of === shape.f64) code.u8(op.f64Eq, op.select);
  else {
    emitSimd(code, of === shape.f32x4 ? simd.f32x4Eq : simd.f64x2Eq);
    emitSimd(code, simd.v128Bitselect);
  }
}
