// Every host function: the words of its effect, and every way in which it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskKind } from '../abi/envelope.ts';
import { HostCode, hostFunctionNames, hostFunctions } from '../abi/host-functions.ts';
import { prngFromBytes, prngNext } from '../base/prng.ts';
import type { Call } from './test-modules.ts';
import { TestSandbox, testTables, textWords, writeText } from './test-sandbox.ts';

const pageBytes = 65_536;
const { ok, badPointer, tooLarge, quota, unknownName, notAllowed, badArgument } = HostCode;

/** A puppet, number 1, that finds these texts at 0x100, 0x140, 0x180 … */
function puppet(texts: readonly (string | Uint8Array)[] = [], tables = testTables()) {
  const sandbox = new TestSandbox(tables);
  const { memory } = sandbox.create(1, (memory) => {
    texts.forEach((text, i) => {
      writeText(memory, 0x100 + i * 0x40, text);
    });
  });
  return { sandbox, memory, calls: (...calls: Call[]) => sandbox.calls(1, memory, ...calls) };
}

test('each function makes its effect, word by word, and answers 0', () => {
  const { calls } = puppet(['hello', 'news', 'room ü', 'child']);
  const { record, answers } = calls(
    ['send', 3, 0xffffffff, 0x100, 5],
    ['publish', 0x140, 4, 0x100, 4],
    ['publish', 0x180, 7, 0x100, 1],
    ['subscribe', 0x140, 4],
    ['unsubscribe', 0x140, 4],
    ['join', 0x180, 7],
    ['leave', 0x180, 7],
    ['log', 3, 0x180, 7],
    ['output', 0x100, 5],
    ['spawn', 0x1c0, 5, 0x100, 5, 0x300],
    ['terminate', 1, 1],
    ['terminate', 0, 1],
  );
  assert.deepEqual(answers, new Array(12).fill(ok));
  assert.deepEqual(record.refusals, []);
  const room = textWords('room ü');
  assert.deepEqual(record.effects, [
    ['send', 3, 0xffffffff, 5, ...textWords('hello')],
    ['publish', 0, 4, ...textWords('hell')],
    ['publishChannel', 7, 1, ...room, ...textWords('h')],
    ['subscribe', 0],
    ['unsubscribe', 0],
    ['join', 7, ...room],
    ['leave', 7, ...room],
    ['log', 3, 7, ...room],
    ['output', 5, ...textWords('hello')],
    ['spawn', 1, 1, 5, ...textWords('hello')],
    ['terminate', 1, 1],
    ['terminate', 0, 1],
  ]);
});

test('infer makes its effect with a number of the agent, and refuses unknown models, wild pointers and long lists', () => {
  const { calls } = puppet(['model', 'other']);
  const { record, answers } = calls(
    ['infer', 0x100, 5, 0x100, 5, -3],
    ['infer', 0x100, 5, 0, 0, 4],
    ['infer', 0x140, 5, 0x100, 5, 0],
    ['infer', -4, 5, 0x100, 5, 0],
    ['infer', 0x100, 5, -4, 8, 0],
    ['infer', 0x100, 5, 0x100, -1, 0],
    ['infer', 0x100, 5, 0x100, 1, 0],
  );
  assert.deepEqual(answers, [0, 1, unknownName, badPointer, badPointer, tooLarge, 2]);
  assert.deepEqual(record.effects, [
    ['infer', 0, 0, -3 >>> 0, 5, ...textWords('model')],
    ['infer', 1, 0, 4, 0],
    ['infer', 2, 0, 0, 1, ...textWords('m')],
  ]);
});

test('generate makes its effect as infer does, and counts on with it', () => {
  const { calls } = puppet(['model', 'other']);
  const { record, answers } = calls(
    ['infer', 0x100, 5, 0, 0, 4],
    ['generate', 0x100, 5, 0x100, 5, -3],
    ['generate', 0x140, 5, 0x100, 5, 0],
    ['generate', 0x100, 5, 0x100, -1, 0],
  );
  assert.deepEqual(answers, [0, 1, unknownName, tooLarge]);
  assert.deepEqual(record.effects, [
    ['infer', 0, 0, 4, 0],
    ['generate', 1, 0, -3 >>> 0, 5, ...textWords('model')],
  ]);
});

