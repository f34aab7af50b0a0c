// What each instruction has to do with the bits of a NaN. What has no entry shows the bits of its operands, or may.
import { bulkBase, op, opcodeEnd, opcodeInfo, simd, simdBase } from '../binary/opcodes.ts';

/** The four shapes of floating values; 0 stands for none. */
export const shape = { none: 0, f32: 1, f64: 2, f32x4: 3, f64x2: 4 } as const;

/** Shapes by opcode: of a result whose NaN differs between machines; and of operands whose NaN bits show nowhere. */
const makes = new Uint8Array(opcodeEnd);
const hides = new Uint8Array(opcodeEnd);
/** Instructions that hand the bits of their first operand on: 1. Results that are never a NaN: 2. */
const passes = new Uint8Array(opcodeEnd);

function mark(table: Uint8Array, value: number, ranges: readonly (readonly [number, number])[]): void {
  for (const [first, last] of ranges) for (let code = first; code <= last; code++) table[code] = value;
}

const vector = (first: number, last: number = first) => [simdBase + first, simdBase + last] as const;
const saturating = (first: number, last: number) => [bulkBase + first, bulkBase + last] as const;

/** ceil, floor, trunc, nearest, sqrt; add, sub, mul, div, min, max; demote, promote. */
const arithmetic = {
  f32: [[0x8d, 0x97]],
  f64: [[0x9b, 0xa5]],
  f32x4: [vector(103, 106), vector(227, 233)],
  f64x2: [vector(116, 117), vector(122), vector(148), vector(239, 245)],
} as const;
const [demote, promote] = [0xb6, 0xbb];
const [demoteVector, promoteVector] = [simdBase + 94, simdBase + 95];

mark(makes, shape.f32, [...arithmetic.f32, [demote, demote]]);
mark(makes, shape.f64, [...arithmetic.f64, [promote, promote]]);
mark(makes, shape.f32x4, [...arithmetic.f32x4, [demoteVector, demoteVector]]);
mark(makes, shape.f64x2, [...arithmetic.f64x2, [promoteVector, promoteVector]]);

/** Besides: comparisons, and conversions to integers. */
const [f32, f64, f32x4, f64x2] = [shape.f32, shape.f64, shape.f32x4, shape.f64x2];
mark(hides, f32, [...arithmetic.f32, [promote, promote], [0x5b, 0x60], [0xa8, 0xa9]]);
mark(hides, f32, [[0xae, 0xaf], saturating(0, 1), saturating(4, 5)]);
mark(hides, f64, [...arithmetic.f64, [demote, demote], [0x61, 0x66], [0xaa, 0xab]]);
mark(hides, f64, [[0xb0, 0xb1], saturating(2, 3), saturating(6, 7)]);
mark(hides, f32x4, [...arithmetic.f32x4, [promoteVector, promoteVector], vector(65, 70), vector(248, 249)]);
mark(hides, f64x2, [...arithmetic.f64x2, [demoteVector, demoteVector], vector(71, 76), vector(252, 253)]);

/** abs, neg, copysign. */
mark(passes, 1, [
  [0x8b, 0x8c],
  [0x98, 0x98],
  [0x99, 0x9a],
  [0xa6, 0xa6],
]);
mark(passes, 1, [vector(224, 225), vector(236, 237)]);
/** Conversions from integers. */
mark(passes, 2, [
  [0xb2, 0xb5],
  [0xb7, 0xba],
]);

/** Instructions that neither take nor give a float: 1. */
const withoutFloats = Uint8Array.from({ length: opcodeEnd }, (_, code) => {
  const info = opcodeInfo(code);
  return info !== undefined && !/[fdvt]/.test(info.takes + info.gives) ? 1 : 0;
});

export function hasNoFloat(code: number): boolean {
  return withoutFloats[code] === 1;
}

/** The shape of a result that may be a NaN of bits that differ between machines; 0 where there is none. */
export function madeShape(code: number): number {
  return makes[code]!;
}

/** The shape of the operands whose NaN bits the instruction hides; 0 where it may show them. */
export function hiddenShape(code: number): number {
  return hides[code]!;
}

/** Whether the result is the first operand but for its sign. */
export function passesBits(code: number): boolean {
  return passes[code] === 1;
}

export function isNeverNan(code: number): boolean {
  return passes[code] === 2;
}

/** Whether a constant that ends at `end` is no NaN; of vectors only zero counts, which is none in any shape. */
export function isNumberConstant(code: number, bytes: Uint8Array, end: number): boolean {
  const word = (from: number) =>
    (bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16) | (bytes[from + 3]! << 24)) &
    0x7fff_ffff;
  if (code === op.f32Const) return word(end - 4) <= 0x7f80_0000;
  if (code === op.f64Const) return word(end - 4) < 0x7ff0_0000;
  if (code !== simdBase + simd.v128Const) return false;
  for (let at = end - 16; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}
