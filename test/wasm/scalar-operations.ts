// What the number instructions of the specification compute (section 4.3), written for the tests alone. Floats are
// held as their bits, so that nothing is lost in JavaScript. Must share no code with the pass that it judges.

/**
 * i32 and f32 are signed 32-bit numbers, i64 and f64 signed 64-bit integers, v128 is 16 bytes, a reference an index.
 */
export type Value = number | bigint | Uint8Array;

export class Trap extends Error {
  readonly kind: string;

  constructor(kind: string) {
    super(kind);
    this.kind = kind;
  }
}

/** One letter a type: i, l, f, d, v. */
export interface Operation {
  readonly takes: string;
  readonly gives: string;
  run(...values: Value[]): Value;
}

/** By opcode; prefixed ones are 0xfc00 or 0xfd00 and their number. */
export const operations: Map<number, Operation> = new Map();

/** Whether a float instruction has given a NaN since this was last set to false. */
export const observed = { nan: false };

const bits = new DataView(new ArrayBuffer(16));

export function floatOf(value: number): number {
  bits.setInt32(0, value);
  return bits.getFloat32(0);
}

export function doubleOf(value: bigint): number {
  bits.setBigInt64(0, value);
  return bits.getFloat64(0);
}

/** Every NaN that arithmetic gives is the canonical one. */
export function floatBits(value: number): number {
  if (Number.isNaN(value)) {
    observed.nan = true;
    return 0x7fc0_0000;
  }
  bits.setFloat32(0, value);
  return bits.getInt32(0);
}

export function doubleBits(value: number): bigint {
  if (Number.isNaN(value)) {
    observed.nan = true;
    return 0x7ff8_0000_0000_0000n;
  }
  bits.setFloat64(0, value);
  return bits.getBigInt64(0);
}

export function define(code: number, signature: string, run: (...values: never[]) => Value): void {
  const [takes, gives] = signature.split(':') as [string, string];
  operations.set(code, { takes, gives, run: run as (...values: Value[]) => Value });
}

/** Consecutive opcodes of one signature. */
function defineAll(first: number, signature: string, runs: readonly ((...values: never[]) => Value)[]): void {
  for (const [index, run] of runs.entries()) define(first + index, signature, run);
}

type I32 = (a: number, b: number) => number | boolean;
type I64 = (a: bigint, b: bigint) => bigint | boolean;
type Float = (a: number, b: number) => number;

const i32 = (run: I32) => (a: number, b: number) => Number(run(a, b)) | 0;
const i64 = (run: (a: bigint, b: bigint) => bigint) => (a: bigint, b: bigint) => BigInt.asIntN(64, run(a, b));
const i64Test = (run: I64) => (a: bigint, b: bigint) => Number(run(a, b));
const f32 = (run: Float) => (a: number, b: number) => floatBits(Math.fround(run(floatOf(a), floatOf(b))));
const f64 =
  (run: Float) =>
  (a: bigint, b: bigint = 0n) =>
    doubleBits(run(doubleOf(a), doubleOf(b)));
const f32Test = (run: I32) => (a: number, b: number) => Number(run(floatOf(a), floatOf(b)));
const f64Test = (run: I32) => (a: bigint, b: bigint) => Number(run(doubleOf(a), doubleOf(b)));

const u32 = (value: number): number => value >>> 0;
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

function ctz32(value: number): number {
  return value === 0 ? 32 : 31 - Math.clz32(value & -value);
}

function popcount32(value: number): number {
  let count = 0;
  for (let rest = u32(value); rest !== 0; rest >>>= 1) count += rest & 1;
  return count;
}

function binaryDigits(value: bigint): string {
  return u64(value).toString(2).padStart(64, '0');
}

export function divide<T extends number | bigint>(a: T, b: T, zero: T, least: T): T {
  if (b === zero) throw new Trap('divide by zero');
  if (a === least && Number(b) === -1) throw new Trap('divide result unrepresentable');
  return (a / b) as T;
}

function remainder<T extends number | bigint>(a: T, b: T, zero: T): T {
  if (b === zero) throw new Trap('divide by zero');
  return (a % b) as T;
}

export function nearest(value: number): number {
  if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 52) return value;
  const floor = Math.floor(value);
  const rest = value - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return rounded === 0 && (value < 0 || Object.is(value, -0)) ? -0 : rounded;
}

