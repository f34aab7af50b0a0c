// The state of a run between two ticks, as plain data.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHex } from '../../base/encoding.ts';
import { type AgentDescription, EngineError } from '../index.ts';
import { sha256 } from '../sha256.ts';
import { agent, importText } from '../testing/agents.ts';
import { create, echo } from '../testing/create-run.ts';

/** Sets a timer at each message, and writes into its memory. */
const timing: AgentDescription = {
  module: agent({
    before: importText('set_timer', 2),
    receive:
      '(drop (call $set_timer (i32.const 5) (i32.const -7))) (i32.store8 (i32.const 9) (i32.const 1)) i32.const 0',
  }),
  capabilities: ['timer'],
  subscriptions: ['news'],
  channels: ['den'],
};

test('snapshotState() has the fields of its contract, and describes agents, queue and time', async () => {
  const run = await create({
    run: { tickMs: 20, tasksPerTickMax: 3 },
    agents: { timing, echo },
    topics: { news: {} },
  });
  const before = run.snapshotState();
  assert.deepEqual(Object.keys(before).sort(), [
    ...['agents', 'digest', 'onnxModelStates', 'schedulerQueue', 'tick', 'timestamp'],
  ]);
  assert.deepEqual([before.tick, before.timestamp, before.onnxModelStates], [0, 0, []]);
  assert.deepEqual(
    before.agents.map(({ phase, memoryBytes, memorySha256 }) => [phase, memoryBytes, memorySha256]),
    [
      ['starting', 0, ''],
      ['starting', 0, ''],
    ],
  );
  await run.run({ ticks: 4, onTick: () => void assert.throws(() => run.snapshotState(), EngineError) });
});

test('snapshotState() between two ticks tells timers, mailboxes and memories', async () => {
  const run = await create({ run: { tickMs: 20 }, agents: { timing, echo }, topics: { news: {} } });
  run.pauseAgent('echo');
  run.send('echo', { payload: 'wait', priority: 4 });
  run.send('timing', { payload: 1 });
  await run.settle();
  const state = run.snapshotState();
  assert.ok(state.tick >= 6, 'settle waits for the timer');
  assert.equal(state.timestamp, state.tick * 20);
  assert.equal(state.digest, run.digest);
  const [timer, echoes] = state.agents;
  assert.deepEqual([timer!.subscriptions, timer!.timers, timer!.phase], [['news', 'den'], [], 'active']);
  const bytes = new Uint8Array(2 * 65_536);
  assert.equal(timer!.memoryBytes, bytes.length);
  assert.match(timer!.memorySha256, /^[0-9a-f]{64}$/);
  assert.notEqual(timer!.memorySha256, encodeHex(sha256(bytes)));
  assert.equal(echoes!.mailboxMessages, 1);
  const queue = state.schedulerQueue.filter(({ agent: id }) => id === '0.2');
  assert.deepEqual(queue.at(-1), {
    agent: '0.2',
    kind: 1,
    sequence: queue.at(-1)!.sequence,
    priority: 4,
    payloadBytes: 6,
  });
  assert.deepEqual(JSON.parse(JSON.stringify(state)), state, 'it is plain data');
  await run.close();
});
