// Turns of single agents: outcomes, faults, envelopes and the inbox.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envelopeOffset, envelopeSize, TaskKind } from '../abi/envelope.ts';
import { type Call, compile, guest, puppetAt } from './test-modules.ts';
import { payloadOf, TestSandbox, testTables, textWords, writeCalls, writeText } from './test-sandbox.ts';

function puppet(limits: Parameters<typeof testTables>[0] = {}) {
  const sandbox = new TestSandbox(testTables(limits));
  const { memory, init } = sandbox.create(1, (memory) => writeText(memory, 0x100, 'hello, world'));
  assert.equal(init.outcome, 'done');
  return { sandbox, memory, calls: (...calls: Call[]) => sandbox.calls(1, memory, ...calls) };
}

test('what an entry point returns is the outcome; negative and unknown values are faults', () => {
  for (const [returned, outcome, fault] of [
    [0, 'done', ''],
    [1, 'again', ''],
    [2, 'finished', ''],
    [3, 'failed', 'unknown-return'],
    [0x7fffffff, 'failed', 'unknown-return'],
    [-1, 'failed', 'negative-return'],
    [-(2 ** 31), 'failed', 'negative-return'],
  ] as const) {
    const { record } = puppet().calls(['output', 0, 1], ['answer', returned]);
    assert.deepEqual([record.outcome, record.fault, record.returned], [outcome, fault, returned]);
    assert.equal(record.effects.length, outcome === 'failed' ? 0 : 1, 'effects are all or nothing');
  }
});

test('a failing task keeps its log texts alone, and what it was refused', () => {
  const { calls } = puppet();
  const { record } = calls(
    ['send', 0, 1, 0x100, 5],
    ['log', 1, 0x100, 5],
    ['output', 0x100, 12],
    ['subscribe', 0, 3],
    ['set_timer', 5, 5],
    ['log', 2, 0x107, 5],
    ['output', 0x100, 12],
    ['trap'],
    ['log', 3, 0x107, 5],
  );
  assert.deepEqual([record.outcome, record.fault, record.returned], ['failed', 'unreachable', 0]);
  assert.deepEqual(record.effects, [
    ['log', 1, 5, ...textWords('hello')],
    ['log', 2, 5, ...textWords('world')],
  ]);
  assert.deepEqual(record.refusals, ['subscribe: unknown-name']);
});

test('a turn ends with a task that fails or finishes; earlier tasks stand', () => {
  const { sandbox } = puppet();
  const output: Call = ['output', 0x100, 5];
  const turn = (...last: Call[]) =>
    sandbox.turn(1, { payload: payloadOf([output]) }, { payload: payloadOf([output, ...last]) }, {});
  assert.deepEqual(
    turn(['answer', 1]).map(({ outcome }) => outcome),
    ['done', 'again', 'done'],
  );
  const finished = turn(['answer', 2]).map(({ outcome, effects }) => [outcome, effects.length]);
  assert.deepEqual(finished, [
    ['done', 1],
    ['finished', 1],
  ]);
  const failed = turn(['trap']).map(({ outcome, effects }) => [outcome, effects.length]);
  assert.deepEqual(failed, [
    ['done', 1],
    ['failed', 0],
  ]);
});

test('an agent that failed has no instance any more', () => {
  const { sandbox, calls } = puppet();
  calls(['trap']);
  assert.throws(() => sandbox.turn(1, {}), { code: 'bug', message: /agent 1 has an instance/ });
});

test('endless loops and endless recursion are faults that cost no more than the limit', () => {
  const spun = puppet({ fuelPerTask: 10_000 }).calls(['spin']).record;
  assert.deepEqual([spun.fault, spun.fuel], ['out-of-fuel', 10_000]);
  const recursed = puppet().calls(['recurse']).record;
  assert.equal(recursed.fault, 'stack-exhausted');
  assert.deepEqual(puppet().calls(['recurse']).record.words, recursed.words, 'the same each time');
});