const comparisons: readonly I32[] = [
  (a, b) => a === b,
  (a, b) => a !== b,
  (a, b) => a < b,
  (a, b) => a > b,
  (a, b) => a <= b,
  (a, b) => a >= b,
];

/** eq ne, then lt gt le ge, each signed and unsigned. */
const i32Tests: readonly I32[] = comparisons.flatMap((test, index) =>
  index < 2 ? [test] : [test, (a, b) => test(u32(a), u32(b))],
);
const i64Tests: readonly I64[] = comparisons.flatMap((test, index): I64[] => {
  const big = test as unknown as I64;
  return index < 2 ? [big] : [big, (a, b) => big(u64(a), u64(b))];
});

define(
  0x45,
  'i:i',
  i32((a) => a === 0),
);
defineAll(0x46, 'ii:i', i32Tests.map(i32));
define(
  0x50,
  'l:i',
  i64Test((a) => a === 0n),
);
defineAll(0x51, 'll:i', i64Tests.map(i64Test));
defineAll(0x5b, 'ff:i', comparisons.map(f32Test));
defineAll(0x61, 'dd:i', comparisons.map(f64Test));
defineAll(0x67, 'i:i', [i32((a) => Math.clz32(a)), i32(ctz32), i32(popcount32)]);
defineAll(0x6a, 'ii:i', [
  i32((a, b) => a + b),
  i32((a, b) => a - b),
  i32((a, b) => Math.imul(a, b)),
  i32((a, b) => divide(a, b, 0, -(2 ** 31))),
  i32((a, b) => divide(u32(a), u32(b), 0, -1)),
  i32((a, b) => remainder(a, b, 0)),
  i32((a, b) => remainder(u32(a), u32(b), 0)),
  i32((a, b) => a & b),
  i32((a, b) => a | b),
  i32((a, b) => a ^ b),
  i32((a, b) => a << (b & 31)),
  i32((a, b) => a >> (b & 31)),
  i32((a, b) => a >>> (b & 31)),
  i32((a, b) => (a << (b & 31)) | (u32(a) >>> (-b & 31))),
  i32((a, b) => (u32(a) >>> (b & 31)) | (a << (-b & 31))),
]);
const shift = (by: bigint): bigint => by & 63n;
defineAll(0x79, 'l:l', [
  i64((a) => BigInt(`1${binaryDigits(a)}1`.slice(1).indexOf('1'))),
  i64((a) => BigInt([...`1${binaryDigits(a)}`].reverse().indexOf('1'))),
  i64((a) => BigInt(binaryDigits(a).replaceAll('0', '').length)),
]);
defineAll(0x7c, 'll:l', [
  i64((a, b) => a + b),
  i64((a, b) => a - b),
  i64((a, b) => a * b),
  i64((a, b) => divide(a, b, 0n, -(2n ** 63n))),
  i64((a, b) => divide(u64(a), u64(b), 0n, -1n)),
  i64((a, b) => remainder(a, b, 0n)),
  i64((a, b) => remainder(u64(a), u64(b), 0n)),
  i64((a, b) => a & b),
  i64((a, b) => a | b),
  i64((a, b) => a ^ b),
  i64((a, b) => a << shift(b)),
  i64((a, b) => a >> shift(b)),
  i64((a, b) => u64(a) >> shift(b)),
  i64((a, b) => (u64(a) << shift(b)) | (u64(a) >> (64n - shift(b)))),
  i64((a, b) => (u64(a) >> shift(b)) | (u64(a) << (64n - shift(b)))),
]);

export const roundings: readonly ((value: number) => number)[] = [Math.ceil, Math.floor, Math.trunc, nearest];
export const arithmetic: readonly Float[] = [
  (a, b) => a + b,
  (a, b) => a - b,
  (a, b) => a * b,
  (a, b) => a / b,
  (a, b) => Math.min(a, b),
  (a, b) => Math.max(a, b),
];

