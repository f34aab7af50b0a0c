// What the vector instructions compute (section 4.3.6 of the specification), written for the tests alone: lane by lane,
// through the number instructions. Must share no code with the pass that it judges.
import {
  arithmetic,
  define,
  doubleBits,
  doubleOf,
  floatBits,
  floatOf,
  operations,
  roundings,
  type Value,
} from './scalar-operations.ts';

type Lane = number | bigint;
type Bytes = Uint8Array;

function view(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, 16);
}

interface Shape {
  readonly size: number;
  readonly count: number;
  /** Integers come out signed; floats as their bits. */
  get(from: DataView, lane: number): Lane;
  set(to: DataView, lane: number, value: Lane): void;
}

type ShapeName = 'i8' | 'i16' | 'i32' | 'i64';

const shapes: Readonly<Record<ShapeName, Shape>> = {
  i8: shape(
    1,
    (from, at) => from.getInt8(at),
    (to, at, value) => to.setInt8(at, Number(value)),
  ),
  i16: shape(
    2,
    (from, at) => from.getInt16(at, true),
    (to, at, value) => to.setInt16(at, Number(value), true),
  ),
  i32: shape(
    4,
    (from, at) => from.getInt32(at, true),
    (to, at, value) => to.setInt32(at, Number(value), true),
  ),
  i64: shape(
    8,
    (from, at) => from.getBigInt64(at, true),
    (to, at, value) => to.setBigInt64(at, BigInt.asIntN(64, BigInt(value)), true),
  ),
};

function shape(
  size: number,
  get: (from: DataView, at: number) => Lane,
  set: (to: DataView, at: number, value: Lane) => void,
): Shape {
  return {
    size,
    count: 16 / size,
    get: (from, lane) => get(from, lane * size),
    set: (to, lane, value) => set(to, lane * size, value),
  };
}

export function extractLane(name: ShapeName, bytes: Bytes, lane: number): Lane {
  return shapes[name].get(view(bytes), lane);
}

export function replaceLane(name: ShapeName, bytes: Bytes, lane: number, value: Value): Bytes {
  const result = bytes.slice();
  shapes[name].set(view(result), lane, value as Lane);
  return result;
}

function mapLanes(of: Shape, run: (...lanes: never[]) => Lane): (...vectors: Bytes[]) => Bytes {
  return (...vectors) => {
    const result = new Uint8Array(16);
    for (let lane = 0; lane < of.count; lane++) {
      const lanes = vectors.map((vector) => of.get(view(vector), lane));
      of.set(view(result), lane, (run as (...lanes: Lane[]) => Lane)(...lanes));
    }
    return result;
  };
}

function splat(of: Shape): (value: Value) => Bytes {
  return (value) => {
    const result = new Uint8Array(16);
    for (let lane = 0; lane < of.count; lane++) of.set(view(result), lane, value as Lane);
    return result;
  };
}

function bytewise(run: (a: number, b: number, c: number) => number): (...vectors: Bytes[]) => Bytes {
  return (a, b = a!, c = a!) => a!.map((byte, index) => run(byte, b[index]!, c[index]!));
}

const vector = 0xfd00;
const unsigned = (of: Shape) => (value: Lane) =>
  of.size === 8 ? BigInt.asUintN(64, BigInt(value)) : Number(BigInt.asUintN(of.size * 8, BigInt(value)));

/** eq ne, then lt gt le ge, each signed and unsigned (i64: signed only), all ones for true. */
function defineComparisons(first: number, of: Shape, withUnsigned: boolean): void {
  const truth = (value: boolean): number => (value ? -1 : 0);
  const tests: ((a: Lane, b: Lane) => boolean)[] = [
    (a, b) => a === b,
    (a, b) => a !== b,
    (a, b) => a < b,
    (a, b) => a > b,
    (a, b) => a <= b,
    (a, b) => a >= b,
  ];
  const plain = unsigned(of);
  let code = first;
  for (const [index, test] of tests.entries()) {
    define(
      vector + code++,
      'vv:v',
      mapLanes(of, (a: Lane, b: Lane) => truth(test(a, b))),
    );
    if (index < 2 || !withUnsigned) continue;
    define(
      vector + code++,
      'vv:v',
      mapLanes(of, (a: Lane, b: Lane) => truth(test(plain(a), plain(b)))),
    );
  }
}

