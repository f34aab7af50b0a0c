// Snapshots that come and go: whatever was taken away, and wherever that was cut off, each that is there is whole.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { EngineError } from '../../base/errors.ts';
import { createRunDirectory, type RunDirectory } from '../../log/index.ts';
import { MemoryStorage } from '../../log/test-storage.ts';
import { expandImage } from '../../sandbox/index.ts';
import { nodePorts } from '../ports.ts';
import type { Snapshot } from '../turns/machine.ts';
import { SnapshotStore } from './store.ts';

const compress = async (bytes: Uint8Array, into: Uint8Array): Promise<number> => {
  const packed = zstdCompressSync(bytes);
  into.set(packed);
  return packed.length;
};

function directoryIn(storage: MemoryStorage): RunDirectory {
  const manifest = { format: 1, runId: '0'.repeat(32), engine: 'x', durability: 'batch', costTable: 1 };
  const contents = { manifest, config: new Uint8Array(2), modules: new Map() };
  return createRunDirectory('memory', contents, storage);
}

/** One agent whose pages are told by numbers: equal numbers are equal pages, 0 a page of zeros. */
function snapshotOf(tick: number, pages: readonly number[]): Snapshot {
  const image = {
    byteLength: pages.length * 65_536,
    pages: pages.map((page) => {
      if (page === 0) return undefined;
      // Not all pages compress alike.
      const block = Uint8Array.from({ length: 4096 }, (_, at) =>
        at < page * 300 ? (at * page * 7919) >> 3 : page,
      );
      return Uint8Array.of(1, 0, ...block);
    }),
  };
  const scheduler = {
    ...{ tick, sequence: tick, hostCounter: 0, served: 0, stopping: false, agents: [], schedulerQueue: [] },
    ...{ topics: [], waitingInputs: [], waitingCalls: [], requests: [] },
  };
  return {
    tick,
    digest: new Uint8Array(32).fill(tick),
    scheduler: scheduler as unknown as Snapshot['scheduler'],
    agents: [{ number: 1, state: Uint32Array.of(tick), image }],
    images: [],
  };
}

function isWhole(store: SnapshotStore, tick: number, pages: readonly number[]): void {
  const [found] = store.read(tick).agents;
  assert.deepEqual([...found!.state], [tick]);
  assert.deepEqual(expandImage(found!.image), expandImage(snapshotOf(tick, pages).agents[0]!.image));
}

const memories = fc.array(fc.array(fc.nat(9), { minLength: 4, maxLength: 4 }), {
  minLength: 1,
  maxLength: 24,
});

/** Writes snapshots at ticks 1, 2, …; answers how many were written before a call failed. */
async function writeAll(
  directory: RunDirectory,
  kept: number,
  list: readonly number[][],
  from = 1,
): Promise<number> {
  const store = new SnapshotStore(directory, { ...nodePorts, compress }, kept);
  for (const [i, pages] of list.entries()) {
    if (i + 1 < from) continue;
    try {
      await store.write(snapshotOf(i + 1, pages), 10);
    } catch (error) {
      assert.ok(error instanceof EngineError && error.code === 'host-fault');
      return i;
    }
  }
  return list.length;
}

test('snapshots that stay are whole when others have gone, and packs hold little that nobody refers to', async () => {
  const property = fc.asyncProperty(memories, fc.integer({ min: 1, max: 4 }), async (list, kept) => {
    const storage = new MemoryStorage();
    const directory = directoryIn(storage);
    assert.equal(await writeAll(directory, kept, list), list.length);
    const store = new SnapshotStore(directory);
    assert.ok(store.ticks().length >= Math.min(kept, list.length));
    for (const tick of store.ticks()) isWhole(store, tick, list[tick - 1]!);
    store.remove([]);
    const packs = [...storage.files.keys()].filter((name) => name.endsWith('.pages'));
    const used = new Set(store.filesOf(store.ticks()));
    for (const name of packs) assert.ok(used.has(name), `${name} is referred to`);
  });
  await fc.assert(property, { numRuns: 20 });
});

