// Modules whose NaN show: signs and payloads through arithmetic, memory, globals, calls and vectors.

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

export function nanScalars(type: 'f32' | 'f64'): string {
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

export function nanVectors(): string {
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