test('find and spawn write identities; counters of children rise', () => {
  const { calls, memory } = puppet(['peer/0', 'child']);
  const { answers } = calls(
    ['find', 0x100, 6, 0x301],
    ['spawn', 0x140, 5, 0, 0, 0x311],
    ['spawn', 0x140, 5, 0, 0, 0x321],
  );
  assert.deepEqual(answers, [0, 0, 0]);
  const view = new DataView(memory.buffer);
  const identities = [0x301, 0x311, 0x321].map((at) => [
    view.getUint32(at, true),
    view.getUint32(at + 4, true),
  ]);
  assert.deepEqual(identities, [
    [0, 2],
    [1, 1],
    [1, 2],
  ]);
});

test('timers count from 0, take any delay but 0, and give their place back when they fire or are cancelled', () => {
  const { sandbox, calls } = puppet([], testTables({ timersMax: 2 }));
  const first = calls(['set_timer', 1, -5], ['set_timer', -1, 6], ['set_timer', 1, 0], ['set_timer', 0, 0]);
  assert.deepEqual(first.answers, [0, 1, quota, badArgument]);
  assert.deepEqual(first.record.effects, [
    ['setTimer', 0, 1, -5 >>> 0],
    ['setTimer', 1, 2 ** 32 - 1, 6],
  ]);
  const second = calls(['cancel_timer', 2], ['cancel_timer', -1], ['cancel_timer', 1], ['set_timer', 9, 0]);
  assert.deepEqual(second.answers, [unknownName, unknownName, 0, 2]);
  assert.deepEqual(second.record.effects, [
    ['cancelTimer', 1],
    ['setTimer', 2, 9, 0],
  ]);
  sandbox.turn(1, { kind: TaskKind.timer, detail: 0 });
  assert.deepEqual(calls(['set_timer', 1, 0], ['set_timer', 1, 0]).answers, [3, quota]);
});

test("random fills exactly its range from the agent's own stream", () => {
  const { calls, memory } = puppet();
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(0xaa, 0x100, 0x120);
  assert.deepEqual(
    calls(['random', 0x101, 6], ['random', 0x110, 0], ['random', 0x112, 1]).answers,
    [0, 0, 0],
  );
  const state = prngFromBytes(new Uint8Array(16).fill(1));
  const words = [prngNext(state), prngNext(state), prngNext(state)];
  const drawn = new Uint8Array(new Uint32Array(words).buffer);
  const wanted = new Uint8Array(0x20).fill(0xaa);
  wanted.set(drawn.subarray(0, 6), 1);
  wanted[0x12] = drawn[8]!;
  assert.deepEqual(bytes.slice(0x100, 0x120), wanted);
});

test('a range may end where memory ends, and not one byte behind it', () => {
  for (const [name, build] of Object.entries(rangeCalls)) {
    const { calls } = puppet(['news', 'child']);
    const { record, answers } = calls(
      build(pageBytes - 8, 8),
      build(pageBytes, 0),
      build(pageBytes - 7, 8),
      build(pageBytes, 8),
      build(0xffffffff, 8),
      build(0xfffffff8, 8),
      build(0x80000000, 8),
    );
    const empty = name.includes('identity') || name.includes('name') ? answers[1] : 0;
    assert.equal(answers[1], empty, name);
    assert.notEqual(answers[0], badPointer, name);
    assert.deepEqual(answers.slice(2), new Array(5).fill(badPointer), name);
    assert.ok(record.outcome === 'done', name);
  }
});

/** Calls with one range in question, by what it is. */
const rangeCalls: Readonly<Record<string, (pointer: number, length: number) => Call>> = {
  'send payload': (pointer, length) => ['send', 0, 1, pointer, length],
  'publish payload': (pointer, length) => ['publish', 0x100, 4, pointer, length],
  'publish name': (pointer, length) => ['publish', pointer, length, 0, 0],
  'channel payload': (pointer, length) => ['publish', 0x104, 4, pointer, length],
  'subscribe name': (pointer, length) => ['subscribe', pointer, length],
  'unsubscribe name': (pointer, length) => ['unsubscribe', pointer, length],
  'join name': (pointer, length) => ['join', pointer, Math.max(length, 1)],
  'leave name': (pointer, length) => ['leave', pointer, Math.max(length, 1)],
  'find name': (pointer, length) => ['find', pointer, length, 0x300],
  'find identity': (pointer) => ['find', 0x100, 4, pointer],
  random: (pointer, length) => ['random', pointer, length],
  'log text': (pointer, length) => ['log', 0, pointer, length],
  output: (pointer, length) => ['output', pointer, length],
  'spawn name': (pointer, length) => ['spawn', pointer, length, 0, 0, 0x300],
  'spawn payload': (pointer, length) => ['spawn', 0x140, 5, pointer, length, 0x300],
  'spawn identity': (pointer) => ['spawn', 0x140, 5, 0, 0, pointer],
};

