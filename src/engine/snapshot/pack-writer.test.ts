// Packs as they are written: synced on the way, whole at the end or not there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppendHandle } from '../../log/index.ts';
import { MemoryStorage } from '../../log/test-storage.ts';
import { PackWriter } from './pack-writer.ts';

/** A storage whose syncs end when they are told to. */
class SlowStorage extends MemoryStorage {
  readonly syncs: { readonly bytes: number; readonly end: (error?: Error) => void }[] = [];
  closed = false;

  override create(name: string): AppendHandle {
    const handle = super.create(name);
    const beginSync = (): Promise<void> => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const bytes = this.files.get(name)!.length;
      this.syncs.push({ bytes, end: (error) => (error === undefined ? resolve() : reject(error)) });
      return promise;
    };
    const close = (): void => {
      this.closed = true;
      handle.close();
    };
    return { ...handle, write: (bytes) => handle.write(bytes), sync: () => handle.sync(), beginSync, close };
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a sync begins after so many bytes, one at a time, and the last covers all', async () => {
  const storage = new SlowStorage();
  const pack = new PackWriter(storage, 'snapshots', '1.pages', 10);
  for (const [i, at] of [0, 4, 8, 12, 16, 20].entries())
    assert.equal(pack.append(new Uint8Array(4)), at, `${i}`);
  assert.deepEqual(
    storage.syncs.map(({ bytes }) => bytes),
    [12],
  );
  storage.syncs[0]!.end();
  await turn();
  pack.append(new Uint8Array(4));
  assert.deepEqual(
    storage.syncs.map(({ bytes }) => bytes),
    [12, 28],
  );
  const finished = pack.finish();
  await turn();
  assert.equal(storage.syncs.length, 2);
  storage.syncs[1]!.end();
  await turn();
  assert.deepEqual([...storage.files.keys()], ['snapshots/1.pages.tmp']);
  storage.syncs[2]!.end();
  await finished;
  assert.equal(storage.files.get('snapshots/1.pages')!.length, 28);
});

test('a sync on the way that fails is met at the next write or at the end, and there is no pack', async () => {
  for (const meet of [
    (pack: PackWriter) => pack.append(new Uint8Array(1)),
    (pack: PackWriter) => pack.finish(),
  ]) {
    const storage = new SlowStorage();
    const pack = new PackWriter(storage, 'snapshots', '1.pages', 10);
    pack.append(new Uint8Array(10));
    storage.syncs[0]!.end(new Error('input/output error'));
    await turn();
    await assert.rejects(async () => await meet(pack), /input\/output error/);
    pack.abandon();
    await turn();
    assert.deepEqual([...storage.files.keys()], ['snapshots/1.pages.tmp']);
    assert.ok(storage.closed);
  }
});

test('a file that is given up is closed when nothing is synced any more', async () => {
  const storage = new SlowStorage();
  const pack = new PackWriter(storage, 'snapshots', '1.pages', 10);
  pack.append(new Uint8Array(10));
  pack.abandon();
  await turn();
  assert.ok(!storage.closed);
  storage.syncs[0]!.end();
  await turn();
  assert.ok(storage.closed);
});