test('a task that ends with less than nothing is out of fuel, to the last unit', () => {
  const run = (fuelPerTask: number) => {
    const sandbox = new TestSandbox(testTables({ fuelPerTask }));
    // What is charged in the branch is not looked at before the end.
    const receive = `(if (i32.load (local.get $at)) (then ${'(drop (i32.const 1))'.repeat(20)})) i32.const 0`;
    sandbox.addModule(1, compile(guest({ receive, alloc: 'i32.const 1024' })));
    sandbox.create(1, undefined, 1);
    const { fault, fuel } = sandbox.turn(1, {})[0]!;
    return { fault, fuel };
  };
  const { fuel } = run(10_000);
  assert.deepEqual(run(fuel), { fault: '', fuel });
  for (let less = 1; less < fuel; less++) {
    assert.deepEqual(run(fuel - less), { fault: 'out-of-fuel', fuel: fuel - less });
  }
});

test('each task has fuel of its own, by its kind', () => {
  const limits = { fuelPerTask: 20_000, fuelPerInit: 30_000, fuelPerShutdown: 10_000 };
  const sandbox = new TestSandbox(testTables(limits));
  const spin = (at: number) => (memory: WebAssembly.Memory) => writeCalls(memory, at, [['spin']]);
  assert.equal(sandbox.create(1, spin(puppetAt.init)).init.fuel, 30_000);
  assert.equal(sandbox.create(2, spin(puppetAt.start)).init.fuel, 30_000);
  sandbox.create(3, spin(puppetAt.shutdown));
  assert.equal(sandbox.turn(3, { kind: TaskKind.shutdown })[0]!.fuel, 10_000);
  sandbox.create(4, spin(puppetAt.alloc));
  assert.deepEqual(
    sandbox.turn(4, {}).map(({ fault, fuel }) => [fault, fuel]),
    [['out-of-fuel', 20_000]],
  );
  const { memory } = sandbox.create(5);
  const fuel = [1, 2, 3].map(() => sandbox.calls(5, memory, ['load', 0]).record.fuel);
  assert.ok(fuel[0]! > fuel[1]! && fuel[0]! < 2000, 'agent_alloc is paid by the task that asks');
  assert.equal(fuel[2], fuel[1], 'nothing is carried over');
});

test('an init that answers 1 or 2 does what it says, one that is negative fails', () => {
  const answers = [1, 2, -1].map((answer) => {
    const sandbox = new TestSandbox();
    return sandbox.create(1, (memory) => writeCalls(memory, puppetAt.init, [['answer', answer]])).init;
  });
  assert.deepEqual(
    answers.map(({ outcome, fault }) => [outcome, fault]),
    [
      ['again', ''],
      ['finished', ''],
      ['failed', 'negative-return'],
    ],
  );
});

test('the envelope has every field of its page, and zeros where there is nothing', () => {
  const { sandbox, memory } = puppet();
  sandbox.tick = 2 ** 33 + 5;
  const payload = payloadOf([['load', 0]]);
  sandbox.turn(1, { kind: TaskKind.topic, payload, topic: 'news', priority: -3 });
  const at = puppetAt.inbox;
  const view = new DataView(memory.buffer, at);
  const field = (name: keyof typeof envelopeOffset): number => view.getInt32(envelopeOffset[name], true);
  assert.deepEqual(
    Object.fromEntries(
      Object.keys(envelopeOffset).map((name) => [name, field(name as keyof typeof envelopeOffset)]),
    ),
    {
      size: envelopeSize,
      kind: TaskKind.topic,
      tick: 5,
      timeMs: 50,
      selfOrigin: 0,
      selfCounter: 1,
      senderOrigin: 7,
      senderCounter: 8,
      priority: -3,
      topicPointer: at + envelopeSize,
      topicLength: 4,
      payloadPointer: at + envelopeSize + 8,
      payloadLength: payload.length,
      detail: 0,
      tag: 0,
      reserved: 0,
    },
  );
  assert.equal(view.getUint32(envelopeOffset.tick + 4, true), 2);
  assert.equal(view.getUint32(envelopeOffset.timeMs + 4, true), 20);
  sandbox.turn(1, { kind: TaskKind.timer, detail: 9, tag: -2 });
  const empty = ['topicPointer', 'topicLength', 'payloadPointer', 'payloadLength', 'detail', 'tag'] as const;
  assert.deepEqual(empty.map(field), [0, 0, 0, 0, 9, -2]);
});