/** Codes of abs, neg, all_true, bitmask, shl, shr_s, shr_u, add, sub. */
function defineIntegers(of: Shape, codes: readonly number[]): void {
  const [abs, neg, allTrue, bitmask, shl, shrS, shrU, add, sub] = codes.map((code) => vector + code);
  const size = BigInt(of.size * 8);
  const big = (run: (a: bigint, b: bigint) => bigint) => (a: Lane, b: Lane) =>
    narrow(of, run(BigInt(a), BigInt(b ?? 0)));
  define(
    abs!,
    'v:v',
    mapLanes(
      of,
      big((a) => (a < 0n ? -a : a)),
    ),
  );
  define(
    neg!,
    'v:v',
    mapLanes(
      of,
      big((a) => -a),
    ),
  );
  define(allTrue!, 'v:i', (a: Bytes) => Number(lanesOf(of, a).every((lane) => Number(lane) !== 0)));
  define(bitmask!, 'v:i', (a: Bytes) =>
    lanesOf(of, a).reduce((mask: number, lane, index) => mask | (Number(lane < 0) << index), 0),
  );
  const shifted = (run: (a: bigint, by: bigint) => bigint) => (a: Bytes, by: number) =>
    mapLanes(of, (lane: Lane) => narrow(of, run(BigInt(lane), BigInt(by >>> 0) % size)))(a);
  define(
    shl!,
    'vi:v',
    shifted((a, by) => a << by),
  );
  define(
    shrS!,
    'vi:v',
    shifted((a, by) => a >> by),
  );
  define(
    shrU!,
    'vi:v',
    shifted((a, by) => BigInt.asUintN(Number(size), a) >> by),
  );
  define(
    add!,
    'vv:v',
    mapLanes(
      of,
      big((a, b) => a + b),
    ),
  );
  define(
    sub!,
    'vv:v',
    mapLanes(
      of,
      big((a, b) => a - b),
    ),
  );
}

function narrow(of: Shape, value: bigint): Lane {
  const wrapped = BigInt.asIntN(of.size * 8, value);
  return of.size === 8 ? wrapped : Number(wrapped);
}

function lanesOf(of: Shape, bytes: Bytes): Lane[] {
  return Array.from({ length: of.count }, (_, lane) => of.get(view(bytes), lane));
}

/** min_s, min_u, max_s, max_u. */
function defineExtremes(first: number, of: Shape): void {
  const plain = unsigned(of);
  define(
    vector + first,
    'vv:v',
    mapLanes(of, (a: Lane, b: Lane) => (a < b ? a : b)),
  );
  define(
    vector + first + 1,
    'vv:v',
    mapLanes(of, (a: Lane, b: Lane) => (plain(a) < plain(b) ? a : b)),
  );
  define(
    vector + first + 2,
    'vv:v',
    mapLanes(of, (a: Lane, b: Lane) => (a > b ? a : b)),
  );
  define(
    vector + first + 3,
    'vv:v',
    mapLanes(of, (a: Lane, b: Lane) => (plain(a) > plain(b) ? a : b)),
  );
}

/** Codes of the four roundings, abs, neg, sqrt; then add at `first`, and comparisons. */
function defineFloats(of: Shape, codes: readonly number[], first: number, comparisons: number): void {
  const wide = of.size === 8;
  const number = (lane: Lane): number => (wide ? doubleOf(BigInt(lane)) : floatOf(Number(lane)));
  const lane = (value: number): Lane => (wide ? doubleBits(value) : floatBits(Math.fround(value)));
  const scalar = (code: number) => operations.get(code)!.run as (...lanes: never[]) => Lane;
  for (const [index, run] of [...roundings, undefined, undefined, Math.sqrt].entries()) {
    if (run !== undefined)
      define(
        vector + codes[index]!,
        'v:v',
        mapLanes(of, (a: Lane) => lane(run(number(a)))),
      );
  }
  define(vector + codes[4]!, 'v:v', mapLanes(of, scalar(wide ? 0x99 : 0x8b)));
  define(vector + codes[5]!, 'v:v', mapLanes(of, scalar(wide ? 0x9a : 0x8c)));
  for (const [index, run] of arithmetic.entries()) {
    define(
      vector + first + index,
      'vv:v',
      mapLanes(of, (a: Lane, b: Lane) => lane(run(number(a), number(b)))),
    );
  }
  define(
    vector + first + 6,
    'vv:v',
    mapLanes(of, (a: Lane, b: Lane) => (number(b) < number(a) ? b : a)),
  );
  define(
    vector + first + 7,
    'vv:v',
    mapLanes(of, (a: Lane, b: Lane) => (number(a) < number(b) ? b : a)),
  );
  const tests = [0, 1, 2, 3, 4, 5].map((index) => scalar((wide ? 0x61 : 0x5b) + index));
  for (const [index, test] of tests.entries()) {
    const run = test as (a: Lane, b: Lane) => Lane;
    define(
      vector + comparisons + index,
      'vv:v',
      mapLanes(of, (a: Lane, b: Lane) => -Number(run(a, b))),
    );
  }
}

