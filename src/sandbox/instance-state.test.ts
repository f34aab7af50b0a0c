import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { agentLimitDefaults } from '../base/limits.ts';
import { type InstrumentedModule, instrument } from '../wasm/index.ts';
import { assemble, outcomeOf } from '../wasm/test-module.ts';
import { createInstance, type Instance } from './instance.ts';
import { captureState, restoreState } from './instance-state.ts';

function newInstance(module: InstrumentedModule, content?: ArrayBufferLike): Instance {
  const { pagesMin } = module.memory;
  const initial = content === undefined ? pagesMin : content.byteLength / 65_536;
  const memory = new WebAssembly.Memory({ initial, maximum: 16, shared: true });
  if (content !== undefined) new Uint8Array(memory.buffer).set(new Uint8Array(content));
  return createInstance({
    name: 'a',
    number: 0,
    moduleIndex: 0,
    origin: 0,
    counter: 1,
    limits: { ...agentLimitDefaults, memoryPagesMax: 16 },
    mayUseChannels: false,
    module: new WebAssembly.Module(module.bytes as Uint8Array<ArrayBuffer>),
    memory,
    nextTimer: 0,
    nextChild: 0,
    nextRequest: 0,
    prng: new Uint32Array(4),
    hostFunctions: { random: () => 5 },
  });
}

function begin(text: string): { module: InstrumentedModule; instance: Instance } {
  const module = instrument(assemble(text));
  const instance = newInstance(module);
  instance.fuelSet(1e9);
  instance.init();
  return { module, instance };
}

/** A new instance in the state of another one. */
function moved(module: InstrumentedModule, instance: Instance): Instance {
  const words = module.globals.map((global) => global.words);
  const state = captureState(instance, words);
  const next = newInstance(module, instance.memory.buffer);
  restoreState(next, words, state);
  assert.deepEqual(captureState(next, words), state);
  return next;
}

function call(instance: Instance, name: string, values: readonly number[]): unknown[] {
  instance.fuelSet(10_000_000);
  const run = (instance.guest as unknown as Record<string, (...values: number[]) => number>)[name]!;
  const { value, trap } = outcomeOf(() => run(...values));
  return [name, value, trap, instance.fuelGet(), instance.status()];
}

const constants = Array.from({ length: 6 }, (_, i) => `(func $f${i} (result i32) (i32.const ${100 + i}))`);

/** Everything that can change a table or drop a segment, each by an export of its own. */
const program = `(module (import "wasm_engine" "random" (func $host (param i32 i32) (result i32)))
  (memory (export "memory") 1) (type $constant (func (result i32)))
  (table $a 8 20 funcref) (table $b 3 funcref) (table $fixed funcref (elem $f5 $f4))
  (elem $first (table $a) (i32.const 1) func $f0 $f1 $f2) (elem $passive funcref (ref.func $f3) (ref.null func) (ref.func $f0))
  (elem $plain func $f2 $f1 $host) (elem declare func $f4)
  (data (i32.const 0) "begin") (data $one "one segment") (data $two "two segments")
  (global $last (mut v128) (v128.const i32x4 1 2 3 4)) (global $reference funcref (ref.func $f5)) ${constants.join('\n')}
  (func (export "set") (param i32 i32) (table.set $a (local.get 0) (ref.func $f4)))
  (func (export "null") (param i32 i32) (table.set $b (local.get 0) (ref.null func)))
  (func (export "global") (param i32 i32) (table.set $b (local.get 0) (global.get $reference)))
  (func (export "across") (param i32 i32) (table.set $b (local.get 0) (table.get $a (local.get 1))))
  (func (export "fill") (param i32 i32) (table.fill $a (local.get 0) (ref.func $f3) (local.get 1)))
  (func (export "copy") (param i32 i32) (table.copy $a $b (local.get 0) (i32.const 0) (local.get 1)))
  (func (export "copyBack") (param i32 i32) (table.copy $b $a (i32.const 0) (local.get 0) (local.get 1)))
  (func (export "initPassive") (param i32 i32) (table.init $a $passive (local.get 0) (i32.const 0) (local.get 1)))
  (func (export "initPlain") (param i32 i32) (table.init $b $plain (local.get 0) (i32.const 0) (local.get 1)))
  (func (export "grow") (param i32 i32) (result i32) (table.grow $a (ref.func $f2) (local.get 1)))
  (func (export "growOther") (param i32 i32) (result i32) (table.grow $b (ref.null func) (local.get 1)))
  (func (export "dropPassive") (param i32 i32) (elem.drop $passive))
  (func (export "dropPlain") (param i32 i32) (elem.drop $plain))
  (func (export "dropOne") (param i32 i32) (data.drop $one))
  (func (export "dropTwo") (param i32 i32) (data.drop $two))
  (func (export "dataOne") (param i32 i32) (memory.init $one (local.get 0) (i32.const 0) (local.get 1)))
  (func (export "dataTwo") (param i32 i32) (memory.init $two (local.get 0) (i32.const 0) (local.get 1)))
  (func (export "callA") (param i32 i32) (result i32) (call_indirect $a (type $constant) (local.get 0)))
  (func (export "callB") (param i32 i32) (result i32) (call_indirect $b (type $constant) (local.get 0)))
  (func (export "callFixed") (param i32 i32) (result i32) (call_indirect $fixed (type $constant) (local.get 0)))
  (func (export "sizes") (param i32 i32) (result i32) (i32.add (i32.mul (table.size $a) (i32.const 1000)) (table.size $b)))
  (func (export "load") (param i32 i32) (result i32) (i32.load (local.get 0))))`;
