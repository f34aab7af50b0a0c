// A run that goes on while others read it: its snapshots thin out, and their pages move, between any two reads.

import assert from 'node:assert/strict';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeStorage, openRunDirectory, type Storage } from '../../log/index.ts';
import { createSystem } from '../config/index.ts';
import { exportRun, Orchestrator, replayRun } from '../index.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import { countingAgent } from '../testing/agents.ts';
import { newFolder } from '../testing/runs.ts';

/** Snapshots of ticks 2, 4 and 6; the third agent's page lies beside that of tick 2, where the others' are not wanted. */
async function recordedRun(): Promise<string> {
  const folder = newFolder();
  const one = { module: countingAgent(), capabilities: ['output'] as const };
  const system = await createSystem({ agents: { one, two: one, three: one } });
  const run = await Orchestrator.create({ system, runDirectory: folder });
  for (const names of [
    ['one', 'two', 'three'],
    ['one', 'two'],
    ['one', 'two'],
  ]) {
    for (const name of names) run.send(name, { payload: 1 });
    await run.settle();
    run.send('one', { payload: 2 });
    await run.settle();
    await run.saveSnapshot();
  }
  await run.close();
  return folder;
}

/** The storage of a run whose first snapshot is taken away before the n-th time that a file is opened. */
function thinningBefore(
  n: number,
  path: string,
): { readonly storage: Storage; readonly opened: () => number } {
  const inner = nodeStorage(path);
  const store = new SnapshotStore(openRunDirectory(path));
  let opened = 0;
  const openRead: Storage['openRead'] = (name) => {
    if (opened++ === n) store.remove(store.ticks().slice(0, 1));
    return inner.openRead(name);
  };
  return { storage: { ...inner, openRead }, opened: () => opened };
}

test('a run can be exported while its snapshots thin out', async () => {
  const whole = await recordedRun();
  const { digest } = await replayRun(whole);
  const counts = new Set<number>();
  for (let n = 0; ; n++) {
    const folder = newFolder();
    cpSync(whole, folder, { recursive: true });
    const { storage, opened } = thinningBefore(n, folder);
    const { snapshots, unreadableSnapshots } = exportRun(
      folder,
      `${folder}.tar`,
      {},
      { openStorage: () => storage },
    );
    counts.add(snapshots);
    assert.deepEqual(unreadableSnapshots, [], `before opening ${n}`);
    const packed = new SnapshotStore(openRunDirectory(`${folder}.tar`));
    for (const tick of packed.ticks()) assert.equal(packed.read(tick).tick, tick);
    assert.equal((await replayRun(`${folder}.tar`, { from: 6 })).digest, digest);
    if (opened() <= n) break;
  }
  assert.deepEqual([...counts].sort(), [2, 3]);
});

test('a snapshot whose pages move while it is read is read all the same', async () => {
  const whole = await recordedRun();
  const [, tick] = new SnapshotStore(openRunDirectory(whole)).ticks();
  const { digest } = new SnapshotStore(openRunDirectory(whole)).read(tick!);
  let moved = 0;
  for (let n = 0; ; n++) {
    const folder = newFolder();
    cpSync(whole, folder, { recursive: true });
    const { storage, opened } = thinningBefore(n, folder);
    assert.deepEqual(
      new SnapshotStore(openRunDirectory(folder, storage)).read(tick!).digest,
      digest,
      `before ${n}`,
    );
    if (existsSync(join(folder, 'snapshots', '1000000000000.pages'))) moved++;
    if (opened() <= n) break;
  }
  assert.ok(moved > 0);
});
