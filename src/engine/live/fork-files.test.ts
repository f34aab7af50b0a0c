// What a fork does with the files of the run that it comes from: it shares those that it read, and no other ones, copies
// what cannot be shared, and leaves none of them open.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Storage } from '../../log/index.ts';
import { MemoryStorage } from '../../log/test-storage.ts';
import { createSystem, Orchestrator, replayRun } from '../index.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { countingAgent } from '../testing/agents.ts';

const ticks = 8;
const forkedAt = 7;
let original: MemoryStorage;

before(async () => {
  original = new MemoryStorage();
  const counting = { module: countingAgent(), count: 3, everyTick: true, capabilities: ['output'] as const };
  const system = await createSystem({ agents: { counting }, host: { snapshotTicks: 3 } });
  const run = await Orchestrator.create(
    { system, runDirectory: 'parent' },
    portsOver(original, new MemoryStorage()),
  );
  while (run.tick < ticks) {
    run.send('counting/0', { payload: run.tick });
    await run.settle();
  }
  await run.close();
});

function portsOver(parent: MemoryStorage, fork: MemoryStorage): Ports {
  return { ...nodePorts, openStorage: (path) => (path === 'parent' ? parent : fork) };
}

function copyOfParent(): MemoryStorage {
  const copy = new MemoryStorage();
  for (const folder of original.folders) copy.folders.add(folder);
  for (const [name, bytes] of original.files) copy.files.set(name, bytes.slice());
  return copy;
}

/** A disk where something happens before a name is linked; it answers whether the link can be. */
class LinkedStorage extends MemoryStorage {
  readonly #before: (name: string) => boolean;

  constructor(before: (name: string) => boolean) {
    super();
    this.#before = before;
  }

  override link(from: Storage, name: string): boolean {
    return this.#before(name) && super.link(from, name);
  }
}

/** Forks without compressing a page, at the tick of a snapshot. */
async function forkOver(parent: MemoryStorage, fork: MemoryStorage, tick = 6): Promise<void> {
  const compress = (): never => assert.fail('a page is compressed that the other run has');
  const ports = { ...portsOver(parent, fork), compress };
  await (await Orchestrator.fork({ from: 'parent', tick, runDirectory: 'fork' }, ports)).close();
  assert.deepEqual([parent.openCount, fork.openCount], [0, 0]);
}

async function digestOf(storage: MemoryStorage): Promise<string> {
  const { digest } = await replayRun('run', {}, { ...nodePorts, openStorage: () => storage });
  return digest;
}

function packsIn(storage: MemoryStorage): Uint8Array[] {
  return [...storage.files].flatMap(([name, bytes]) => (name.endsWith('.pages') ? [bytes] : []));
}

test('a fork shares the packs that it read', async () => {
  const [parent, fork] = [copyOfParent(), new MemoryStorage()];
  await forkOver(parent, fork);
  const [shared, all] = [packsIn(fork), packsIn(parent)];
  assert.ok(shared.length > 0);
  for (const pack of shared) assert.ok(all.includes(pack as Uint8Array<ArrayBuffer>));
});

test('a file that has got the name of a pack since it was read is not shared, and the fork is whole', async () => {
  const parent = copyOfParent();
  const others: Uint8Array[] = [];
  const fork = new LinkedStorage((name) => {
    const other = parent.files.get(name)!.map((byte) => byte ^ 1);
    parent.files.set(name, other);
    others.push(other);
    return true;
  });
  await forkOver(parent, fork);
  assert.ok(others.length > 0);
  for (const pack of packsIn(fork)) assert.ok(!others.includes(pack));
  const untouched = new MemoryStorage();
  await forkOver(copyOfParent(), untouched);
  assert.equal(await digestOf(fork), await digestOf(untouched));
});

test('pages are copied where no file can be shared, and the fork is the same', async () => {
  const [shared, copied] = [new MemoryStorage(), new LinkedStorage(() => false)];
  await forkOver(copyOfParent(), shared);
  await forkOver(copyOfParent(), copied);
  assert.equal(packsIn(copied).length, 1);
  assert.equal(await digestOf(copied), await digestOf(shared));
});

test('a page that was damaged between being read and being copied gets into no fork', async () => {
  const parent = copyOfParent();
  const fork = new LinkedStorage((name) => {
    parent.files.get(name)![40]! ^= 1;
    return false;
  });
  await assert.rejects(forkOver(parent, fork), { code: 'record-damaged', message: /\.pages/ });
  assert.deepEqual([parent.openCount, fork.openCount, fork.files.has('run.json')], [0, 0, false]);
});

test('no file stays open, whichever call of either disk fails', async () => {
  const fails = {
    'the disk of the fork is written': {
      fail: (_: MemoryStorage, fork: MemoryStorage, at: number) =>
        Object.assign(fork, { failAt: at, failures: 1 }),
      calls: (_: MemoryStorage, fork: MemoryStorage) => fork.calls.length,
    },
    'the disk of the fork is read': {
      fail: (_: MemoryStorage, fork: MemoryStorage, at: number) => Object.assign(fork, { failReadingAt: at }),
      calls: (_: MemoryStorage, fork: MemoryStorage) => fork.readings,
    },
    'the disk of the parent is read': {
      fail: (parent: MemoryStorage, _: MemoryStorage, at: number) =>
        Object.assign(parent, { failReadingAt: at }),
      calls: (parent: MemoryStorage) => parent.readings,
    },
  };
  for (const [what, { fail, calls }] of Object.entries(fails)) {
    let failed = 0;
    for (let at = 0; ; at++) {
      const [parent, fork] = [copyOfParent(), new MemoryStorage()];
      fail(parent, fork, at);
      const options = { from: 'parent', tick: forkedAt, runDirectory: 'fork' };
      const isMade = await Orchestrator.fork(options, portsOver(parent, fork))
        .then((run) => run.close())
        .then(
          () => true,
          () => false,
        );
      assert.deepEqual([parent.openCount, fork.openCount], [0, 0], `${what}, call ${at}`);
      if (!isMade) failed++;
      if (at >= calls(parent, fork)) break;
    }
    assert.ok(failed > 5, `${what}: ${failed} calls`);
  }
});
