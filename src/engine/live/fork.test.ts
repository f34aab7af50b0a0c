// Forks: what they go on with, what was changed, and what they say of where they come from.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSystem } from '../config/index.ts';
import {
  diffRuns,
  EngineError,
  gatherRun,
  inspectState,
  Orchestrator,
  planRepair,
  replayRun,
} from '../index.ts';
import { agent, importText } from '../testing/agents.ts';
import { chainOf, newFolder, recorded } from '../testing/runs.ts';

/** Counts messages and timers in a global and in memory, draws at each, and says the draw; a timer each 5 ticks. */
function drawing(step: number): Uint8Array<ArrayBuffer> {
  return agent({
    before: `${importText('random', 2)} ${importText('output', 2)} ${importText('set_timer', 2)}
      (global (export "count") (mut i32) (i32.const 0))
      (func $draw (result i32)
        (global.set 0 (i32.add (global.get 0) (i32.const ${step})))
        (drop (call $random (i32.const 64) (i32.const 4)))
        (drop (call $set_timer (i32.const 5) (i32.const 0)))
        (call $output (i32.const 64) (i32.const 4)))`,
    receive: '(call $draw)',
    step: '(call $draw)',
  });
}

async function parentRun(ticks = 40): Promise<string> {
  const folder = newFolder();
  const capabilities = ['random', 'output', 'timer'] as const;
  const system = await createSystem({
    run: { seed: 1 },
    agents: {
      one: { module: drawing(1), capabilities },
      two: { module: drawing(2), capabilities },
    },
  });
  const run = await Orchestrator.create({ system, runDirectory: folder });
  run.send('one', { payload: 1 });
  run.send('two', { payload: 1 });
  await run.run({ ticks });
  return folder;
}

test('a fork with nothing changed ends for the reason that the other run ended for', async () => {
  const from = await parentRun();
  const fork = newFolder();
  const summary = await (await Orchestrator.fork({ from, tick: 20, runDirectory: fork })).run({
    recorded: from,
  });
  assert.deepEqual([summary.reason, summary.ticks], ['ticks', 40]);
});

test('a fork with a last tick goes on to it where the other run stopped before', async () => {
  const [from, longer] = [await parentRun(40), await parentRun(60)];
  for (const tick of [20, 39]) {
    const runDirectory = newFolder();
    const fork = await Orchestrator.fork({ from, tick, runDirectory, ticks: 60 });
    const summary = await fork.run({ recorded: from, ticks: 60 });
    assert.deepEqual([summary.reason, summary.ticks], ['ticks', 60]);
    const rest = chainOf(longer).filter((entry) => Number(entry.split(' ')[0]) > tick);
    assert.deepEqual(chainOf(runDirectory), rest);
  }
});

test('a fork at the end of a run has its totals of no tick, and refuses a last tick that it cannot reach', async () => {
  const from = await parentRun();
  const fork = await Orchestrator.fork({ from, tick: 40, runDirectory: newFolder() });
  const { ticks, executed, reason } = await fork.run({ recorded: from });
  assert.deepEqual([ticks, executed, reason], [40, 0, 'ticks']);
  const runDirectory = newFolder();
  await assert.rejects(Orchestrator.fork({ from, tick: 40, runDirectory, ticks: 50 }), {
    code: 'input-invalid',
    message: /at tick 40: the run has ended by then, .*; wanted an earlier tick, for ticks up to 50$/,
  });
  assert.equal(existsSync(runDirectory), false);
});

test('a fork shares the pages that it begins from, and neither run feels what becomes of the other', async () => {
  const from = await parentRun();
  const folder = newFolder();
  const parent = await Orchestrator.fork({ from, tick: 20, runDirectory: folder });
  const tick = await parent.saveSnapshot();
  await parent.close();
  const again = newFolder();
  await (await Orchestrator.fork({ from: folder, tick, runDirectory: again })).run({ recorded: from });
  const packsOf = (run: string) =>
    readdirSync(join(run, 'snapshots')).filter((name) => name.endsWith('.pages'));
  const inodeOf = (run: string, name: string) => statSync(join(run, 'snapshots', name)).ino;
  const shared = packsOf(folder).filter((name) => packsOf(again).includes(name));
  assert.ok(shared.length > 0);
  for (const name of shared) assert.equal(inodeOf(folder, name), inodeOf(again, name));
  rmSync(folder, { recursive: true });
  assert.equal((await replayRun(again)).complete, true);
});