test('messages go to agent_receive, steps to agent_step', () => {
  const sandbox = new TestSandbox();
  sandbox.addModule(1, compile(guest({ receive: 'i32.const 1', step: 'i32.const 2' })));
  sandbox.create(1, undefined, 1);
  const { message, topic, notice, configuration, scheduled, timer, everyTick, again } = TaskKind;
  const outcomes = [message, topic, notice, configuration].map(
    (kind) => sandbox.turn(1, { kind })[0]!.outcome,
  );
  assert.deepEqual(outcomes, new Array(4).fill('again'));
  for (const kind of [scheduled, timer, everyTick, again]) {
    assert.equal(sandbox.turn(1, { kind })[0]!.outcome, 'finished');
  }
});

/** A puppet whose `agent_alloc` answers `pointer`, and what becomes of a message to it. */
function faultOfInbox(pointer: number): string {
  const sandbox = new TestSandbox();
  sandbox.create(1, (memory) => {
    new DataView(memory.buffer).setUint32(puppetAt.allocAnswer, pointer, true);
  });
  return sandbox.turn(1, {})[0]!.fault;
}

test('an inbox that does not lie inside memory is a fault', () => {
  const sandbox = new TestSandbox();
  sandbox.addModule(1, compile(guest({ alloc: 'i32.const 0' })));
  sandbox.create(1, undefined, 1);
  assert.equal(sandbox.turn(1, {})[0]!.fault, 'inbox-out-of-bounds', 'an answer of 0');
  assert.equal(faultOfInbox(65_536 - 512), '', 'the last place');
  for (const pointer of [65_536 - 511, 65_536, 0x80000000, -1, -512]) {
    assert.equal(faultOfInbox(pointer), 'inbox-out-of-bounds', `${pointer}`);
  }
});

test('an inbox at an odd address is filled like any other', () => {
  const sandbox = new TestSandbox();
  const { memory } = sandbox.create(1, (memory) => {
    new DataView(memory.buffer).setUint32(puppetAt.allocAnswer, puppetAt.inbox + 3, true);
  });
  const { record, answers } = sandbox.calls(1, memory, ['load', puppetAt.inbox + 3]);
  assert.deepEqual([record.outcome, answers], ['done', [envelopeSize]]);
});

test('agent_alloc is asked again only for more than it gave, in powers of two', () => {
  const sandbox = new TestSandbox();
  sandbox.addModule(
    1,
    compile(
      guest({
        before: '(global $asked (mut i32) (i32.const 0))',
        memory: '8',
        alloc: `(i32.store (i32.add (i32.const 16) (i32.mul (global.get $asked) (i32.const 4))) (local.get $size))
          (global.set $asked (i32.add (global.get $asked) (i32.const 1))) i32.const 1024`,
      }),
    ),
  );
  const sizes = [0, 440, 441, 440, 2000, 100_000, 0];
  const memory = new WebAssembly.Memory({ initial: 8, maximum: 8, shared: true });
  sandbox.create(1, undefined, 1, memory);
  for (const length of sizes)
    assert.equal(sandbox.turn(1, { payload: new Uint8Array(length) })[0]!.fault, '');
  assert.deepEqual([...new Uint32Array(memory.buffer, 16, 6)], [512, 1024, 4096, 131_072, 0, 0]);
});

test('an inbox may lie in memory that agent_alloc has just grown', () => {
  const sandbox = new TestSandbox();
  const { memory } = sandbox.create(1, (memory) => {
    new DataView(memory.buffer).setUint32(puppetAt.allocAnswer, 65_536, true);
    writeCalls(memory, puppetAt.alloc, [['grow', 1]]);
  });
  const { record, answers } = sandbox.calls(1, memory, ['load', 65_536]);
  assert.deepEqual([record.fault, answers], ['', [envelopeSize]]);
});

test('a payload that held bytes before is not seen by the next message', () => {
  const { sandbox, memory } = puppet();
  sandbox.turn(1, { kind: TaskKind.topic, topic: 'long topic', payload: payloadOf([['load', 0]]) });
  const { record } = sandbox.calls(1, memory, ['load', 0]);
  assert.equal(record.outcome, 'done');
  const view = new DataView(memory.buffer, puppetAt.inbox);
  assert.equal(view.getUint32(envelopeOffset.topicLength, true), 0);
  assert.equal(view.getUint32(envelopeOffset.payloadPointer, true), puppetAt.inbox + envelopeSize);
});

test('an unknown command stops the executor', () => {
  const { sandbox } = puppet();
  assert.throws(() => sandbox.executor.execute(new Uint32Array([7, 0, 0, 0, 0, 0, 99]), new Uint8Array(28)), {
    code: 'bug',
  });
});
