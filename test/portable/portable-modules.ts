// Modules that differ between machines, tiers and versions as they are: NaN bits, recursion to the limit, growth to the
// limit, fuel to its end, vector floats. Each with the calls that show it.
import wabtInit from 'wabt';
import { randomProgram } from '../wasm/random-program.ts';

export interface PortableCall {
  readonly export: string;
  /** Numbers for i32, strings for i64. */
  readonly values: readonly (number | string)[];
  readonly fuel: number;
  /** How often it is called; what is compared is the sum of all. */
  readonly times: number;
}

export interface PortableModule {
  readonly name: string;
  /** Base64. */
  readonly bytes: string;
  readonly calls: readonly PortableCall[];
  readonly pagesMax: number;
  /** Left out where fuel is: it does not end. */
  readonly endless: boolean;
}

const wabt = await wabtInit();

function assemble(text: string): string {
  const parsed = wabt.parseWat('portable.wat', text, { tail_call: true });
  try {
    return Buffer.from(parsed.toBinary({}).buffer).toString('base64');
  } finally {
    parsed.destroy();
  }
}

function call(name: string, times: number, fuel = 1e8, ...values: (number | string)[]): PortableCall {
  return { export: name, values, fuel, times };
}

/** Bits of the operands: zeros, ones, infinities, and NaN of every sign, quiet and signalling, with payloads. */
const doubles = [
  '0',
  '8000000000000000',
  '3ff0000000000000',
  'c000000000000000',
  '7ff0000000000000',
  'fff0000000000000',
  '7ff8000000000000',
  'fff8000000000000',
  '7ff8000000000123',
  'fff8000000000456',
  '7ff0000000000001',
  'fff4000000000007',
];
const floats = [
  '0',
  '80000000',
  '3f800000',
  'c0000000',
  '7f800000',
  'ff800000',
  '7fc00000',
  'ffc00000',
  '7fc00123',
  'ffc00456',
  '7f800001',
  'ffa00007',
];

function littleEndian(hex: string, bytes: number): string {
  return hex
    .padStart(bytes * 2, '0')
    .match(/../g)!
    .reverse()
    .map((byte) => `\\${byte}`)
    .join('');
}

const binary = ['add', 'sub', 'mul', 'div', 'min', 'max'];
const unary = ['ceil', 'floor', 'trunc', 'nearest', 'sqrt'];

/** Every operation on every pair of operands; results lie at `out` and behind. */
function nanLoop(type: 'f32' | 'f64'): string {
  const size = type === 'f64' ? 8 : 4;
  const base = type === 'f64' ? 0 : 96;
  const at = (index: string) =>
    `(${type}.load offset=${base} (i32.mul (local.get ${index}) (i32.const ${size})))`;
  const put = (value: string) => `(${type}.store (local.get $out) ${value})
    (local.set $out (i32.add (local.get $out) (i32.const ${size})))`;
  const [a, b] = [at('$i'), at('$j')];
  const bits = type === 'f64' ? 'i64' : 'i32';
  const other =
    type === 'f64'
      ? put(`(f64.promote_f32 (f32.demote_f64 ${a}))`)
      : put(`(f32.demote_f64 (f64.mul (f64.promote_f32 ${a}) (f64.promote_f32 ${b})))`);
  return [
    ...binary.map((name) => put(`(${type}.${name} ${a} ${b})`)),
    ...unary.map((name) => put(`(${type}.${name} ${a})`)),
    put(`(${type}.neg (${type}.add ${a} ${b}))`),
    put(`(${type}.copysign (${type}.mul ${a} ${b}) ${a})`),
    put(`(${type}.abs (${type}.sub ${a} ${b}))`),
    put(`(call $sum_${type} ${a} ${b})`),
    put(
      `(${type}.reinterpret_${bits} (${bits}.reinterpret_${type} (${type}.div (${type}.const 0) (${type}.const 0))))`,
    ),
    `(global.set $g_${type} (${type}.add (global.get $g_${type}) (${type}.mul ${a} ${b})))`,
    put(`(global.get $g_${type})`),
    put(`(select (${type}.add ${a} ${b}) (${type}.mul ${b} ${a}) (i32.and (local.get $i) (i32.const 1)))`),
    other,
  ].join('\n');
}

