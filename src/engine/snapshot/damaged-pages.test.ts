// A page of a snapshot that is damaged gets into nothing that is written afterwards: no fork, and no later snapshot.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRunDirectory } from '../../log/index.ts';
import { createSystem } from '../config/index.ts';
import { diffRuns, Orchestrator, replayRun } from '../index.ts';
import { countingAgent } from '../testing/agents.ts';
import { newFolder } from '../testing/runs.ts';
import { SnapshotStore } from './store.ts';

/** An interrupted run of 12 ticks, with snapshots of ticks 4, 8 and 12; every byte of the pages of 12 is damaged. */
async function damagedRun(): Promise<string> {
  const folder = newFolder();
  const one = { module: countingAgent(), count: 3, everyTick: true, capabilities: ['output'] as const };
  const system = await createSystem({ agents: { one }, host: { snapshotTicks: 4 } });
  const run = await Orchestrator.create({ system, runDirectory: folder });
  await sendUntil(run, 12);
  await run.close();
  const pages = join(folder, 'snapshots/000000000012.pages');
  const bytes = readFileSync(pages);
  assert.ok(bytes.length > 0);
  writeFileSync(
    pages,
    bytes.map((byte) => byte ^ 1),
  );
  assert.throws(() => storeOf(folder).read(12), { code: 'record-damaged' });
  return folder;
}

async function sendUntil(run: Orchestrator, tick: number): Promise<void> {
  while (run.tick < tick) {
    run.send('one/0', { payload: run.tick });
    await run.settle();
  }
}

function storeOf(folder: string): SnapshotStore {
  return new SnapshotStore(openRunDirectory(folder));
}

test('a fork at the tick of a damaged snapshot is whole', async () => {
  const from = await damagedRun();
  const fork = newFolder();
  await (await Orchestrator.fork({ from, tick: 12, runDirectory: fork })).close();
  const { digest } = await replayRun(fork);
  assert.equal(digest, (await replayRun(from)).digest);
  const again = await Orchestrator.resume({ runDirectory: fork });
  await sendUntil(again, 14);
  await again.close();
  assert.equal((await replayRun(fork)).ticks, 14);
});

test('snapshots that are taken after the damage are whole', async () => {
  const folder = await damagedRun();
  const run = await Orchestrator.resume({ runDirectory: folder });
  const first = await run.saveSnapshot();
  await sendUntil(run, 16);
  await run.close();
  for (const tick of [4, 8, first, 16]) assert.equal(storeOf(folder).read(tick).tick, tick);
  const fork = newFolder();
  await (await Orchestrator.fork({ from: folder, tick: 16, runDirectory: fork })).close();
  assert.equal((await diffRuns(folder, fork)).equal, true);
});

test('a run that goes on refers to pages of the snapshot that it went on from', async () => {
  const folder = newFolder();
  const one = { module: countingAgent(), capabilities: ['output'] as const };
  const system = await createSystem({ agents: { one, two: one } });
  const run = await Orchestrator.create({ system, runDirectory: folder });
  await run.settle();
  for (const name of ['one', 'two']) run.send(name, { payload: 1 });
  await run.settle();
  await run.saveSnapshot();
  await run.close();
  const again = await Orchestrator.resume({ runDirectory: folder });
  again.send('one', { payload: 2 });
  await again.settle();
  const tick = await again.saveSnapshot();
  await again.close();
  const packs = storeOf(folder)
    .filesOf([tick])
    .filter((name) => name.endsWith('.pages'));
  assert.equal(packs.length, 2);
});
