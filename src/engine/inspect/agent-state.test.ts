// The state of agents at ticks of a recorded run, compared with what the run itself said while it went.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHex } from '../../base/encoding.ts';
import { createSystem } from '../config/index.ts';
import { EngineError, effectText, Orchestrator, type StateView } from '../index.ts';
import { sha256 } from '../sha256.ts';
import { agent, importText } from '../testing/agents.ts';
import { newFolder } from '../testing/runs.ts';
import { inspectState } from './agent-state.ts';

const holder = agent({
  before: `${importText('set_timer', 2)} (global (export "count") (mut i32) (i32.const 40))
    (global (mut i64) (i64.const -3)) (global (export "ratio") (mut f64) (f64.const 0.5))
    (global (export "lost") (mut f32) (f32.const nan:0x200001))`,
  receive: `(global.set 0 (i32.add (global.get 0) (i32.const 1)))
    (i32.store (i32.const 100) (i32.load offset=56 (local.get $at)))
    (drop (call $set_timer (i32.const 50) (i32.const -7))) i32.const 0`,
});
/** Sends two messages of 2 bytes at once to the agent 0.3. */
const pusher = agent({
  before: `${importText('send', 4)} (data (i32.const 8) "{}")`,
  receive: `(drop (call $send (i32.const 0) (i32.const 3) (i32.const 8) (i32.const 2)))
    (call $send (i32.const 0) (i32.const 3) (i32.const 8) (i32.const 2))`,
});

interface Ran {
  readonly folder: string;
  /** What the run itself said after each settled part. */
  readonly seen: readonly StateView[];
}

async function ran(): Promise<Ran> {
  const folder = newFolder();
  const system = await createSystem({
    agents: {
      holder: { module: holder, capabilities: ['timer'], subscriptions: ['news'], channels: ['den'] },
      pusher: { module: pusher, capabilities: ['send'] },
      slow: { module: agent({}), limits: { mailboxMessagesMax: 1 } },
      failing: {
        module: agent({ receive: 'unreachable' }),
        restart: { policy: 'from-init', restartsMax: 4, backoffTicks: 30 },
      },
    },
    topics: { news: {} },
    host: { snapshotTicks: 20 },
  });
  const orchestrator = await Orchestrator.create({ system, runDirectory: folder });
  const seen: StateView[] = [];
  orchestrator.publish('news', { payload: 'hello' });
  await orchestrator.settle();
  seen.push(orchestrator.snapshotState());
  orchestrator.pauseAgent('holder');
  orchestrator.send('holder', { payload: { wait: 1 }, priority: 3 });
  orchestrator.send('pusher', { payload: 1 });
  orchestrator.send('failing', { payload: 1 });
  await orchestrator.settle();
  seen.push(orchestrator.snapshotState());
  await orchestrator.run();
  return { folder, seen };
}

test('inspectState() shows at any tick what the run held then', async () => {
  const { folder, seen } = await ran();
  for (const view of seen) {
    const state = await inspectState(folder, { tick: view.tick });
    assert.deepEqual([state.tick, state.digest], [view.tick, view.digest]);
    assert.deepEqual(
      state.agents.map(({ id, name, phase }) => ({ id, name, phase })),
      view.agents.map(({ id, name, phase }) => ({ id, name, phase })),
    );
    for (const { name, memorySha256, memoryBytes } of view.agents) {
      const { agent: one } = await inspectState(folder, { tick: view.tick, agent: name });
      assert.deepEqual(
        [one!.instance!.memorySha256, one!.instance!.memoryBytes],
        [memorySha256, memoryBytes],
      );
    }
  }
});

test('an agent is described whole: life, queues, timers, globals by name, memory by range', async () => {
  const { folder, seen } = await ran();
  const early = await inspectState(folder, { tick: 1, agent: 'holder', memory: { start: 96, length: 8 } });
  const { instance, timersPending, ...facts } = early.agent!;
  assert.deepEqual([facts.phase, facts.paused, facts.restarts, facts.restartsMax], ['active', false, 0, 0]);
  assert.deepEqual([facts.subscriptions, facts.channels, facts.mailbox], [['news'], ['den'], []]);
  assert.deepEqual(timersPending, [{ number: 0, dueTick: 51, tag: -7, fired: false }]);
  assert.deepEqual(
    instance!.globals.map(({ index, name, type, value }) => [index, name, type, value]),
    [
      [0, 'count', 'i32', '41'],
      [1, undefined, 'i64', '-3'],
      [2, 'ratio', 'f64', '0.5'],
      [3, 'lost', 'f32', 'nan:0x7fa00001'],
    ],
  );
  assert.deepEqual([...instance!.memory!.bytes], [0, 0, 0, 0, 7, 0, 0, 0]);
  assert.deepEqual([instance!.pages, instance!.pagesUsed], [2, 1]);
  const late = (await inspectState(folder, { tick: seen[1]!.tick, agent: '0.1' })).agent!;
  assert.equal(late.paused, true);
  assert.deepEqual(
    late.mailbox.map(({ kind, from, priority, payload }) => [
      kind,
      from,
      priority,
      Buffer.from(payload).toString(),
    ]),
    [['message', undefined, 3, '{"wait":1}']],
  );
});

test('a blocked sender shows its outbox, and one in back-off when it begins again', async () => {
  const { folder, seen } = await ran();
  const at = seen[0]!.tick + 1;
  const { outbox } = (await inspectState(folder, { tick: at, agent: 'pusher' })).agent!;
  assert.deepEqual(
    outbox.map((effect) => [effect.tick, effectText(effect)]),
    [[at, 'send  to "slow"  payload {}']],
  );
  const failing = (await inspectState(folder, { tick: at, agent: 'failing' })).agent!;
  assert.deepEqual(
    [failing.phase, failing.restartTick, failing.instance],
    ['backing-off', at + 30, undefined],
  );
  const again = (await inspectState(folder, { tick: at + 30, agent: 'failing' })).agent!;
  assert.deepEqual([again.phase, again.restarts, again.restartsMax], ['backing-off', 2, 4]);
});

test('before the first tick nothing has begun; behind the last, and for agents that are not there, it is refused', async () => {
  const { folder } = await ran();
  const none = await inspectState(folder, { tick: 0, agent: 'holder' });
  assert.deepEqual([none.tick, none.agent!.phase, none.agent!.instance], [0, 'starting', undefined]);
  for (const options of [{ tick: 9_999 }, { tick: 1, agent: 'nobody' }, { tick: 1, agent: '7.1' }]) {
    await assert.rejects(inspectState(folder, options), (error) => {
      return error instanceof EngineError && error.code === 'input-invalid';
    });
  }
});

test('a range beyond the memory is empty, and the whole of it has the hash that is told', async () => {
  const { folder } = await ran();
  const whole = { start: 0, length: 131_072 };
  const { instance } = (await inspectState(folder, { tick: 1, agent: 'holder', memory: whole })).agent!;
  assert.equal(encodeHex(sha256(instance!.memory!.bytes)), instance!.memorySha256);
  const beyond = { start: 131_072, length: 16 };
  const far = (await inspectState(folder, { tick: 1, agent: 'holder', memory: beyond })).agent!;
  assert.equal(far.instance!.memory!.bytes.length, 0);
});
