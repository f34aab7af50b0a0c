// Modules that differ between machines, tiers and versions as they are: NaN bits, recursion to the limit, growth to the
// limit, fuel to its end, vector floats, what only some versions take. Each with the calls that show it.
import wabtInit from 'wabt';
import { randomProgram } from '../wasm/random-program.ts';
import { nanScalars, nanVectors } from './nan-modules.ts';

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
  /** What the host would give: more than the limit. */
  readonly pagesHostMax: number;
  /** Left out where fuel is: it does not end. */
  readonly endless: boolean;
  /** What is compared is where each call traps, too. */
  readonly explained: boolean;
  /** Refused; where refusal is left out it runs as it is. */
  readonly refused: boolean;
}

const wabt = await wabtInit();

function assemble(text: string): string {
  const features = { tail_call: true, relaxed_simd: true, threads: true, exceptions: true, memory64: true };
  const parsed = wabt.parseWat('portable.wat', text, features);
  try {
    return Buffer.from(parsed.toBinary({}).buffer).toString('base64');
  } finally {
    parsed.destroy();
  }
}

function call(name: string, times: number, fuel = 1e8, ...values: (number | string)[]): PortableCall {
  return { export: name, values, fuel, times };
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

/** Large frames of vectors, all of them alive across the call. */
function wideRecursion(): string {
  const locals = Array.from({ length: 24 }, (_, index) => `$v${index}`);
  const set = locals.map(
    (name, index) => `(local.set ${name} (v128.load offset=${64 + index * 16} (i32.const 0)))`,
  );
  const use = locals.map(
    (name) => `(v128.store (i32.const 16) (i32x4.add (v128.load (i32.const 16)) (local.get ${name})))`,
  );
  return `(module (memory (export "memory") 1)
    (func $other (param $n i32) (call $wide (local.get $n)))
    (func $wide (export "wide") (param $n i32) ${locals.map((name) => `(local ${name} v128)`).join('')}
      (i32.store (i32.const 0) (local.get $n)) ${set.join('\n')}
      (call $other (i32.add (local.get $n) (i32.const 1))) ${use.join('\n')}))`;
}

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
    (i32.store (i32.const 0) (memory.grow (i32.const 65536))))
  (func (export "far") (result i32) (memory.grow (i32.const 49))))`;

const trapping = ['divide', 'remain', 'load', 'store', 'convert', 'through', 'fill', 'never', 'spin', 'deep'];
const divisors = ['divide', 'remain', 'through'];

/** Traps of every kind, in small functions that are inlined and called in turn, before and after they are hot. */
const traps = `(module (memory (export "memory") 1) (table 4 funcref) (elem (i32.const 1) $divide) (type $t (func (param i32 i32) (result i32)))
  (func $divide (type $t) (i32.div_s (local.get 0) (local.get 1)))
  (func $remain (type $t) (i32.rem_u (local.get 0) (local.get 1)))
  (func $load (type $t) (v128.any_true (v128.load offset=60000 (i32.add (local.get 0) (local.get 1)))))
  (func $store (type $t) (i64.store (local.get 0) (i64.const -1)) (i32.const 1))
  (func $convert (type $t) (i32.trunc_f64_s (f64.mul (f64.convert_i32_s (local.get 0)) (f64.const 1e9))))
  (func $through (type $t) (call_indirect (type $t) (local.get 0) (local.get 1) (local.get 1)))
  (func $fill (type $t) (memory.fill (local.get 0) (i32.const 1) (i32.sub (i32.const 64000) (i32.mul (local.get 1) (i32.const 63000)))) (i32.const 1))
  (func $never (type $t) (if (local.get 0) (then unreachable)) (i32.const 1))
  (func $spin (type $t) (loop $again (br_if $again (local.get 0))) (i32.const 1))
  (func $deep (type $t) (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (i32.add (call $deep (local.get 0) (i32.const 1)) (i32.const 1)))
  ${trapping
    .map(
      (
        name,
      ) => `(func $mid_${name} (type $t) (i32.add (call $${name} (local.get 0) (local.get 1)) (i32.const 1)))
    (func (export "${name}") (type $t) nop (call $mid_${name} (local.get 0) (local.get 1)))`,
    )
    .join('\n')}
  (func (export "warm") (local $i i32) (loop $again
    ${trapping
      .map(
        (name) => `(drop (call $mid_${name} (i32.const ${divisors.includes(name) ? 7 : 0}) (i32.const 1)))`,
      )
      .join('\n')}
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3000))))))`;

/** Each twice: cold, and after many calls that do not trap. */
const trapCalls = [
  ...[call('divide', 1, 1e6, 1, 0), call('remain', 1, 1e6, 1, 0), call('load', 1, 1e6, 9000, 1)],
  ...[call('store', 1, 1e6, 65_533, 0), call('store', 1, 1e6, 65_529, 0)],
  ...[call('convert', 1, 1e6, 9, 0), call('through', 1, 1e6, 1, 2), call('through', 1, 1e6, 1, 0)],
  ...[call('fill', 1, 1e6, 9000, 0), call('never', 1, 1e6, 1, 0), call('spin', 1, 1e6, 1, 0)],
  ...[call('deep', 1, 1e9, 1, 0), call('divide', 1, 1, 6, 3), call('divide', 1, 1e6, -2147483648, -1)],
];

/** What is refused, and what answers as the processor likes or is known to some versions only. */
const refusals = {
  relaxed: `(module (memory (export "memory") 1) (func (export "all")
    (v128.store (i32.const 0) (i8x16.relaxed_swizzle (v128.const i32x4 0x03020100 0x07060504 0x0b0a0908 0x0f0e0d0c)
      (v128.const i32x4 0x10203040 0x7f6f5f4f 0x80ff9088 0x00010203)))
    (v128.store (i32.const 16) (i32x4.relaxed_trunc_f32x4_s (v128.const f32x4 nan 3e9 -3e9 1.5)))))`,
  threads: `(module (memory (export "memory") 1 1 shared) (func (export "all")
    (i32.store (i32.const 0) (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))))`,
  wide: `(module (memory i64 1) (func (export "all") (i32.store (i64.const 0) (i32.const 7))))`,
  exceptions: `(module (memory (export "memory") 1) (tag $t (param i32))
    (func (export "all") (throw $t (i32.const 1))))`,
};

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

/** Numbers too small to be normal, sums that rounding twice would change, zeros of both signs. */
const edges = `(module (memory (export "memory") 1)
  (data (i32.const 0) "\\01\\00\\00\\00\\00\\00\\00\\00\\ff\\ff\\ff\\ff\\ff\\ff\\0f\\00\\00\\00\\00\\00\\00\\00\\10\\00\\01\\00\\00\\00\\00\\00\\f0\\3f")
  (data (i32.const 32) "\\00\\00\\00\\00\\00\\00\\00\\80\\01\\00\\00\\20\\00\\00\\50\\3a\\9a\\99\\99\\99\\99\\99\\b9\\3f\\01\\00\\00\\00\\00\\00\\00\\c3")
  (func (export "all") (local $i i32) (local $j i32) (local $out i32) (local $a f64) (local $b f64)
    (local.set $out (i32.const 64))
    (loop $rows (local.set $a (f64.load (local.get $i))) (local.set $j (i32.const 0))
      (loop $columns (local.set $b (f64.load (local.get $j)))
        ${[
          '(f64.add (f64.mul (local.get $a) (local.get $b)) (local.get $a))',
          '(f64.div (local.get $a) (f64.mul (local.get $b) (f64.const 3)))',
          '(f64.sub (f64.mul (local.get $a) (local.get $a)) (f64.mul (local.get $b) (local.get $b)))',
          '(f64.promote_f32 (f32.mul (f32.demote_f64 (local.get $a)) (f32.demote_f64 (local.get $b))))',
          '(f64.min (local.get $a) (f64.neg (local.get $b)))',
          '(f64.sqrt (f64.abs (local.get $b)))',
        ]
          .map(
            (value) =>
              `(f64.store (local.get $out) ${value}) (local.set $out (i32.add (local.get $out) (i32.const 8)))`,
          )
          .join('\n')}
        (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 8))) (i32.const 64))))
      (br_if $rows (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 64))))))`;

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
  more: Partial<PortableModule> = {},
): PortableModule {
  const limits = { pagesMax: 20, pagesHostMax: 20, endless: false, explained: false, refused: false };
  return { name, bytes: assemble(text), calls, ...limits, ...more };
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
      pagesHostMax: 3,
      endless: true,
      explained: false,
      refused: false,
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
    fixed('recursion', wideRecursion(), [call('wide', 1, 1e9, 1)]),
    fixed('growth', growth, [call('all', 1), call('far', 12)], { pagesMax: 300, pagesHostMax: 500 }),
    fixed('fuel', endless, [call('spin', 3, 1_234_567)], { endless: true }),
    fixed('places', traps, [...trapCalls, call('warm', 5, 1e8), ...trapCalls], {
      explained: true,
      endless: true,
    }),
    ...Object.values(refusals).map((text) => fixed('refusal', text, [call('all', 1)], { refused: true })),
    fixed('floats', matrix, [call('all', 3)]),
    fixed('floats', mandelbrot, [call('all', 1)]),
    fixed('floats', edges, [call('all', 40)]),
    ...random(randomCount),
  ];
}
