// The instructions whose cost is measured, each as a function of the text format that repeats it.

import { op, simdBase } from '../../../src/wasm/binary/opcodes.ts';

export interface Operation {
  readonly name: string;
  /** The one that costs, for the table. */
  readonly code: number;
  /** The type of what the steps hand on. */
  readonly type: string;
  /** One step from `a` to the next value; `$x` is a parameter of the type. */
  readonly step: (a: string) => string;
  /** What stands around the steps: functions, a table. */
  readonly around?: string;
  /** The value of `$x`, and the first one. */
  readonly x: number;
  readonly start: number;
  /** Steps of one round; fewer where each of them nests blocks. */
  readonly steps?: number;
}

const x = '(local.get $x)';
/** Operands that keep the value from becoming one that is computed faster. */
const operandsOf: Readonly<Record<string, { readonly x: number; readonly start: number }>> = {
  'i32.div_u': { x: 1, start: 0x7fff_fff1 },
  'i64.div_s': { x: 1, start: 0x1f_ffff_ffff_ffff },
  'i32.rem_s': { x: 0x7fff_ffff, start: 0x7fff_fff1 },
  'i32.load': { x: 0, start: 0 },
  'i32.load8_u': { x: 0, start: 0 },
  i32: { x: 3, start: 12_345_677 },
  i64: { x: 3, start: 12_345_677 },
  f32: { x: 1.000_001, start: 2 },
  f64: { x: 1.000_001, start: 2 },
  v128: { x: 1.000_001, start: 2 },
};

function operands(name: string, type: string): { readonly x: number; readonly start: number } {
  return operandsOf[name] ?? operandsOf[type]!;
}

const unary = (name: string, code: number, type: string): Operation => ({
  name,
  code,
  type,
  step: (a) => `(${name} ${a})`,
  ...operands(name, type),
});
const binary = (name: string, code: number, type: string): Operation => ({
  name,
  code,
  type,
  step: (a) => `(${name} ${a} ${x})`,
  ...operands(name, type),
});

/** Steps of one round: in one chain, where each waits for the one before, or in several side by side. */
const stepsMost = 64;
const chainsWide = 8;

export function stepsOf({ steps = stepsMost }: Operation): number {
  return steps;
}

/** Where `$x` and the first value stand in memory, so that an optimiser does not know them. */
export const operandsAt = { x: 512, start: 544 } as const;

/** A module with the functions `chain` and `wide` of a number of rounds. */
export function moduleText(operation: Operation): string {
  return `(module (memory (export "memory") 1) ${operation.around ?? ''}
    ${functionText('chain', operation, 1)} ${functionText('wide', operation, chainsWide)})`;
}

function functionText(name: string, operation: Operation, chains: number): string {
  const { type, step } = operation;
  const locals = Array.from({ length: chains }, (_, index) => `$a${index}`);
  const each = (write: (local: string, index: number) => string): string => locals.map(write).join('\n');
  const steps = (local: string): string => {
    let text = `(local.get ${local})`;
    for (let index = 0; index < stepsOf(operation) / chains; index++) text = step(text);
    return text;
  };
  return `(func (export "${name}") (param $n i32) (local $x ${type}) ${each((local) => `(local ${local} ${type})`)}
    (local.set $x (${type}.load (i32.const ${operandsAt.x})))
    ${each((local) => `(local.set ${local} (${type}.load (i32.const ${operandsAt.start})))`)}
    (loop $l ${each((local) => `(local.set ${local} ${steps(local)})`)}
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    ${each((local, index) => `(${type}.store (i32.const ${1024 + 16 * index}) (local.get ${local}))`)})`;
}

const scalars: readonly Operation[] = [
  binary('i32.add', 0x6a, 'i32'),
  binary('i32.xor', 0x73, 'i32'),
  binary('i32.shl', 0x74, 'i32'),
  binary('i32.mul', 0x6c, 'i32'),
  binary('i32.lt_s', op.i32LtS, 'i32'),
  unary('i32.popcnt', 0x69, 'i32'),
  unary('i32.clz', 0x67, 'i32'),
  binary('i32.div_u', 0x6e, 'i32'),
  binary('i32.rem_s', 0x6f, 'i32'),
  binary('i64.add', 0x7c, 'i64'),
  binary('i64.mul', 0x7e, 'i64'),
  binary('i64.div_s', 0x7f, 'i64'),
  binary('f32.add', 0x92, 'f32'),
  binary('f64.add', 0xa0, 'f64'),
  binary('f64.mul', 0xa2, 'f64'),
  binary('f64.min', 0xa4, 'f64'),
  binary('f32.div', 0x95, 'f32'),
  binary('f64.div', 0xa3, 'f64'),
  unary('f64.sqrt', 0x9f, 'f64'),
  unary('f64.floor', 0x9c, 'f64'),
  {
    ...unary('f64.convert_i32_s', 0xb7, 'f64'),
    name: 'f64.convert and i32.trunc',
    step: (a) => `(f64.convert_i32_s (i32.trunc_sat_f64_s ${a}))`,
  },
];

const vectors: readonly Operation[] = [
  binary('i32x4.add', simdBase + 174, 'v128'),
  binary('i32x4.mul', simdBase + 181, 'v128'),
  binary('i8x16.swizzle', simdBase + 14, 'v128'),
  binary('f32x4.add', simdBase + 228, 'v128'),
  binary('f64x2.mul', simdBase + 242, 'v128'),
  binary('f32x4.div', simdBase + 231, 'v128'),
  unary('f64x2.sqrt', simdBase + 239, 'v128'),
];

const memory: readonly Operation[] = [
  // Every address holds 0.
  unary('i32.load', 0x28, 'i32'),
  unary('i32.load8_u', 0x2d, 'i32'),
  {
    name: 'i32.store',
    code: 0x36,
    type: 'i32',
    ...operands('', 'i32'),
    step: (a) => `(block (result i32) (i32.store (i32.const 64) ${a}) (i32.load (i32.const 64)))`,
  },
  {
    name: 'global.set',
    code: op.globalSet,
    type: 'i32',
    ...operands('', 'i32'),
    around: '(global $g (mut i32) (i32.const 0))',
    step: (a) => `(block (result i32) (global.set $g ${a}) (global.get $g))`,
  },
];

const callee = '(func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))';
const calls: readonly Operation[] = [
  {
    name: 'call',
    code: op.call,
    type: 'i32',
    ...operands('', 'i32'),
    around: callee,
    step: (a) => `(call $f ${a})`,
  },
  {
    name: 'call_indirect',
    code: op.callIndirect,
    type: 'i32',
    ...operands('', 'i32'),
    around: `${callee} (type $t (func (param i32) (result i32))) (table funcref (elem $f $f))`,
    step: (a) => `(call_indirect (type $t) ${a} (i32.and ${x} (i32.const 1)))`,
  },
  {
    name: 'br_table',
    steps: 16,
    code: op.brTable,
    type: 'i32',
    ...operands('', 'i32'),
    step: (a) => `(block (result i32) (block (result i32) (block (result i32) (block (result i32)
      (br_table 0 1 2 3 ${a} (i32.and ${x} (i32.const 3)))) (i32.const 1) (i32.add)) (i32.const 2) (i32.add))
      (i32.const 3) (i32.add))`,
  },
];

export const operations: readonly Operation[] = [...scalars, ...vectors, ...memory, ...calls];