function nanScalars(type: 'f32' | 'f64'): string {
  const data = [
    ...doubles.map((hex) => littleEndian(hex, 8)),
    ...floats.map((hex) => littleEndian(hex, 4)),
  ].join('');
  return `(module (memory (export "memory") 2) (data (i32.const 0) "${data}")
    (global $g_${type} (mut ${type}) (${type}.const 1))
    (func $sum_${type} (param $a ${type}) (param $b ${type}) (result ${type})
      (${type}.sub (${type}.add (local.get $a) (local.get $b)) (${type}.mul (local.get $b) (local.get $a))))
    (func (export "all") (local $i i32) (local $j i32) (local $out i32)
      (local.set $out (i32.const 256))
      (loop $rows (local.set $j (i32.const 0))
        (loop $columns ${nanLoop(type)}
          (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 12))))
        (br_if $rows (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 12))))))`;
}

function nanVectors(): string {
  const data = [
    ...doubles.map((hex) => littleEndian(hex, 8)),
    ...floats.map((hex) => littleEndian(hex, 4)),
  ].join('');
  const shapes = ['f32x4', 'f64x2'];
  const [a, b] = ['(v128.load (local.get $i))', '(v128.load (local.get $j))'];
  const put = (value: string) => `(v128.store (local.get $out) ${value})
    (local.set $out (i32.add (local.get $out) (i32.const 16)))`;
  const work = shapes
    .flatMap((shape) => [
      ...binary.map((name) => put(`(${shape}.${name} ${a} ${b})`)),
      ...unary.map((name) => put(`(${shape}.${name} ${a})`)),
      put(`(${shape}.neg (${shape}.add ${a} ${b}))`),
      put(`(v128.xor (${shape}.sub ${a} ${b}) (v128.const i32x4 1 2 3 4))`),
    ])
    .join('\n');
  return `(module (memory (export "memory") 2) (data (i32.const 0) "${data}")
    (func (export "all") (local $i i32) (local $j i32) (local $out i32)
      (local.set $out (i32.const 256))
      (loop $rows (local.set $j (i32.const 0))
        (loop $columns ${work}
          ${put(`(f32x4.demote_f64x2_zero ${a})`)} ${put(`(f64x2.promote_low_f32x4 ${a})`)}
          (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 16))) (i32.const 128))))
        (br_if $rows (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (i32.const 128))))))`;
}

/** Counts how deep it got; memory tells afterwards. */
const recursion = `(module (memory (export "memory") 1) (type $t (func (param i32)))
  (table funcref (elem $down $indirect))
  (func $note (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))))
  (func $down (export "down") (param $n i32) (local $x i64) (local $y f64)
    (call $note) (local.set $x (i64.load (i32.const 8))) (local.set $y (f64.load (i32.const 16)))
    (call $down (i32.add (local.get $n) (i32.const 1)))
    (i64.store (i32.const 24) (i64.add (i64.load (i32.const 24)) (local.get $x)))
    (f64.store (i32.const 32) (f64.add (f64.load (i32.const 32)) (local.get $y))))
  (func $indirect (export "indirect") (param $n i32)
    (call $note) (call_indirect (type $t) (local.get $n) (i32.const 1)))
  (func (export "shallow") (param $n i32) (if (local.get $n) (then (call $note))))
)`;

const growth = `(module (memory (export "memory") 1) (table $t 1 500 funcref)
  (func (export "all") (local $i i32) (local $out i32)
    (local.set $out (i32.const 64))
    (loop $again
      (i32.store (local.get $out) (memory.grow (i32.rem_u (local.get $i) (i32.const 4))))
      (i32.store offset=4 (local.get $out) (memory.size))
      (i32.store offset=8 (local.get $out) (table.grow $t (ref.null func) (i32.mul (local.get $i) (i32.const 9))))
      (i32.store offset=12 (local.get $out) (table.size $t))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 40))))
    (i32.store (i32.const 0) (memory.grow (i32.const 65536)))))`;

