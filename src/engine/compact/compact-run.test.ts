// A compacted run does all that it did behind its first tick; a crash anywhere leaves the old run or the new one.

import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MemoryStorage } from '../../log/test-storage.ts';
import { createSystem } from '../config/index.ts';
import {
  compactRun,
  diffRuns,
  EngineError,
  exportRun,
  gatherRun,
  inspectState,
  Orchestrator,
  openInput,
  planCompaction,
  replayRun,
} from '../index.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { countingAgent } from '../testing/agents.ts';
import { chainOf, newFolder } from '../testing/runs.ts';

async function createRun(folder: string, ports: Ports = nodePorts): Promise<Orchestrator> {
  const system = await createSystem({
    agents: {
      one: { module: countingAgent(), capabilities: ['output'] },
      two: { module: countingAgent(), capabilities: ['output'] },
    },
    run: { inputsPerTickMax: 1 },
    host: { snapshotTicks: 4 },
  });
  return Orchestrator.create({ system, runDirectory: folder }, ports);
}

async function recordedRun(): Promise<string> {
  const folder = newFolder();
  const run = await createRun(folder);
  for (let i = 0; i < 18; i++) {
    run.send(i % 3 === 0 ? 'two' : 'one', { payload: i });
    await run.settle();
  }
  await run.stop();
  return folder;
}

const refusedWith = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof EngineError && error.code === code && message.test(error.message);

test('a plan says what goes and changes nothing; then the record begins from the snapshot, and later ticks are as they were', async () => {
  const folder = await recordedRun();
  const chain = chainOf(folder);
  const whole = newFolder();
  exportRun(folder, whole);
  const plan = await planCompaction(folder, 11);
  assert.deepEqual([plan.baseTick, plan.ticks, plan.inputs, plan.outputs, plan.snapshots], [8, 8, 8, 8, [4]]);
  assert.deepEqual(chainOf(folder), chain);
  assert.deepEqual(await compactRun(folder, 11), plan);
  assert.deepEqual(chainOf(folder), chain.slice(8));
  assert.deepEqual(readdirSync(folder).sort(), [
    'config.json',
    'lock',
    'log-1',
    'modules',
    'run.json',
    'snapshots',
  ]);
  assert.equal((await replayRun(folder, { workers: 2 })).executed, chain.length - 8);
  assert.equal((await replayRun(folder, { from: 15 })).complete, true);
  assert.equal((await diffRuns(whole, folder)).equal, true);
  const states = await Promise.all(
    [whole, folder].map((path) => inspectState(path, { tick: 13, agent: 'one' })),
  );
  assert.deepEqual(states[0], states[1]);
  assert.deepEqual(
    gatherRun(folder).agents.map(({ name }) => name),
    ['one', 'two'],
  );
  const fork = newFolder();
  const forked = await Orchestrator.fork({ from: folder, tick: 12, runDirectory: fork });
  await forked.run({ recorded: folder });
  assert.deepEqual(chainOf(fork), chain.slice(12));
  exportRun(folder, `${folder}.tar`);
  assert.equal((await replayRun(`${folder}.tar`)).executed, chain.length - 8);
});

test('where a later snapshot cannot be read the older ones stay, and it says so', async () => {
  const folder = await recordedRun();
  const names = (): string[] => readdirSync(join(folder, 'snapshots'));
  const before = names();
  writeFileSync(join(folder, 'snapshots', '000000000012.snapshot'), 'other');
  const plan = await planCompaction(folder, 8);
  assert.deepEqual([plan.snapshots, plan.unreadableSnapshots], [[], [12]]);
  assert.deepEqual(await compactRun(folder, 8), plan);
  assert.deepEqual(names(), before);
  assert.equal((await replayRun(folder)).complete, true);
});

test('inputs that compacting gave up are not passed over by a fork that went no further', async () => {
  const folder = await recordedRun();
  const chain = chainOf(folder);
  const open = async (tick: number): Promise<Orchestrator> =>
    Orchestrator.fork({ from: folder, tick, runDirectory: newFolder() });
  const [behind, at] = [await open(7), await open(8)];
  await compactRun(folder, 8);
  await assert.rejects(
    behind.run({ recorded: folder }),
    refusedWith('input-invalid', /behind tick 7: its record begins behind tick 8/),
  );
  assert.equal((await at.run({ recorded: folder })).digest, chain.at(-1)!.split(' ')[1]);
  await behind.close();
});

test('earlier ticks are refused, and so is what has no snapshot', async () => {
  const folder = await recordedRun();
  await compactRun(folder, 8);
  await assert.rejects(replayRun(folder, { from: 8 }), refusedWith('input-invalid', /begins with tick 9/));
  await assert.rejects(replayRun(folder, { from: 99 }), refusedWith('input-invalid', /ends with tick 19/));
  await assert.rejects(inspectState(folder, { tick: 7 }), refusedWith('input-invalid', /goes from tick 8/));
  const fork = { from: folder, tick: 3, runDirectory: newFolder() };
  await assert.rejects(Orchestrator.fork(fork), refusedWith('input-invalid', /goes from tick 8/));
  await assert.rejects(
    compactRun(folder, 9),
    refusedWith('input-invalid', /behind tick 8.*the first is of tick 12/),
  );
  exportRun(folder, `${folder}.tar`);
  await assert.rejects(compactRun(`${folder}.tar`, 12), refusedWith('run-directory-invalid', /archive/));
});