test('a length that would wrap around is refused, uncopied', () => {
  const { calls } = puppet(['news']);
  for (const length of [0xffffffff, 0x80000000, 0xffff0000]) {
    const { answers } = calls(
      ['send', 0, 1, 0x100, length],
      ['publish', 0x100, 4, 0x100, length],
      ['output', 0x100, length],
      ['log', 0, 0x100, length],
      ['random', 0x100, length],
      ['subscribe', 0x100, length],
      ['find', 0x100, length, 0x300],
      ['publish', 0x100, length, 0x100, 0],
      ['join', 0x100, length],
    );
    const wanted = [...new Array(5).fill(tooLarge), ...new Array(3).fill(badPointer), badArgument];
    assert.deepEqual(answers, wanted, `${length}`);
  }
});

test('memory that has grown is inside, and what lies behind it is not', () => {
  const { calls } = puppet();
  const { answers } = calls(
    ['output', pageBytes, 1],
    ['grow', 1],
    ['output', pageBytes, 1],
    ['output', 2 * pageBytes, 1],
  );
  assert.deepEqual(answers, [badPointer, 1, 0, badPointer]);
});

test('a payload of messageBytesMax passes, a longer one is too large', () => {
  const { calls } = puppet(['news', 'child'], testTables({ messageBytesMax: 100 }));
  for (const build of [
    (length: number): Call => ['send', 0, 1, 0, length],
    (length: number): Call => ['publish', 0x100, 4, 0, length],
    (length: number): Call => ['output', 0, length],
    (length: number): Call => ['log', 0, 0x800, length],
    (length: number): Call => ['random', 0x800, length],
    (length: number): Call => ['spawn', 0x140, 5, 0, length, 0x300],
  ]) {
    assert.deepEqual(calls(build(100), build(101)).answers, [0, tooLarge], build(1)[0]);
  }
});

test('a turn has at most effectsPerTurnMax effects, over all its tasks; the next turn begins anew', () => {
  const { sandbox, calls } = puppet(['news'], testTables({ effectsPerTurnMax: 3 }));
  const { answers, record } = calls(
    ['output', 0, 1],
    ['subscribe', 0x100, 4],
    ['random', 0x200, 4],
    ['set_timer', 1, 1],
    ['set_timer', 1, 1],
    ['cancel_timer', 0],
    ['terminate', 0, 1],
    ['join', 0x101, 1],
    ['log', 0, 0, 0],
  );
  assert.deepEqual(answers, [0, 0, 0, 0, quota, quota, quota, quota, quota]);
  assert.equal(record.refusals.length, 5);
  const task = { payload: new Uint8Array(0) };
  const outputs = { payload: outputCalls(2) };
  const counts = sandbox.turn(1, outputs, task, outputs).map(({ effects }) => effects.length);
  assert.deepEqual(counts, [2, 0, 1]);
});

function outputCalls(count: number): Uint8Array {
  const one = [hostFunctionNames.indexOf('output'), 0, 1, 0, 0, 0];
  return new Uint8Array(new Uint32Array(Array.from({ length: count }, () => one).flat()).buffer);
}

test('a turn carries at most effectBytesPerTurnMax bytes of payload', () => {
  const { calls } = puppet([], testTables({ effectBytesPerTurnMax: 10 }));
  const { answers } = calls(
    ['output', 0, 6],
    ['send', 0, 1, 0, 5],
    ['output', 0, 4],
    ['output', 0, 1],
    ['output', 0, 0],
  );
  assert.deepEqual(answers, [0, quota, 0, quota, 0]);
});

test('a refused call takes nothing of the quota', () => {
  const bad = new Uint8Array([0xff]);
  const { calls } = puppet([bad], testTables({ effectsPerTurnMax: 1, effectBytesPerTurnMax: 2 }));
  const { answers } = calls(
    ['log', 0, 0x100, 1],
    ['log', 0, 0x100, 1],
    ['join', 0x100, 1],
    ['publish', 0x100, 1, 0, 2],
    ['output', 0, 2],
  );
  assert.deepEqual(answers, [badArgument, badArgument, badArgument, badArgument, 0]);
});