async function forked(
  from: string,
  options: Partial<Parameters<typeof Orchestrator.fork>[0]>,
): Promise<string> {
  const runDirectory = newFolder();
  const fork = await Orchestrator.fork({ from, tick: 20, runDirectory, ...options });
  await fork.run(options.otherInput === undefined ? { recorded: from } : { ticks: 40 });
  return runDirectory;
}

test('a fork with nothing changed has the ticks of the other run from there on, and says where it comes from', async () => {
  const from = await parentRun();
  for (const tick of [1, 3, 16, 39]) {
    const fork = await forked(from, { tick });
    const rest = chainOf(from).filter((entry) => Number(entry.split(' ')[0]) > tick);
    assert.deepEqual(chainOf(fork), rest);
    const { origin } = gatherRun(fork).manifest;
    assert.deepEqual([origin!.runId, origin!.changes], [gatherRun(from).manifest.runId, []]);
    assert.equal((await diffRuns(from, fork)).equal, true);
  }
});

test('what is given but the same is no change', async () => {
  const from = await parentRun();
  const fork = await forked(from, { seed: 1, modules: { one: drawing(1) } });
  assert.deepEqual(gatherRun(fork).manifest.origin!.changes, []);
  assert.equal((await diffRuns(from, fork)).equal, true);
});

test('another seed gives every agent new draws from the tick on, and nothing before', async () => {
  const from = await parentRun();
  const fork = await forked(from, { seed: 2 });
  const [a, b] = [recorded(from, 'outputs'), recorded(fork, 'outputs')];
  const after = a.filter(({ tick }) => tick > 20);
  assert.deepEqual(
    b.map(({ tick, agent: name }) => [tick, name]),
    after.map(({ tick, agent: name }) => [tick, name]),
  );
  for (const [i, { payload }] of b.entries()) assert.notDeepEqual(payload, after[i]!.payload);
  assert.deepEqual(gatherRun(fork).manifest.origin!.changes, ['seed: 2 in place of 1']);
  assert.equal((await diffRuns(from, fork)).first!.tick, 21);
  assert.equal((await replayRun(fork, { workers: 2 })).complete, true);
});

test('another module makes its agents begin anew with what waits for them; others go on', async () => {
  const from = await parentRun();
  const fork = await forked(from, { modules: { two: drawing(100) } });
  const count = async (path: string, tick: number, name: string): Promise<string | undefined> =>
    (await inspectState(path, { tick, agent: name })).agent?.instance?.globals[0]?.value;
  assert.equal((await inspectState(fork, { tick: 16, agent: 'two' })).agent!.phase, 'starting');
  assert.equal(await count(fork, 30, 'one'), await count(from, 30, 'one'));
  assert.equal(await count(fork, 30, 'two'), '0', 'its timer was of the old instance');
  assert.match(
    gatherRun(fork).manifest.origin!.changes[0]!,
    /^module of two: [0-9a-f]{64} in place of [0-9a-f]{64}$/,
  );
  assert.equal((await inspectState(fork, { tick: 17, agent: 'two' })).agent!.restarts, 1);
  await replayRun(fork, { workers: 1 });
  const { configuration } = await diffRuns(from, fork);
  assert.deepEqual(
    configuration.map(({ path }) => path),
    ['agents.two.module'],
  );
});

test('a fork of a fork, and one that was interrupted, go on with the recorded inputs', async () => {
  const from = await parentRun();
  const fork = await forked(from, { tick: 10 });
  const second = await forked(fork, { tick: 30 });
  assert.equal((await diffRuns(from, second)).equal, true);
  const folder = newFolder();
  const run = await Orchestrator.fork({ from, tick: 10, runDirectory: folder });
  const stop = new AbortController();
  const onTick = ({ ticks }: { ticks: number }): void => {
    if (ticks >= 22) stop.abort();
  };
  await run.run({ recorded: from, signal: stop.signal, onTick });
  const again = await Orchestrator.resume({ runDirectory: folder });
  assert.deepEqual(again.recordedSource, { name: from, ended: false });
  await again.run({ recorded: from });
  assert.equal((await diffRuns(from, folder)).equal, true);
});