const sign32 = -(2 ** 31);
const sign64 = 2n ** 63n;
define(0x8b, 'f:f', (a: number) => a & ~sign32);
define(0x8c, 'f:f', (a: number) => a ^ sign32);
defineAll(0x8d, 'f:f', [...roundings, Math.sqrt].map(f32));
defineAll(0x92, 'ff:f', arithmetic.map(f32));
define(0x98, 'ff:f', (a: number, b: number) => (a & ~sign32) | (b & sign32));
define(0x99, 'd:d', (a: bigint) => u64(a) & (sign64 - 1n));
define(0x9a, 'd:d', (a: bigint) => BigInt.asIntN(64, u64(a) ^ sign64));
defineAll(0x9b, 'd:d', [...roundings, Math.sqrt].map(f64));
defineAll(0xa0, 'dd:d', arithmetic.map(f64));
define(0xa6, 'dd:d', (a: bigint, b: bigint) =>
  BigInt.asIntN(64, (u64(a) & (sign64 - 1n)) | (u64(b) & sign64)),
);

/** The least and the first too large integer of a conversion. */
const ranges: readonly (readonly [number, number])[] = [
  [-(2 ** 31), 2 ** 31],
  [0, 2 ** 32],
  [-(2 ** 63), 2 ** 63],
  [0, 2 ** 64],
];

function truncate(value: number, range: number, saturate: boolean): bigint {
  const [least, beyond] = ranges[range]!;
  const whole = Math.trunc(value);
  if (whole >= least && whole < beyond) return BigInt(whole);
  if (!saturate) throw new Trap('float unrepresentable in integer range');
  if (Number.isNaN(value)) return 0n;
  return whole < least ? BigInt(least) : BigInt(beyond) - 1n;
}

/** Opcodes of a conversion from f32 and f64, trapping and saturating, by the index of its range. */
const truncations: readonly (readonly [number, number])[] = [
  [0xa8, 0],
  [0xa9, 1],
  [0xae, 2],
  [0xaf, 3],
];
for (const [code, range] of truncations) {
  const whole = (value: bigint): Value =>
    range < 2 ? Number(BigInt.asIntN(32, value)) : BigInt.asIntN(64, value);
  const to = range < 2 ? 'i' : 'l';
  const saturating = 0xfc00 + [0, 1, 4, 5][range]!;
  define(code, `f:${to}`, (a: number) => whole(truncate(floatOf(a), range, false)));
  define(code + 2, `d:${to}`, (a: bigint) => whole(truncate(doubleOf(a), range, false)));
  define(saturating, `f:${to}`, (a: number) => whole(truncate(floatOf(a), range, true)));
  define(saturating + 2, `d:${to}`, (a: bigint) => whole(truncate(doubleOf(a), range, true)));
}

/** Rounded once: the low bits are folded into one, that a double still holds. */
function floatFrom(value: bigint): number {
  const size = value < 0n ? -value : value;
  if (size < 2n ** 53n) return Math.fround(Number(value));
  const folded = (size >> 11n) | ((size & 0x7ffn) === 0n ? 0n : 1n);
  const rounded = Math.fround(Number(folded)) * 2048;
  return value < 0n ? -rounded : rounded;
}

define(0xa7, 'l:i', (a: bigint) => Number(BigInt.asIntN(32, a)));
define(0xac, 'i:l', (a: number) => BigInt(a));
define(0xad, 'i:l', (a: number) => BigInt(u32(a)));
define(0xb2, 'i:f', (a: number) => floatBits(Math.fround(a)));
define(0xb3, 'i:f', (a: number) => floatBits(Math.fround(u32(a))));
define(0xb4, 'l:f', (a: bigint) => floatBits(floatFrom(a)));
define(0xb5, 'l:f', (a: bigint) => floatBits(floatFrom(u64(a))));
define(0xb6, 'd:f', (a: bigint) => floatBits(Math.fround(doubleOf(a))));
define(0xb7, 'i:d', (a: number) => doubleBits(a));
define(0xb8, 'i:d', (a: number) => doubleBits(u32(a)));
define(0xb9, 'l:d', (a: bigint) => doubleBits(Number(a)));
define(0xba, 'l:d', (a: bigint) => doubleBits(Number(u64(a))));
define(0xbb, 'f:d', (a: number) => doubleBits(floatOf(a)));
define(0xbc, 'f:i', (a: number) => a);
define(0xbd, 'd:l', (a: bigint) => a);
define(0xbe, 'i:f', (a: number) => a);
define(0xbf, 'l:d', (a: bigint) => a);
defineAll(0xc0, 'i:i', [i32((a) => (a << 24) >> 24), i32((a) => (a << 16) >> 16)]);
defineAll(
  0xc2,
  'l:l',
  [8, 16, 32].map((size) => (a: bigint) => BigInt.asIntN(size, a)),
);
