// Making a run directory is cut off at every call: what is left is a whole run, or no run and in nobody's way.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { MemoryStorage } from '../../log/test-storage.ts';
import { createSystem, EngineError, Orchestrator, replayRun, type System } from '../index.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { countingAgent } from '../testing/agents.ts';
import { isCode } from '../testing/create-run.ts';

const ticks = 7;
let system: System;
const parent = new MemoryStorage();

function portsOver(storage: MemoryStorage): Ports {
  return { ...nodePorts, openStorage: (path) => (path === 'parent' ? parent : storage) };
}

before(async () => {
  const counting = { module: countingAgent(), count: 2, everyTick: true, capabilities: ['output'] as const };
  system = await createSystem({ agents: { counting }, host: { snapshotTicks: 3 } });
  const run = await Orchestrator.create({ system, runDirectory: 'parent' }, portsOver(parent));
  await goThrough(run);
  await run.close();
});

async function goThrough(run: Orchestrator): Promise<void> {
  while (run.tick < ticks) {
    run.send('counting/0', { payload: run.tick });
    await run.settle();
  }
}

/** A disk as a dead process leaves it: what it held is held no more. */
function leftBy(disk: MemoryStorage): MemoryStorage {
  const copy = new MemoryStorage();
  for (const folder of disk.folders) copy.folders.add(folder);
  for (const [name, bytes] of disk.files) copy.files.set(name, bytes.slice());
  return copy;
}

const beginnings = {
  run: (ports: Ports) => Orchestrator.create({ system, runDirectory: 'new' }, ports),
  fork: (ports: Ports) => Orchestrator.fork({ from: 'parent', tick: 5, runDirectory: 'new' }, ports),
};

for (const [name, begin] of Object.entries(beginnings)) {
  test(`a ${name} that could not be begun is begun again in the same folder, or is whole`, async () => {
    const seen = new Set<boolean>();
    for (let at = 0; ; at++) {
      const storage = new MemoryStorage();
      storage.failAt = at;
      const failure = await begin(portsOver(storage))
        .then((run) => run.close())
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      if (failure === undefined) break;
      assert.ok(failure instanceof EngineError, String(failure));
      const left = leftBy(storage);
      const isRun = left.files.has('run.json');
      seen.add(isRun);
      const ports = portsOver(left);
      const again = isRun ? Orchestrator.resume({ runDirectory: 'new' }, ports) : begin(ports);
      const run = await again;
      await goThrough(run);
      await run.close();
      const replayed = await replayRun('new', {}, ports);
      const whole = await replayRun('parent', {}, ports);
      assert.deepEqual([replayed.ticks, replayed.digest], [whole.ticks, whole.digest], `call ${at}`);
    }
    assert.equal(seen.size, 2);
  });
}

test('what nobody who makes a run directory leaves behind is not taken away', async () => {
  const names = ['notes.txt', 'run.json', 'modules/notes.txt', 'snapshots/1.txt', 'events-000000.mcap'];
  for (const [i, name] of ['config.json', ...names].entries()) {
    const storage = new MemoryStorage();
    storage.makeFolder('modules');
    storage.makeFolder('snapshots');
    // Without the lock, no attempt was made here.
    for (const file of i === 0 ? [name] : ['lock', 'config.json', name])
      storage.files.set(file, new Uint8Array(1));
    const before = new Map(storage.files);
    await assert.rejects(
      beginnings.run(portsOver(storage)),
      isCode('run-directory-invalid', /it is not empty/),
    );
    for (const [file, bytes] of before) assert.equal(storage.files.get(file), bytes);
  }
});
