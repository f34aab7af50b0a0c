// Snapshots that are not of the log beside them: of another run or another past of this one, under another tick's name,
// or of ticks that a crash took. A whole log is gone on with all the same, and nobody works from a tick that it does not have.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import {
  compactRun,
  createSystem,
  inspectState,
  Orchestrator,
  planCompaction,
  planRepair,
  repairRun,
  replayRun,
} from '../index.ts';
import { countingAgent } from '../testing/agents.ts';
import { isCode } from '../testing/create-run.ts';
import { chainOf, newFolder } from '../testing/runs.ts';

const ticks = 14;
let chain: string[] = [];
let whole = '';
let early = '';
let other = '';

async function createRun(folder: string): Promise<Orchestrator> {
  const one = { module: countingAgent(), count: 3, everyTick: true, capabilities: ['output'] as const };
  const system = await createSystem({ agents: { one }, host: { snapshotTicks: 4 } });
  return Orchestrator.create({ system, runDirectory: folder });
}

async function finish(run: Orchestrator, until: number, payload?: string): Promise<void> {
  await goThrough(run, until, payload);
  await run.close();
}

async function goThrough(run: Orchestrator, until: number, payload?: string): Promise<void> {
  while (run.tick < until) {
    run.send('one/1', { payload: payload ?? run.tick });
    await run.settle();
  }
}

function copyOf(folder: string): string {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  return copy;
}

function copySnapshots(from: string, to: string): void {
  for (const name of readdirSync(join(from, 'snapshots')))
    copyFileSync(join(from, 'snapshots', name), join(to, 'snapshots', name));
}

before(async () => {
  early = newFolder();
  await (await createRun(early)).close();
  [whole, other] = [copyOf(early), copyOf(early)];
  await finish(await Orchestrator.resume({ runDirectory: early }), 6);
  await finish(await Orchestrator.resume({ runDirectory: whole }), ticks);
  await finish(await Orchestrator.resume({ runDirectory: other }), ticks, 'another');
  chain = chainOf(whole);
});

/** Everything that is done with a record gives what it gives with its own snapshots. */
async function checkServes(folder: string): Promise<void> {
  assert.equal((await replayRun(folder, { from: 11 })).complete, true);
  const state = { tick: 9, agent: 'one/2' };
  assert.deepEqual(await inspectState(folder, state), await inspectState(whole, state));
  const fork = newFolder();
  await (await Orchestrator.fork({ from: folder, tick: 13, runDirectory: fork })).run({ recorded: folder });
  assert.deepEqual(chainOf(fork).slice(0, 1), chain.slice(13));
  const again = copyOf(folder);
  const run = await Orchestrator.resume({ runDirectory: again });
  assert.deepEqual([run.tick, `${run.tick} ${run.digest}`], [ticks, chain.at(-1)]);
  await run.close();
}

test('snapshots of another run are passed over, though every digest of it is the same', async () => {
  const [folder, twin] = [copyOf(whole), newFolder()];
  await finish(await createRun(twin), ticks);
  assert.deepEqual(chainOf(twin), chain);
  copySnapshots(twin, folder);
  await checkServes(folder);
  const plan = planRepair(folder)!;
  assert.deepEqual(plan.snapshots, [4, 8, 12]);
  assert.match(plan.damage[0]!.message, /"snapshots\/0+4.snapshot".*it is of another run, [0-9a-f]{32}$/);
});

test('snapshots of another past of the run are passed over, and a repair takes them away', async () => {
  const folder = copyOf(whole);
  copySnapshots(other, folder);
  await checkServes(folder);
  await assert.rejects(planCompaction(folder, 9), isCode('input-invalid', /damaged or not its own/));
  const plan = planRepair(folder)!;
  assert.deepEqual([plan.snapshots, plan.files, plan.keptTick], [[4, 8, 12], [], ticks]);
  assert.match(
    plan.damage[0]!.message,
    /"snapshots\/0+4.snapshot".*its digest of tick 4 is .*, and the log says/,
  );
  repairRun(folder);
  assert.equal(planRepair(folder), undefined);
  await checkServes(folder);
});

test('a snapshot under the name of another tick is passed over, and a repair takes it away', async () => {
  const folder = copyOf(whole);
  const nameOf = (tick: number): string => join(folder, 'snapshots', `${tick}`.padStart(12, '0'));
  for (const tick of [7, 10]) copyFileSync(`${nameOf(4)}.snapshot`, `${nameOf(tick)}.snapshot`);
  await checkServes(folder);
  assert.equal((await planCompaction(folder, 7)).baseTick, 4);
  const plan = planRepair(folder)!;
  assert.deepEqual(plan.snapshots, [7, 10]);
  assert.match(plan.damage[0]!.message, /0+7.snapshot.*it is the snapshot of tick 4$/);
  repairRun(folder);
  assert.equal((await compactRun(folder, 11)).baseTick, 8);
});

test('a snapshot of another format is passed over, and left alone', async () => {
  const folder = copyOf(whole);
  for (const tick of [8, 12]) {
    const name = join(folder, 'snapshots', `${tick}.snapshot`.padStart(21, '0'));
    const bytes = readFileSync(name);
    // The first field of the message.
    bytes[41]! += 1;
    bytes.set(createHash('sha256').update(bytes.subarray(40)).digest(), 8);
    writeFileSync(name, bytes);
  }
  await checkServes(folder);
  assert.equal(planRepair(folder), undefined);
  assert.equal((await planCompaction(folder, 13)).baseTick, 4);
});

test('a record that begins from a snapshot of another past says so to whoever repairs it', async () => {
  const folder = copyOf(whole);
  await compactRun(folder, 8);
  copySnapshots(other, folder);
  const wanted = isCode('record-damaged', /snapshot of tick 8 has not the digest/);
  await assert.rejects(replayRun(folder), wanted);
  assert.throws(() => planRepair(folder), wanted);
});

test('nobody works from a snapshot of a tick that the log does not have', async () => {
  const folder = copyOf(early);
  copySnapshots(whole, folder);
  const span = /its record goes from tick 1 to tick 6$/;
  for (const tick of [8, 10, 12]) {
    const fork = { from: folder, tick, runDirectory: newFolder() };
    await assert.rejects(Orchestrator.fork(fork), isCode('input-invalid', span));
    await assert.rejects(inspectState(folder, { tick }), isCode('input-invalid', span));
    await assert.rejects(
      replayRun(folder, { from: tick + 1 }),
      isCode('input-invalid', /its record ends with tick 6$/),
    );
  }
  assert.equal(planRepair(folder), undefined, 'going on removes them');
  const fork = newFolder();
  await (await Orchestrator.fork({ from: folder, tick: 6, runDirectory: fork })).close();
  const run = await Orchestrator.resume({ runDirectory: folder });
  await goThrough(run, ticks);
  await run.close();
  assert.deepEqual(chainOf(folder), chain);
});