const operations = [...program.matchAll(/export "(\w+)"\) \(param/g)].map((match) => match[1]!);

test('save and restore at any point change no later result of a program that changes tables and segments', () => {
  const step = fc.record({
    name: fc.constantFrom(...operations),
    values: fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 4 })),
    move: fc.integer({ min: 0, max: 3 }).map((number) => number === 0),
  });
  assert.equal(operations.length, 22);
  const { module } = begin(program);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { instance: stays } = begin(program);
      let moves = begin(program).instance;
      for (const { name, values, move } of steps) {
        if (move) moves = moved(module, moves);
        assert.deepEqual(call(moves, name, values), call(stays, name, values));
      }
      for (const name of ['callA', 'callB', 'callFixed']) {
        for (let index = 0; index < 25; index++) {
          const wanted = call(stays, name, [index, 0]);
          assert.deepEqual(call(moved(module, moves), name, [index, 0]), wanted);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('a module whose code changes no table has no words for tables', () => {
  const text = `(module (memory (export "memory") 1) (table 500 funcref) (elem (i32.const 0) $f) (data $d "x") (func $f)
    (func (export "f") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (call_indirect (i32.const 0))))`;
  const { module, instance } = begin(text);
  assert.equal(captureState(instance, []).length, 10);
  assert.equal(call(moved(module, instance), 'f', [])[2], undefined);
});

test('a large table takes few words', () => {
  const text = `(module (table $t 100000 funcref) (elem (i32.const 50) ${constants.map((_, i) => `$f${i}`).join(' ')})
    ${constants.join('\n')} (func (export "set") (table.set $t (i32.const 99999) (ref.func $f0)))
    (func (export "get") (param i32) (result i32) (call_indirect $t (result i32) (local.get 0))))`;
  const { module, instance } = begin(text);
  call(instance, 'set', []);
  assert.ok(captureState(instance, []).length < 30);
  const other = moved(module, instance);
  assert.deepEqual(
    [50, 55, 99_999].map((index) => call(other, 'get', [index])[1]),
    [100, 105, 100],
  );
});

test('a module whose code drops more segments than can be kept is refused', () => {
  const text = (count: number) => `(module ${'(data "")'.repeat(count)}
    (func ${Array.from({ length: count }, (_, i) => `(data.drop ${i})`).join(' ')}))`;
  assert.doesNotThrow(() => instrument(assemble(text(4096))));
  assert.throws(
    () => instrument(assemble(text(4097))),
    /its code drops 4097 segments, at most 4096 are taken/,
  );
});