test('unknown names are refused, and names are exact', () => {
  const { calls } = puppet(['new', 'newsx', 'hub/0', 'puppets'], testTables({}, false));
  const { answers } = calls(
    ['publish', 0x100, 3, 0, 0],
    ['publish', 0x140, 5, 0, 0],
    ['subscribe', 0x100, 3],
    ['unsubscribe', 0x100, 0],
    ['find', 0x180, 5, 0x300],
    ['find', 0x180, 0, 0x300],
    ['spawn', 0x1c0, 7, 0, 0, 0x300],
    ['find', 0x180, 3, 0x300],
  );
  assert.deepEqual(answers, [...new Array(7).fill(unknownName), 0]);
});

test('channel names have 1 to 64 bytes of UTF-8, and are no topics', () => {
  const long = new Uint8Array(65).fill(0x61);
  const broken = new Uint8Array([0x61, 0xc3]);
  const { calls } = puppet(
    [long.subarray(0, 64), long, '', broken, 'news'],
    testTables({ messageBytesMax: 200 }),
  );
  for (const build of [
    (pointer: number, length: number): Call => ['join', pointer, length],
    (pointer: number, length: number): Call => ['leave', pointer, length],
    (pointer: number, length: number): Call => ['publish', pointer, length, 0, 9],
  ]) {
    const { answers, record } = calls(build(0x140, 64), build(0x140, 65), build(0x140, 0), build(0x1c0, 2));
    assert.deepEqual(answers, [0, badArgument, badArgument, badArgument], build(0, 0)[0]);
    assert.equal(record.effects.length, 1);
  }
  assert.deepEqual(calls(['join', 0x200, 4], ['leave', 0x200, 4]).answers, [notAllowed, notAllowed]);
});

test('log refuses a level that does not exist and a text that is not UTF-8', () => {
  const { calls } = puppet([new Uint8Array([0xed, 0xa0, 0x80]), 'fine']);
  const { answers, record } = calls(
    ['log', 4, 0x140, 4],
    ['log', -1, 0x140, 4],
    ['log', 0, 0x100, 3],
    ['log', 0, 0x140, 4],
  );
  assert.deepEqual(answers, [badArgument, badArgument, badArgument, 0]);
  assert.deepEqual(record.effects, [['log', 0, 4, ...textWords('fine')]]);
});

test('terminate takes oneself and agents that one has spawned, nobody else', () => {
  const { calls } = puppet(['child']);
  const { answers } = calls(
    ['terminate', 1, 1],
    ['spawn', 0x100, 5, 0, 0, 0x300],
    ['terminate', 1, 1],
    ['terminate', 1, 2],
    ['terminate', 1, 0],
    ['terminate', 0, 2],
    ['terminate', 2, 1],
    ['terminate', -1, -1],
    ['terminate', 0, 1],
  );
  const none = new Array(5).fill(notAllowed);
  assert.deepEqual(answers, [notAllowed, 0, 0, ...none, 0]);
});

test('refused calls are counted by function and code, behind the effects of the task', () => {
  const { calls } = puppet();
  const { record } = calls(['output', -1, 8], ['output', 0, 1], ['subscribe', 0, 1], ['output', -1, 9]);
  assert.deepEqual(record.refusals, [
    'subscribe: unknown-name',
    'output: bad-pointer',
    'output: bad-pointer',
  ]);
  assert.equal(record.effects.length, 1);
  assert.deepEqual(calls(['output', 0, 1]).record.refusals, [], 'each task has its own');
});

test('the bytes of a call are charged, but for lengths that are refused uncopied', () => {
  const { calls } = puppet(['news']);
  const fuelOf = (...call: Call): number => calls(call).record.fuel;
  const base = fuelOf('output', 0, 0);
  const copied = fuelOf('output', 0, 1);
  assert.equal(fuelOf('output', 0, 1000) - copied, 999);
  assert.equal(fuelOf('output', 0, 2 ** 24 + 1), fuelOf('output', 0, -1));
  assert.ok(fuelOf('output', 0, -1) <= base);
  assert.equal(fuelOf('publish', 0x100, 4, 0, 3) - fuelOf('publish', 0x100, 4, 0, 0), 3);
  for (const name of hostFunctionNames) assert.ok(hostFunctions[name].fuel >= 50, name);
});
