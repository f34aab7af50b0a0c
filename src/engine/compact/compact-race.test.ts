// Somebody compacts a run just before another takes the lock to write into it: whoever writes works on the log that
// counts then, and nothing that was acknowledged is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStorage } from '../../log/test-storage.ts';
import { createSystem } from '../config/index.ts';
import { compactRun, Orchestrator, planRepair, repairRun, replayRun } from '../index.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { countingAgent } from '../testing/agents.ts';

const ticks = 10;

function portsOver(storage: MemoryStorage): Ports {
  return { ...nodePorts, openStorage: () => storage };
}

/** A copy of a disk, in which nobody holds a lock. */
function copyOf(disk: MemoryStorage): MemoryStorage {
  const copy = new MemoryStorage();
  become(copy, disk);
  return copy;
}

function become(disk: MemoryStorage, other: MemoryStorage): void {
  disk.files.clear();
  disk.folders.clear();
  for (const folder of other.folders) disk.folders.add(folder);
  for (const [name, bytes] of other.files) disk.files.set(name, bytes.slice());
}

/** An interrupted run, and what stands there when a compaction of it died behind its one step, and when it did not. */
async function disks(): Promise<{ whole: MemoryStorage; dead: MemoryStorage; done: MemoryStorage }> {
  const whole = new MemoryStorage();
  const one = { module: countingAgent(), capabilities: ['output'] as const };
  const system = await createSystem({ agents: { one }, host: { snapshotTicks: 4 } });
  const run = await Orchestrator.create({ system, runDirectory: 'memory' }, portsOver(whole));
  for (let i = 0; i < ticks; i++) {
    run.send('one', { payload: i });
    await run.settle();
  }
  await run.close();
  const [dead, done] = [copyOf(whole), copyOf(whole)];
  await compactRun('memory', 8, {}, portsOver(done));
  const committed = done.calls.indexOf('rename run.json.tmp run.json');
  dead.failAt = done.calls.findIndex((call, at) => at > committed && call.startsWith('remove'));
  await assert.rejects(compactRun('memory', 8, {}, portsOver(dead)), { code: 'host-fault' });
  return { whole, dead: copyOf(dead), done: copyOf(done) };
}

/** Ports over a disk that is another one from the moment that somebody asks for its lock. */
function racing(storage: MemoryStorage, other: MemoryStorage): Ports {
  const lock = storage.lock.bind(storage);
  let met = false;
  storage.lock = (name) => {
    if (!met) become(storage, other);
    met = true;
    return lock(name);
  };
  return portsOver(storage);
}

test('a run goes on with the log that counts when it has the lock', async () => {
  const { whole, dead, done } = await disks();
  for (const other of [dead, done]) {
    const storage = copyOf(whole);
    const run = await Orchestrator.resume({ runDirectory: 'memory' }, racing(storage, other));
    run.send('one', { payload: 'more' });
    await run.settle();
    await run.acknowledged();
    const { digest } = run;
    await run.close();
    const replayed = await replayRun('memory', {}, portsOver(copyOf(storage)));
    assert.deepEqual([replayed.ticks, replayed.digest], [ticks + 1, digest]);
  }
});

test('a run is compacted from the log that counts when the lock is there', async () => {
  const { whole, dead, done } = await disks();
  const { digest } = await replayRun('memory', {}, portsOver(whole));
  for (const other of [dead, done]) {
    const storage = copyOf(whole);
    const wanted = { code: 'input-invalid', message: /behind tick 8/ };
    await assert.rejects(compactRun('memory', 8, {}, racing(storage, other)), wanted);
    const replayed = await replayRun('memory', {}, portsOver(copyOf(storage)));
    assert.deepEqual([replayed.executed, replayed.digest], [ticks - 8, digest]);
  }
});

test('a run is repaired as it is when the lock is there', async () => {
  const { whole, dead, done } = await disks();
  const { digest } = await replayRun('memory', {}, portsOver(whole));
  for (const other of [dead, done]) {
    const storage = copyOf(whole);
    storage.files.set('head', new Uint8Array(8192));
    assert.equal(planRepair('memory', portsOver(storage))!.headLost, true);
    assert.equal(repairRun('memory', racing(storage, other)), undefined);
    assert.equal((await replayRun('memory', {}, portsOver(copyOf(storage)))).digest, digest);
  }
});

test('a folder that is no run directory gets no lock', async () => {
  const storage = new MemoryStorage();
  storage.makeFolder('modules');
  const wanted = { code: 'run-directory-invalid' };
  await assert.rejects(Orchestrator.resume({ runDirectory: 'memory' }, portsOver(storage)), wanted);
  assert.deepEqual([...storage.files.keys()], []);
});