test('a fork that was interrupted before its first tick goes on with the recorded inputs', async () => {
  const from = await parentRun();
  const folder = newFolder();
  const fork = await Orchestrator.fork({ from, tick: 8, runDirectory: folder });
  const { reason, executed } = await fork.run({ recorded: from, signal: AbortSignal.abort() });
  assert.deepEqual([reason, executed], ['interrupted', 0]);
  const again = await Orchestrator.resume({ runDirectory: folder });
  assert.deepEqual(again.recordedSource, { name: from, ended: false });
  await again.run({ recorded: from });
  assert.deepEqual(
    chainOf(folder),
    chainOf(from).filter((digest) => Number.parseInt(digest, 10) > 8),
  );
});

test('inspect knows the agents that a fork began with', async () => {
  const fork = await forked(await parentRun(), {});
  assert.deepEqual(
    gatherRun(fork).agents.map(({ name, state, tasks }) => [name, state, tasks > 0]),
    [
      ['one', 'stopped', true],
      ['two', 'stopped', true],
    ],
  );
});

test('a tick or a declaration that the other run does not have is refused, and leaves no folder', async () => {
  const from = await parentRun();
  const refused = [
    { tick: 41 },
    { tick: 0 },
    { modules: { nobody: drawing(1) } },
    { modules: { one: new Uint8Array(3) } },
  ];
  for (const options of refused) {
    await assert.rejects(forked(from, options), (error) => {
      return (
        error instanceof EngineError &&
        ['input-invalid', 'config-invalid', 'module-refused'].includes(error.code)
      );
    });
  }
});

test('a seed that no record may hold, and a tick that is no number, are refused, and leave no folder', async () => {
  const from = await parentRun();
  for (const seed of [-1, 1.5, Number.NaN, 2 ** 53, '7' as unknown as number]) {
    const runDirectory = newFolder();
    const fork = Orchestrator.fork({ from, tick: 3, runDirectory, seed });
    await assert.rejects(fork, { code: 'config-invalid', message: /as a seed: a whole number from 0/ });
    assert.equal(existsSync(runDirectory), false);
  }
  for (const tick of [1.5, Number.NaN, undefined as unknown as number, '3' as unknown as number]) {
    const refused = { code: 'input-invalid', message: /, wanted a whole number$/ };
    const runDirectory = newFolder();
    await assert.rejects(Orchestrator.fork({ from, tick, runDirectory }), refused);
    assert.equal(existsSync(runDirectory), false);
    if (tick !== undefined) await assert.rejects(replayRun(from, { from: tick }), refused);
  }
});

test('nothing is changed at a tick that has ended the run: that is refused, and what is the same is not', async () => {
  const from = await parentRun();
  const { ticks: tick } = await replayRun(from);
  for (const changed of [{ otherInput: 'more.jsonl' }, { seed: 99 }, { modules: { one: drawing(3) } }])
    await assert.rejects(forked(from, { tick, ...changed }), {
      code: 'input-invalid',
      message: /at tick \d+: the run has ended by then/,
    });
  assert.equal((await replayRun(await forked(from, { tick }))).ticks, tick);
});

test('a fork whose beginning is damaged says that it cannot be repaired, and why', async () => {
  const fork = await forked(await parentRun(), {});
  const [name] = readdirSync(join(fork, 'snapshots')).filter((each) => each.endsWith('.pages'));
  writeFileSync(join(fork, 'snapshots', name!), new Uint8Array(10));
  assert.throws(() => planRepair(fork), {
    code: 'record-damaged',
    message:
      /^Cannot repair ".*": its record begins from the snapshot of tick 16, .*a page is not what its hash says/,
  });
});