test('a run is compacted again and again, and one that was interrupted goes on with its source', async () => {
  const folder = newFolder();
  const input = `${folder}.jsonl`;
  const lines = Array.from({ length: 16 }, (_, i) =>
    JSON.stringify({ agent: i % 2 === 0 ? 'one' : 'two', payload: i }),
  );
  writeFileSync(input, lines.join('\n'));
  const whole = newFolder();
  await (await createRun(whole)).run({ source: openInput(input) });
  const stop = new AbortController();
  const run = await createRun(folder);
  const onTick = ({ ticks }: { ticks: number }): void => {
    if (ticks === 13) stop.abort();
  };
  await run.run({ source: openInput(input), signal: stop.signal, onTick });
  await compactRun(folder, 5);
  assert.equal((await compactRun(folder, 12)).baseTick, 12);
  assert.deepEqual(
    readdirSync(folder)
      .filter((name) => name.startsWith('log-'))
      .sort(),
    ['log-1', 'log-2'],
  );
  assert.deepEqual(readdirSync(`${folder}/log-1`), []);
  const again = await Orchestrator.resume({ runDirectory: folder });
  assert.deepEqual(again.recordedSource, { name: openInput(input).name, ended: false });
  await again.run({ source: openInput(input) });
  assert.deepEqual(chainOf(folder), chainOf(whole).slice(12));
});

test('outputs that reached nobody are not given up, unless told to; what nobody counted is', async () => {
  const folder = await recordedRun();
  const chain = chainOf(folder);
  const outputsAfter = { epoch: 0, tick: 6, index: 0 };
  const plan = await planCompaction(folder, 8, { outputsAfter });
  assert.deepEqual([plan.outputs, plan.undelivered], [8, 2]);
  const owed = /2 of the outputs up to tick 8 have not reached their reader/;
  await assert.rejects(compactRun(folder, 8, { outputsAfter }), refusedWith('run-directory-invalid', owed));
  assert.deepEqual(chainOf(folder), chain, 'nothing was changed');
  assert.equal((await compactRun(folder, 5, { outputsAfter })).undelivered, 0);
  assert.equal((await compactRun(folder, 8, { outputsAfter, dropOutputs: true })).undelivered, 2);
  assert.equal((await compactRun(folder, 12)).undelivered, 0);
});

/** A copy of a disk, in which nobody holds a lock. */
function copyOf(disk: MemoryStorage): MemoryStorage {
  const copy = new MemoryStorage();
  for (const folder of disk.folders) copy.folders.add(folder);
  for (const [name, bytes] of disk.files) copy.files.set(name, bytes.slice());
  return copy;
}

test('a failure of any call leaves the old run or the new one, and compacting again succeeds', async () => {
  const disk = new MemoryStorage();
  const portsOf = (storage: MemoryStorage): Ports => ({ ...nodePorts, openStorage: () => storage });
  const run = await createRun('memory', portsOf(disk));
  for (let i = 0; i < 10; i++) {
    run.send('one', { payload: i });
    await run.settle();
  }
  const { digest } = await run.stop();
  const seen = new Set<number>();
  for (let at = 0; ; at++) {
    const storage = copyOf(disk);
    storage.failAt = at;
    const done = await compactRun('memory', 8, {}, portsOf(storage)).then(
      () => true,
      (error: unknown) => {
        assert.ok(error instanceof EngineError && error.code === 'host-fault', String(error));
        return false;
      },
    );
    // As after a crash: nothing is held, and the disk works again.
    const left = copyOf(storage);
    const replayed = await replayRun('memory', {}, portsOf(left));
    assert.equal(replayed.digest, digest);
    seen.add(replayed.executed);
    if (done) break;
    await compactRun('memory', 8, {}, portsOf(left)).catch(refusedWith('input-invalid', /behind tick 8/));
    assert.equal((await replayRun('memory', {}, portsOf(left))).executed, 3);
  }
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    [3, 11],
  );
});

test('the snapshot that the record will begin from is durable before it does', async () => {
  const disk = new MemoryStorage();
  const ports: Ports = { ...nodePorts, openStorage: () => disk };
  const run = await createRun('memory', ports);
  for (let i = 0; i < 6; i++) {
    run.send('one', { payload: i });
    await run.settle();
  }
  await run.stop();
  const before = disk.calls.length;
  await compactRun('memory', 4, {}, ports);
  const calls = disk.calls.slice(before);
  const [synced, begun] = [
    calls.indexOf('syncFolder snapshots'),
    calls.findIndex((call) => / run\.json$/.test(call)),
  ];
  assert.ok(synced >= 0 && begun >= 0 && synced < begun, calls.join('\n'));
});