/** Writes how far it came until it is stopped. */
const endless = `(module (memory (export "memory") 1)
  (func (export "spin") (loop $again
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1))) (br $again))))`;

const matrix = `(module (memory (export "memory") 2)
  (func (export "all") (local $i i32) (local $j i32) (local $sum v128)
    (loop $fill (f32.store (local.get $i) (f32.div (f32.convert_i32_s (i32.sub (local.get $i) (i32.const 900))) (f32.const 7)))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 8192))))
    (loop $rows (local.set $j (i32.const 0))
      (loop $columns
        (local.set $sum (f32x4.add (f32x4.mul (local.get $sum) (v128.load (local.get $j)))
          (f32x4.div (v128.load offset=4096 (local.get $j)) (f32x4.splat (f32.convert_i32_u (local.get $i))))))
        (v128.store offset=16384 (local.get $j) (f32x4.sqrt (f32x4.abs (local.get $sum))))
        (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 16))) (i32.const 4096))))
      (br_if $rows (i32.gt_u (local.tee $i (i32.sub (local.get $i) (i32.const 512))) (i32.const 1024))))))`;

const mandelbrot = `(module (memory (export "memory") 1)
  (func (export "all") (local $p i32) (local $n i32) (local $x f64) (local $y f64) (local $t f64)
    (loop $points (local.set $n (i32.const 0)) (local.set $x (f64.const 0)) (local.set $y (f64.const 0))
      (loop $steps
        (local.set $t (f64.add (f64.sub (f64.mul (local.get $x) (local.get $x)) (f64.mul (local.get $y) (local.get $y)))
          (f64.sub (f64.div (f64.convert_i32_u (local.get $p)) (f64.const 800)) (f64.const 2))))
        (local.set $y (f64.add (f64.mul (f64.mul (f64.const 2) (local.get $x)) (local.get $y)) (f64.const 0.3)))
        (local.set $x (local.get $t))
        (br_if $steps (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 60))))
      (f64.store (i32.and (i32.mul (local.get $p) (i32.const 8)) (i32.const 0xfff8)) (local.get $x))
      (br_if $points (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 1))) (i32.const 2000))))))`;

function fixed(
  name: string,
  text: string,
  calls: readonly PortableCall[],
  endlessly = false,
): PortableModule {
  return { name, bytes: assemble(text), calls, pagesMax: 20, endless: endlessly };
}

function random(count: number): PortableModule[] {
  return Array.from({ length: count }, (_, index) => {
    const { bytes, exports } = randomProgram(7000 + index);
    const calls = exports.map(({ name, signature }) =>
      call(name, 3, 20_000, ...[...signature.params].map((letter) => (letter === 'l' ? '77' : 12))),
    );
    return {
      name: 'random',
      bytes: Buffer.from(bytes).toString('base64'),
      calls,
      pagesMax: 3,
      endless: true,
    };
  });
}

/** `randomCount` of them are random programs. */
export function portableModules(randomCount: number): PortableModule[] {
  return [
    fixed('nan f32', nanScalars('f32'), [call('all', 60)]),
    fixed('nan f64', nanScalars('f64'), [call('all', 60)]),
    fixed('nan simd', nanVectors(), [call('all', 60)]),
    fixed('recursion', recursion, [call('shallow', 3000, 1e6, 1), call('down', 1, 1e9, 1)]),
    fixed('recursion', recursion, [call('indirect', 1, 1e9, 1)]),
    fixed('growth', growth, [call('all', 1)]),
    fixed('fuel', endless, [call('spin', 3, 1_234_567)], true),
    fixed('floats', matrix, [call('all', 3)]),
    fixed('floats', mandelbrot, [call('all', 1)]),
    ...random(randomCount),
  ];
}