const { i8, i16, i32, i64 } = shapes;
define(vector + 14, 'vv:v', (a: Bytes, b: Bytes) => b.map((index) => (index < 16 ? a[index]! : 0)));
define(vector + 15, 'i:v', splat(i8));
define(vector + 16, 'i:v', splat(i16));
define(vector + 17, 'i:v', splat(i32));
define(vector + 18, 'l:v', splat(i64));
define(vector + 19, 'f:v', splat(i32));
define(vector + 20, 'd:v', splat(i64));
defineComparisons(35, i8, true);
defineComparisons(45, i16, true);
defineComparisons(55, i32, true);
defineComparisons(214, i64, false);
define(
  vector + 77,
  'v:v',
  bytewise((a) => ~a),
);
define(
  vector + 78,
  'vv:v',
  bytewise((a, b) => a & b),
);
define(
  vector + 79,
  'vv:v',
  bytewise((a, b) => a & ~b),
);
define(
  vector + 80,
  'vv:v',
  bytewise((a, b) => a | b),
);
define(
  vector + 81,
  'vv:v',
  bytewise((a, b) => a ^ b),
);
define(
  vector + 82,
  'vvv:v',
  bytewise((a, b, mask) => (a & mask) | (b & ~mask)),
);
define(vector + 83, 'v:i', (a: Bytes) => Number(a.some((byte) => byte !== 0)));
defineIntegers(i8, [96, 97, 99, 100, 107, 108, 109, 110, 113]);
defineIntegers(i16, [128, 129, 131, 132, 139, 140, 141, 142, 145]);
defineIntegers(i32, [160, 161, 163, 164, 171, 172, 173, 174, 177]);
defineIntegers(i64, [192, 193, 195, 196, 203, 204, 205, 206, 209]);
defineExtremes(118, i8);
defineExtremes(150, i16);
defineExtremes(182, i32);
const multiply = (of: Shape) => mapLanes(of, (a: Lane, b: Lane) => narrow(of, BigInt(a) * BigInt(b)));
define(vector + 149, 'vv:v', multiply(i16));
define(vector + 181, 'vv:v', multiply(i32));
define(vector + 213, 'vv:v', multiply(i64));
defineFloats(i32, [103, 104, 105, 106, 224, 225, 227], 228, 65);
defineFloats(i64, [116, 117, 122, 148, 236, 237, 239], 240, 71);

const scalarRun = (code: number) => operations.get(code)!.run as (...lanes: never[]) => Lane;
define(vector + 248, 'v:v', mapLanes(i32, scalarRun(0xfc00)));
define(vector + 249, 'v:v', mapLanes(i32, scalarRun(0xfc01)));
define(vector + 250, 'v:v', mapLanes(i32, scalarRun(0xb2)));
define(vector + 251, 'v:v', mapLanes(i32, scalarRun(0xb3)));
/** The low two lanes: f64 to f32 with zeros above, and f32 to f64. */
define(vector + 94, 'v:v', (a: Bytes) => {
  const result = new Uint8Array(16);
  for (let lane = 0; lane < 2; lane++) {
    i32.set(view(result), lane, floatBits(Math.fround(doubleOf(BigInt(i64.get(view(a), lane))))));
  }
  return result;
});
define(vector + 95, 'v:v', (a: Bytes) => {
  const result = new Uint8Array(16);
  for (let lane = 0; lane < 2; lane++) {
    i64.set(view(result), lane, doubleBits(floatOf(Number(i32.get(view(a), lane)))));
  }
  return result;
});