test('a failure at any call leaves each snapshot that is there whole, and a run goes on from that', async () => {
  const property = fc.asyncProperty(
    memories,
    fc.integer({ min: 1, max: 3 }),
    fc.nat(400),
    async (list, kept, at) => {
      const storage = new MemoryStorage();
      const directory = directoryIn(storage);
      storage.failAt = storage.calls.length + at;
      const written = await writeAll(directory, kept, list);
      storage.failAt = Number.POSITIVE_INFINITY;
      const store = new SnapshotStore(directory);
      for (const tick of store.ticks()) isWhole(store, tick, list[tick - 1]!);
      const before = store.ticks();
      assert.ok(written === 0 || before.length > 0, 'the newest is never taken away');
      await writeAll(directory, kept, list, (before.at(-1) ?? 0) + 1);
      for (const tick of store.ticks()) isWhole(store, tick, list[tick - 1]!);
      assert.equal(store.ticks().at(-1), list.length);
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test('a folder that cannot be listed is a fault of the host, whoever asks', async () => {
  const storage = new MemoryStorage();
  const directory = directoryIn(storage);
  await writeAll(directory, 0, [[1], [2], [3]]);
  const list = storage.list.bind(storage);
  for (const ask of [
    (store: SnapshotStore): void => store.removeAfter(1),
    (store: SnapshotStore): void => store.setAside(1, true),
    (store: SnapshotStore): readonly number[] => store.ticks(),
  ]) {
    for (let fails = 0; fails < 3; fails++) {
      let calls = 0;
      storage.list = (folder) => {
        if (calls++ === fails) throw new Error('EIO');
        return list(folder);
      };
      try {
        ask(new SnapshotStore(directory));
      } catch (error) {
        assert.ok(error instanceof EngineError && error.code === 'host-fault', String(error));
      }
    }
  }
});

test('where a snapshot is damaged nothing is taken away, and a new one is written all the same', async () => {
  const storage = new MemoryStorage();
  const directory = directoryIn(storage);
  const list = [
    [1, 2],
    [2, 3],
    [3, 4],
    [4, 5],
  ];
  await writeAll(directory, 0, list);
  storage.files.get('snapshots/000000000001.snapshot')![50]! ^= 1;
  const store = new SnapshotStore(directory, { ...nodePorts, compress }, 1);
  await store.write(snapshotOf(5, [6, 7]), 10);
  assert.deepEqual(store.ticks(), [1, 2, 3, 4, 5]);
  for (const tick of [2, 3, 4, 5]) isWhole(store, tick, [...list, [6, 7]][tick - 1]!);
  storage.files.get('snapshots/000000000005.snapshot')![50]! ^= 1;
  const next = new SnapshotStore(directory, { ...nodePorts, compress }, 1);
  await next.write(snapshotOf(6, [6, 8]), 10);
  isWhole(next, 6, [6, 8]);
});

test('pages of a damaged pack are not referred to again, even after others were taken away', async () => {
  const storage = new MemoryStorage();
  const directory = directoryIn(storage);
  const list = [
    [1, 2],
    [2, 3],
    [4, 5],
  ];
  await writeAll(directory, 0, list);
  storage.files.get('snapshots/000000000003.pages')!.fill(1);
  const store = new SnapshotStore(directory, { ...nodePorts, compress }, 2);
  store.goOnFrom(2);
  for (const tick of [4, 5, 6]) {
    await store.write(snapshotOf(tick, [4, 5, 3]), 10);
    isWhole(store, tick, [4, 5, 3]);
  }
  store.remove([3]);
  await store.write(snapshotOf(7, [4, 3, 5]), 10);
  isWhole(store, 7, [4, 3, 5]);
});

test('a snapshot of another format is refused by its number', async () => {
  const storage = new MemoryStorage();
  const directory = directoryIn(storage);
  await writeAll(directory, 0, [[1]]);
  const name = 'snapshots/000000000001.snapshot';
  const bytes = storage.files.get(name)!;
  // The first field of the message.
  assert.deepEqual([...bytes.subarray(40, 42)], [8, 3]);
  bytes[41] = 1;
  bytes.set(createHash('sha256').update(bytes.subarray(40)).digest(), 8);
  assert.throws(() => new SnapshotStore(directory).read(1), {
    code: 'run-directory-invalid',
    message: `Cannot use the snapshot "${name}" in "memory": it has format 1, and this version reads format 3`,
  });
});

test('a pack that was cut off takes no other page with it when pages are gathered', async () => {
  const storage = new MemoryStorage();
  const directory = directoryIn(storage);
  const store = new SnapshotStore(directory, { ...nodePorts, compress });
  const memories = [
    [1, 2, 3, 4],
    [4, 0, 0, 0],
    [1, 0, 0, 0],
  ];
  for (const [i, pages] of memories.entries()) await store.write(snapshotOf(i + 1, pages), 10);
  const pack = 'snapshots/000000000001.pages';
  storage.files.set(pack, storage.files.get(pack)!.slice(0, -9));
  store.remove([1]);
  assert.equal(storage.files.has(pack), false);
  assert.throws(() => store.read(2), { code: 'record-damaged' });
  isWhole(store, 3, memories[2]!);
});
