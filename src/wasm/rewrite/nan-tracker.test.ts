import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { assemble, start } from '../test-module.ts';
import { SampleNanProgram } from './sample-nan-program.ts';

/** The memory after each function has run twice. */
function bitsOf(text: string, nan: boolean): Uint32Array {
  const running = start(assemble(text), { protections: { nan } });
  for (let round = 0; round < 2; round++) {
    for (const name of ['run0', 'run1', 'run2']) {
      const { trap, status } = running.call(name);
      assert.equal(trap, undefined, `${trap}, status ${status}`);
    }
  }
  return new Uint32Array(running.memory.buffer, 0, 1100 / 4).slice();
}

test('lazy canonicalisation shows the bits that eager canonicalisation shows, in random programs', () => {
  let different = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const wanted = bitsOf(new SampleNanProgram(seed, true).text(), false);
    const plain = new SampleNanProgram(seed, false).text();
    assert.deepEqual(bitsOf(plain, true), wanted, `seed ${seed}`);
    if (bitsOf(plain, false).some((word, index) => word !== wanted[index])) different++;
  }
  assert.ok(different > 50, `${different} programs show other bits without`);
});

/** What a program stores at 0, as hexadecimal words of 64 bits. */
function stored(locals: string, code: string, words = 1): string[] {
  const text = `(module (memory (export "memory") 1) (data (i32.const 64) "\\34\\12\\00\\00\\01\\00\\f0\\ff")
    (global $f32nan f32 (f32.const -nan:0x1234)) (func (export "f") (param $float f32) (param $double f64) ${locals} ${code}))`;
  const running = start(text);
  assert.equal(running.call('f', [1, 1]).trap, undefined);
  const found = new BigUint64Array(running.memory.buffer, 0, words);
  return Array.from(found, (word) => word.toString(16).padStart(16, '0'));
}

const nan = '(f64.div (f64.const 0) (f64.const 0))';
const payload = '(f64.load (i32.const 64))';
const double = { canonical: '7ff8000000000000', negative: 'fff8000000000000', loaded: 'fff0000100001234' };

const cases: readonly (readonly [string, string, string, string])[] = [
  ['arithmetic, stored', '', `(f64.store (i32.const 0) ${nan})`, double.canonical],
  ['arithmetic on a payload', '', `(f64.store (i32.const 0) (f64.sqrt ${payload}))`, double.canonical],
  ['what is loaded keeps its bits', '', `(f64.store (i32.const 0) ${payload})`, double.loaded],
  [
    'what is loaded keeps its bits in a local that holds arithmetic too',
    '(local $x f64)',
    `(local.set $x ${nan}) (local.set $x ${payload}) (f64.store (i32.const 0) (local.get $x))`,
    double.loaded,
  ],
  [
    'arithmetic in a local that holds what is loaded too',
    '(local $x f64)',
    `(local.set $x ${payload}) (local.set $x ${nan}) (f64.store (i32.const 0) (local.get $x))`,
    double.canonical,
  ],
  ['a changed sign shows', '', `(f64.store (i32.const 0) (f64.neg ${nan}))`, double.negative],
  [
    'a changed sign shows through a local',
    '(local $x f64)',
    `(local.set $x (f64.neg ${nan})) (f64.store (i32.const 0) (local.get $x))`,
    double.negative,
  ],
  [
    'a sign that is copied shows',
    '',
    `(f64.store (i32.const 0) (f64.copysign (f64.const 1) (f64.sub ${payload} ${payload})))`,
    '3ff0000000000000',
  ],
  [
    'a local copied from a copy of what is loaded keeps its bits',
    '(local $a f64) (local $b f64) (local $c f64) (local $i i32)',
    `(loop (local.set $c ${nan}) (local.set $c (local.get $b)) (local.set $b (local.get $a)) (local.set $a (f64.add (local.get $a) ${nan}))
       (local.set $a ${payload}) (br_if 0 (i32.ne (i32.const 3) (local.tee $i (i32.add (local.get $i) (i32.const 1))))))
     (f64.store (i32.const 0) (local.get $c))`,
    double.loaded,
  ],
  [
    'a value of other lanes keeps what no lane of its own holds',
    '(local $a v128) (local $b v128)',
    `(local.set $a (f32x4.sqrt (v128.const i32x4 -1 -1 -1 -1))) (local.set $b (f64x2.add (v128.const i64x2 1 1)
       (v128.const i64x2 0 0)))
     (local.set $b (local.get $a)) (v128.store (i32.const 0) (local.get $b))`,
    '7fc000007fc00000',
  ],
  ['a reinterpreted value', '', `(i64.store (i32.const 0) (i64.reinterpret_f64 ${nan}))`, double.canonical],
  [
    'a value carried by a branch',
    '',
    `(f64.store (i32.const 0) (block (result f64) (br 0 ${nan})))`,
    double.canonical,
  ],
  [
    'a value that a demotion made',
    '',
    '(f32.store (i32.const 0) (f32.demote_f64 (f64.load (i32.const 64))))',
    '000000007fc00000',
  ],
];

for (const [title, locals, code, wanted] of cases) {
  test(`bits that show: ${title}`, () => {
    assert.deepEqual(stored(locals, code), [wanted]);
  });
}

test('a sum in a loop is made canonical once, behind the loop', () => {
  const size = (nanOn: boolean, kept: string) => {
    const text = `(module (memory 1) (func (export "f") (local $sum f64) (local $i i32)
      (loop (local.set $sum (f64.add ${kept} (f64.mul (f64.load (local.get $i)) (f64.load offset=8 (local.get $i)))))
        (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9))))
      (f64.store (i32.const 0) (local.get $sum))))`;
    return start(text, { protections: { nan: nanOn } }).module.bytes.length;
  };
  const late = size(true, '(local.get $sum)') - size(false, '(local.get $sum)');
  assert.ok(late > 0 && late < 30, `${late} bytes more`);
});

async function outcomes(command: readonly string[], seeds: number, nanOn: 'on' | 'off'): Promise<string> {
  const program = join(import.meta.dirname, 'sample-nan-outcomes.ts');
  const [file, ...flags] = command;
  const all = [...flags, '--disable-warning=ExperimentalWarning', program, String(seeds), nanOn];
  const { stdout } = await promisify(execFile)(file!, all);
  return stdout;
}

test('the bits of every NaN are the same in every tier, and would not be without', async () => {
  const run = (tier: string, nanOn: 'on' | 'off') => outcomes([process.execPath, tier], 20, nanOn);
  const [baseline, optimised] = await Promise.all([run('--liftoff-only', 'on'), run('--no-liftoff', 'on')]);
  assert.equal(baseline.trim().split('\n').length, 20);
  assert.equal(optimised, baseline);
  const [bare, bareOptimised] = await Promise.all([run('--liftoff-only', 'off'), run('--no-liftoff', 'off')]);
  assert.notEqual(bareOptimised, bare);
});

/** A command that runs Node on another processor, e.g. an emulator with its arguments and Node for arm64. */
const other = process.env['WASM_ENGINE_OTHER_NODE']?.split(' ');

test('the bits of every NaN are the same on another processor, and would not be without', {
  skip: other === undefined && 'WASM_ENGINE_OTHER_NODE names no Node for another processor',
}, async () => {
  const [own, there] = [[process.execPath], other!];
  assert.equal(await outcomes(there, 5, 'on'), await outcomes(own, 5, 'on'));
  assert.notEqual(await outcomes(there, 5, 'off'), await outcomes(own, 5, 'off'));
});
