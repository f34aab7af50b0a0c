// For tests only, a program: runs endless recursion of many shapes under the default budget and prints what came of
// each, one line of JSON a shape. The parent chooses V8's tier and stack by flags.
import { assemble, start } from '../test-module.ts';

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('\n');
}

/** The endless recursion itself: `$down` works before and after it calls itself; zero only warms up. */
function recursion(parts: {
  params?: string;
  locals?: string;
  before?: string;
  pass?: string;
  after?: string;
  call?: string;
  atZero?: string;
  outer?: string;
}): string {
  const { params = '', locals = '', before = '', pass = '', after = '', atZero = '', outer = '' } = parts;
  const call = parts.call ?? 'call $down';
  const first = pass.replaceAll(/local\.get \$p\d+/g, 'i64.const 5');
  return `${outer}
    (func $down (param $depth i32) ${params} ${locals}
      (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
      ${before}
      (if (i32.ge_s (local.get $depth) (i32.const 0))
        (then local.get $depth ${pass} ${call})
        (else ${atZero}))
      ${after})
    (func (export "start") (param i32) (call $down (local.get 0) ${first}))`;
}

/** Many values that live across the call, in locals of one type. */
function wideLocals(count: number, type: string): string {
  const bytes = type === 'v128' ? 16 : 8;
  const add = type === 'v128' ? 'i32x4.add' : `${type}.add`;
  return recursion({
    locals: lines(count, (i) => `(local $l${i} ${type})`),
    before: lines(count, (i) => `(local.set $l${i} (${type}.load (i32.const ${i * bytes})))`),
    after: lines(count, (i) => `(global.set $${type} (${add} (global.get $${type}) (local.get $l${i})))`),
  });
}

/** The same computation before and after the call, which an optimiser does once and keeps. */
function repeatedWork(count: number): string {
  const item = (i: number) => `(i32.mul (local.get $depth) (i32.const ${i * 2 + 70_001}))`;
  return recursion({
    before: lines(count, (i) => `(global.set $i32 (i32.xor (global.get $i32) ${item(i)}))`),
    after: lines(count, (i) => `(global.set $i32 (i32.add (global.get $i32) ${item(i)}))`),
  });
}

function repeatedVectorWork(count: number): string {
  const item = (i: number) => `(i32x4.splat (i32.add (local.get $depth) (i32.const ${i})))`;
  return recursion({
    before: lines(count, (i) => `(global.set $v128 (v128.xor (global.get $v128) ${item(i)}))`),
    after: lines(count, (i) => `(global.set $v128 (i32x4.add (global.get $v128) ${item(i)}))`),
  });
}

/** A caller that never runs what is inlined into it: a chain of functions whose values live across calls. */
function inlinedChain(levels: number, count: number, type: string, padding: number): string {
  const add = type === 'v128' ? 'i32x4.add' : `${type}.add`;
  const next = (level: number) =>
    level + 1 < levels
      ? `(call $b${level + 1} (local.get $x))`
      : '(call_indirect (type $none) (i32.const 0))';
  const chain = lines(
    levels,
    (level) => `(func $b${level} (param $x i32) ${lines(count, (i) => `(local $l${i} ${type})`)}
      ${lines(count, (i) => `(local.set $l${i} (${type}.load offset=${i * 8} (local.get $x)))`)}
      ${next(level)}
      ${lines(count, (i) => `(global.set $${type} (${add} (global.get $${type}) (local.get $l${i})))`)})`,
  );
  const pad = lines(padding, (i) => `(global.set $i32 (i32.add (global.get $i32) (i32.const ${i})))`);
  return recursion({
    outer: `(type $none (func)) (table funcref (elem $nothing)) (func $nothing) ${chain}`,
    atZero: '(call $b0 (i32.const 8))',
    after: `(if (i32.eq (local.get $depth) (i32.const -7)) (then ${pad}))`,
  });
}

function shapes(): Record<string, string> {
  const found: Record<string, string> = {
    narrow: recursion({}),
    indirect: recursion({
      outer: '(type $t (func (param i32))) (table funcref (elem $down))',
      call: '(call_indirect (type $t) (i32.const 0))',
    }),
    mutual: recursion({ outer: '(func $other (param i32) (call $down (local.get 0)))', call: 'call $other' }),
    'tail and not': recursion({
      outer: '(func $other (param i32) (return_call $down (local.get 0)))',
      call: 'call $other',
    }),
    'locals 9000': wideLocals(9000, 'i64'),
    'host at the end': recursion({ before: '(drop (call $timer (i32.const 1) (i32.const 1)))' }),
  };
  for (const count of [4, 30, 400]) {
    const params = lines(count, (i) => `(param $p${i} i64)`);
    const pass = lines(count, (i) => `(local.get $p${i})`);
    const after = lines(count, (i) => `(global.set $i64 (i64.add (global.get $i64) (local.get $p${i})))`);
    found[`params ${count}`] = recursion({ params, pass, after });
    found[`arguments ${count}`] = recursion({ params, pass });
    for (const type of ['i32', 'i64', 'f64', 'v128']) {
      found[`${type} locals ${count}`] = wideLocals(count, type);
    }
    found[`operands ${count}`] = recursion({
      before: lines(count, (i) => `(i64.load (i32.const ${i * 8}))`),
      after: `${lines(count - 1, () => 'i64.add')} global.set $i64`,
    });
    found[`repeated work ${count}`] = repeatedWork(count);
    found[`repeated vector work ${count}`] = repeatedVectorWork(count);
  }
  for (const type of ['i64', 'v128']) {
    for (const [levels, count] of [
      [1, 20],
      [4, 12],
      [6, 4],
    ] as const) {
      found[`inlined ${levels} x ${count} ${type}`] = inlinedChain(levels, count, type, 30);
    }
  }
  return found;
}

function moduleText(body: string): string {
  return `(module
    (import "wasm_engine" "set_timer" (func $timer (param i32 i32) (result i32)))
    (memory (export "memory") 2)
    (global $i32 (mut i32) (i32.const 0)) (global $i64 (mut i64) (i64.const 0))
    (global $f64 (mut f64) (f64.const 0)) (global $v128 (mut v128) (v128.const i32x4 0 0 0 0))
    ${body})`;
}

/** Enough calls for the optimising tier, with time for it to come in. */
async function warmUp(call: () => void): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1500; i++) call();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

for (const [shape, body] of Object.entries(shapes())) {
  const running = start(assemble(moduleText(body)));
  await warmUp(() => running.exports['start']!(/inlined|9000/.test(shape) ? 0 : 3));
  const { trap, used, status } = running.call('start', [2 ** 31 - 1], 1e12);
  process.stdout.write(`${JSON.stringify({ shape, trap, used, status })}\n`);
}
