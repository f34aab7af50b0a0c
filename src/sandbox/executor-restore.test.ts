// An agent whose executor saved it, and that another one restores, goes on as if nothing had been.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskKind } from '../abi/envelope.ts';
import { prngFromBytes } from '../base/prng.ts';
import { CommandWriter } from './command-writer.ts';
import { Executor } from './executor.ts';
import { captureImage, fillMemory } from './memory-image.ts';
import { turnResultWords } from './protocol.ts';
import { type Call, compile, type GuestModule, guest, puppet } from './test-modules.ts';
import {
  addTask,
  createMemory,
  payloadOf,
  readResults,
  type TestRecord,
  testTables,
} from './test-sandbox.ts';

const tables = testTables({ timersMax: 3 });

/** One executor and one agent in it, number 6. */
class Place {
  readonly executor: Executor = new Executor(tables);
  readonly memory: WebAssembly.Memory = createMemory();

  constructor(module: GuestModule) {
    this.executor.addModule(0, module.module, module.globals);
  }

  #run(write: (writer: CommandWriter) => void): { words: Uint32Array; used: number } {
    const writer = new CommandWriter();
    writer.begin(4, 40, 0);
    write(writer);
    writer.end();
    return this.executor.execute(writer.buffer.words, writer.buffer.bytes);
  }

  begin(): this {
    this.executor.addMemory(6, this.memory);
    this.#run((writer) => {
      writer.create(6, 0, 0, 0, 2, 0, 1, 0, prngFromBytes(new Uint8Array(16).fill(3)));
      writer.turn(6, 1);
      addTask(writer, { kind: TaskKind.init });
    });
    return this;
  }

  turn(...calls: Call[]): TestRecord {
    const { words, used } = this.#run((writer) => {
      writer.turn(6, 1);
      addTask(writer, { payload: payloadOf(calls) });
    });
    return readResults(words, used).get(6)![0]!;
  }

  save(): Uint32Array {
    const { words, used } = this.#run((writer) => writer.save(6));
    assert.equal(used, turnResultWords + words[1]!);
    return words.slice(turnResultWords, used);
  }

  /** Another place that holds the same agent. */
  moved(module: GuestModule): Place {
    const state = this.save();
    const place = new Place(module);
    fillMemory(place.memory, captureImage(this.memory), true);
    place.executor.addMemory(6, place.memory);
    place.#run((writer) =>
      writer.restore({ number: 6, declarationIndex: 0, origin: 0, counter: 2 }, 0, state),
    );
    return place;
  }
}

const bytesOf = (place: Place): Uint8Array => new Uint8Array(place.memory.buffer).slice();

test('random numbers, timers, children and the inbox go on where they were', () => {
  const stays = new Place(puppet).begin();
  new Uint8Array(stays.memory.buffer).set(new TextEncoder().encode('child'), 0x100);
  stays.turn(
    ['random', 0x200, 4],
    ['set_timer', 9, 1],
    ['set_timer', 9, 2],
    ['spawn', 0x100, 5, 0, 0, 0x300],
  );
  const moves = stays.moved(puppet);
  assert.deepEqual(bytesOf(moves), bytesOf(stays));
  for (const calls of [
    [
      ['random', 0x200, 9],
      ['set_timer', 1, 1],
      ['set_timer', 1, 1],
      ['spawn', 0x100, 5, 0, 0, 0x300],
    ],
    [
      ['cancel_timer', 0],
      ['set_timer', 1, 1],
      ['terminate', 6, 2],
      ['terminate', 6, 3],
    ],
    [['trap']],
  ] satisfies Call[][]) {
    const wanted = stays.turn(...calls);
    assert.deepEqual(moves.turn(...calls).words, wanted.words);
    assert.deepEqual(bytesOf(moves), bytesOf(stays));
  }
});

test('globals come back to the last bit, and segments are not applied again', () => {
  const module = compile(
    guest({
      before: `(import "wasm_engine" "output" (func $output (param i32 i32) (result i32)))
        (global $a (mut i32) (i32.const 1)) (global $b (mut i64) (i64.const 2)) (global $fixed i32 (i32.const 5))
        (global $c (mut f32) (f32.const 3)) (global $d (mut f64) (f64.const 4))
        (data (i32.const 64) "fresh")`,
      receive: `(global.set $a (i32.add (global.get $a) (i32.const 0x12345678)))
        (global.set $b (i64.add (global.get $b) (i64.const 0x123456789abcdef)))
        (global.set $c (f32.reinterpret_i32 (i32.add (i32.reinterpret_f32 (global.get $c)) (i32.const 0x3fa54321))))
        (global.set $d (f64.reinterpret_i64 (i64.const 0x7ff4dead0000beef)))
        (i32.store (i32.const 0) (global.get $a)) (i64.store (i32.const 8) (global.get $b))
        (i32.store (i32.const 16) (i32.reinterpret_f32 (global.get $c)))
        (i64.store (i32.const 24) (i64.reinterpret_f64 (global.get $d)))
        (drop (call $output (i32.const 0) (i32.const 72)))
        (i32.store8 (i32.const 64) (i32.const 88))
        i32.const 0`,
    }),
  );
  const stays = new Place(module).begin();
  stays.turn();
  const moves = stays.moved(module);
  assert.equal(bytesOf(moves)[64], 88);
  for (let i = 0; i < 3; i++) assert.deepEqual(moves.turn().words, stays.turn().words);
});

test('an agent that failed has no state to save', () => {
  const place = new Place(puppet).begin();
  place.turn(['trap']);
  assert.equal(place.save().length, 0);
});
