// An agent that goes on from its image: what the image holds comes back, what it does not is gone, and nobody can tell
// where the image lay meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AgentDescription,
  createSystem,
  Orchestrator,
  type OrchestratorOptions,
  replayRun,
  type System,
  type SystemDescription,
} from '../index.ts';
import { agent, importText } from '../testing/agents.ts';
import { chainOf, KeptOutputs, newFolder, recorded } from '../testing/runs.ts';

const when = (byte: string, body: string): string =>
  `(if (i32.eq (i32.load8_u (i32.load offset=52 (local.get $at))) (i32.const ${byte.charCodeAt(0)})) (then ${body}))`;

/**
 * Counts its messages in memory and in a global, and gives both counts, its pages, the number of a timer and a random
 * byte as output. By payload: "x" fails, "d" drops a segment, "s" reads it, "r" writes a reference to a table, "c" calls
 * it, "g" grows the memory. What it is told of its faults goes out as it comes.
 */
const counter: AgentDescription = {
  module: agent({
    memory: '1',
    before: `${importText('output', 2)} ${importText('random', 2)} ${importText('set_timer', 2)}
      ${importText('cancel_timer', 1)}
      (type $constant (func (result i32)))
      (table $t 4 funcref) (elem declare func $one)
      (data $segment "S")
      (global $count (mut i32) (i32.const 0))
      (func $one (result i32) (i32.const 1))`,
    receive: `(if (i32.eq (i32.load offset=4 (local.get $at)) (i32.const 5))
        (then (return (call $output (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at))))))
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
      (i32.store8 (i32.const 1) (global.get $count))
      ${when('d', '(data.drop $segment)')}
      ${when('s', '(memory.init $segment (i32.const 8) (i32.const 0) (i32.const 1))')}
      ${when('r', '(table.set $t (i32.const 2) (ref.func $one))')}
      ${when('c', '(drop (call_indirect $t (type $constant) (i32.const 2)))')}
      ${when('g', '(drop (memory.grow (i32.const 1)))')}
      (i32.store8 (i32.const 2) (memory.size))
      (i32.store8 (i32.const 3) (call $set_timer (i32.const 90) (i32.const 1)))
      (drop (call $cancel_timer (i32.load8_u (i32.const 3))))
      (drop (call $random (i32.const 4) (i32.const 1)))
      ${when('x', 'unreachable')}
      (call $output (i32.const 0) (i32.const 5))`,
  }),
  capabilities: ['output', 'random', 'timer'],
  limits: { attemptsMax: 1, memoryPagesMax: 9 },
  restart: { policy: 'from-image', imageTicks: 4 },
};

function described(host: SystemDescription['host']): Promise<System> {
  return createSystem({ agents: { counter }, host: { durability: 'none', ...host } });
}

/** One payload a tick; init is tick 1, and images are taken in ticks 4, 8, … */
async function play(
  script: string,
  folder: string,
  options: Partial<OrchestratorOptions>,
): Promise<KeptOutputs> {
  const outputs = new KeptOutputs();
  const system = await described({});
  const run = await Orchestrator.create({ system, ...options, runDirectory: folder, outputs });
  await run.settle();
  for (const byte of script) {
    run.send('counter', { payload: new Uint8Array([byte.charCodeAt(0)]) });
    await run.settle();
  }
  await run.close();
  return outputs;
}

const countsOf = ({ list }: KeptOutputs): number[][] =>
  list.filter(({ payload }) => payload.length === 5).map(({ payload }) => [...payload]);

test('memory and globals are as they were at the image; random stream and numbers of timers go on anew', async () => {
  const outputs = await play('mmgmgxmm', newFolder(), {});
  const counts = countsOf(outputs);
  // The image of tick 4 has three messages, one of which grew the memory.
  assert.deepEqual(
    counts.map((bytes) => bytes.slice(0, 4)),
    [
      [1, 1, 1, 0],
      [2, 2, 1, 1],
      [3, 3, 2, 2],
      [4, 4, 2, 3],
      [5, 5, 3, 4],
      [4, 4, 2, 6],
      [5, 5, 2, 7],
    ],
  );
  assert.notDeepEqual(
    counts.slice(3, 5).map((bytes) => bytes[4]),
    counts.slice(5).map((bytes) => bytes[4]),
  );
  const told = outputs.list.filter(({ payload }) => payload.length === 48);
  assert.equal(told.length, 1);
  const view = new DataView(told[0]!.payload.slice().buffer);
  const fields = [0, 4, 8, 20, 24, 28, 32, 40].map((offset) => view.getUint32(offset, true));
  assert.deepEqual(fields, [1, 8, 7, 1, 0, 2, 8, 4]);
});

test('segments stay dropped and tables keep what they refer to, where the image has it so', async () => {
  const kinds = async (script: string): Promise<string[]> => {
    const folder = newFolder();
    await play(script, folder, {});
    return recorded(folder, 'faults').map(({ kind }) => kind);
  };
  assert.deepEqual(await kinds('mrmxc'), ['unreachable'], 'the reference is in the image');
  assert.deepEqual(
    await kinds('mmmrxc'),
    ['unreachable', 'indirect-call-mismatch'],
    'it came after the image',
  );
  assert.deepEqual(await kinds('mdmxs'), ['unreachable', 'memory-out-of-bounds'], 'it was dropped');
  assert.deepEqual(await kinds('mmmdxs'), ['unreachable'], 'it was dropped after the image');
});

test('a restart from an image is the same with any number of workers, and in a replay from a snapshot', async () => {
  const script = 'mgrmdxmmgxmrgmmxmmc';
  const oracle = newFolder();
  const outputs = await play(script, oracle, {});
  for (const workers of [1, 2]) {
    const folder = newFolder();
    assert.deepEqual((await play(script, folder, { workers })).texts, outputs.texts);
    assert.deepEqual(chainOf(folder), chainOf(oracle));
  }
  const snapshots = newFolder();
  await play(script, snapshots, { system: await described({ snapshotTicks: 3 }) });
  const { executed } = await replayRun(snapshots, { from: 16 });
  assert.ok(executed < 12, `${executed} ticks were executed again`);
  const restarts = recorded(oracle, 'events').filter(({ kind }) => kind === 'restarted');
  assert.deepEqual(
    restarts.map(({ reason }) => reason),
    ['from-image', 'from-image', 'from-image'],
  );
  assert.equal((await replayRun(oracle)).executed, chainOf(oracle).length);
});
