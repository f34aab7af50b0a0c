// The head record: what it claims, when it is written, and what becomes of slots that were torn, changed or misplaced.

import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { concatBytes } from '../base/encoding.ts';
import { checkEventLog } from './event-log-reader.ts';
import { EventLogWriter } from './event-log-writer.ts';
import { encodeHeadFile, firstHead, HeadWriter, headFile, readHead, slotBytes } from './head-record.ts';
import { nodeStorage } from './node-storage.ts';
import { openRunDirectory } from './open-run-directory.ts';
import { appendAll, readAll, sampleDirectory, sampleEvents, sampleLog } from './test-sample.ts';
import { MemoryStorage } from './test-storage.ts';

const firstSegment = 'events-000000.mcap';
const [begin, ...more] = sampleEvents(3);

/** A log that was synced after its first event, and again after the others. */
function syncedTwice(): { storage: MemoryStorage; writer: EventLogWriter; first: number; second: number } {
  const storage = new MemoryStorage();
  const writer = new EventLogWriter(sampleDirectory(storage), { epoch: 3 });
  appendAll(writer, [begin!]);
  writer.sync();
  const first = storage.files.get(firstSegment)!.length;
  appendAll(writer, more);
  writer.sync();
  return { storage, writer, first, second: storage.files.get(firstSegment)!.length };
}

function read(storage: MemoryStorage): ReturnType<typeof readHead> {
  return readHead({ storage, path: 'memory', manifest: sampleLog(1).directory.manifest } as never);
}

describe('head record', () => {
  it('says how far the log was synced, in turn in both slots', () => {
    const { storage, first, second } = syncedTwice();
    const head = read(storage);
    assert.deepEqual(
      [head.generation, head.epoch, head.segment, head.offset, head.tick],
      [2, 3, 0, second, 3],
    );
    storage.files.get(headFile)!.fill(0, 0, slotBytes);
    const older = read(storage);
    assert.deepEqual([older.generation, older.offset, older.tick], [1, first, 0]);
  });

  it('is written only after the log was synced, and synced before the sync is done', () => {
    const { storage } = syncedTwice();
    const order = storage.calls.filter((call) => /^(sync|write) (head|events)/.test(call)).slice(-3);
    assert.deepEqual(order, [`sync ${firstSegment}`, 'write head', 'sync head']);
  });

  it('is looked for where it was, at the end and now and then: files of a folder that is gone take every write', (t) => {
    if (process.platform === 'win32') return t.skip('an open file keeps its folder there');
    const root = mkdtempSync(join(tmpdir(), 'wasm-engine-gone-'));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const syncedIn = (folder: string): EventLogWriter => {
      const writer = new EventLogWriter(sampleDirectory(nodeStorage(folder)));
      appendAll(writer, [begin!]);
      writer.sync();
      return writer;
    };
    const gone = { code: 'host-fault', message: / moved, removed or replaced/ };
    const removed = syncedIn(join(root, 'removed'));
    rmSync(join(root, 'removed'), { recursive: true });
    assert.throws(() => removed.close(), gone);
    removed.abandon();
    const replaced = syncedIn(join(root, 'replaced'));
    writeFileSync(join(root, 'other'), encodeHeadFile(firstHead('f'.repeat(32), 0)));
    renameSync(join(root, 'other'), join(root, 'replaced', headFile));
    assert.throws(() => replaced.close(), gone);
    replaced.abandon();
    const long = syncedIn(join(root, 'long'));
    rmSync(join(root, 'long', headFile));
    let synced = 0;
    assert.throws(() => {
      for (; synced < 1000; synced++) {
        appendAll(long, [begin!]);
        long.sync();
      }
    }, gone);
    assert.ok(synced < 100, `${synced} syncs went nowhere`);
    long.abandon();
  });

  it('tells of what was there when a sync aside began, not of what came meanwhile', async () => {
    const storage = new MemoryStorage();
    const writer = new EventLogWriter(sampleDirectory(storage));
    appendAll(writer, [begin!]);
    const syncing = writer.beginSync();
    const size = storage.files.get(firstSegment)!.length;
    appendAll(writer, more);
    writer.flush();
    assert.equal(read(storage).offset, 0);
    await syncing;
    assert.equal(read(storage).offset, size);
    writer.sync();
    writer.close();
    assert.equal(read(storage).offset, storage.files.get(firstSegment)!.length);
  });

  it('does not go back where a sync aside is done after a later one', async () => {
    const storage = new MemoryStorage();
    const writer = new EventLogWriter(sampleDirectory(storage));
    appendAll(writer, [begin!]);
    const syncing = writer.beginSync();
    appendAll(writer, more);
    writer.sync();
    const { offset } = read(storage);
    await syncing;
    assert.equal(read(storage).offset, offset);
  });

  it('makes the newer slot durable before it writes over the older one, which may be all that is on the disk', () => {
    const { storage, writer } = syncedTwice();
    writer.close();
    const directory = openRunDirectory('memory', storage);
    const { generation, runId: _, epoch, ...reach } = readHead(directory);
    const before = storage.files.get('head')!.slice();
    const head = new HeadWriter(directory);
    storage.calls.length = 0;
    // The first write of the other slot fails: nothing but that one may be touched.
    storage.failAt = 3;
    assert.throws(() => head.write(epoch, reach), { code: 'host-fault' });
    assert.deepEqual(storage.calls.slice(0, 4), ['openUpdate head', 'write head', 'sync head', 'write head']);
    assert.deepEqual(storage.files.get('head'), before);
    assert.equal(readHead(directory).generation, generation);
  });

  it('tells nothing of a sync aside during which another sync failed', async () => {
    const storage = new MemoryStorage();
    const writer = new EventLogWriter(sampleDirectory(storage));
    appendAll(writer, [begin!]);
    const syncing = writer.beginSync();
    storage.failAt = storage.calls.length;
    storage.failures = 1;
    assert.throws(() => writer.sync(), { code: 'host-fault' });
    await assert.rejects(syncing, { code: 'host-fault' });
    assert.equal(read(storage).offset, 0);
  });

  it('falls back to the other slot where one is torn or changed anywhere, and goes on in the torn one', () => {
    const { storage, writer } = syncedTwice();
    writer.close();
    const original = storage.files.get(headFile)!;
    const newest = read(storage);
    const start = (newest.generation % 2) * slotBytes;
    for (let at = 0; at < slotBytes; at++) {
      const changed = original.slice();
      changed[start + at]! ^= 1 << (at % 8);
      storage.files.set(headFile, changed);
      assert.equal(read(storage).generation, newest.generation - 1, `byte ${at}`);
    }
    const after = checkEventLog(sampleDirectoryOf(storage));
    const next = new EventLogWriter(sampleDirectoryOf(storage), { after });
    appendAll(next, [begin!]);
    next.sync();
    assert.equal(read(storage).generation, newest.generation);
    assert.ok(
      !storage.files
        .get(headFile)!
        .slice(start)
        .every((byte, at) => byte === original[start + at]),
    );
  });

  it('is damage where neither slot is whole, where it is cut, missing or of another run', () => {
    const { storage } = syncedTwice();
    const original = storage.files.get(headFile)!;
    const refused = (bytes: Uint8Array<ArrayBuffer>, message: RegExp): void => {
      storage.files.set(headFile, bytes);
      assert.throws(() => read(storage), { code: 'record-damaged', message });
    };
    refused(new Uint8Array(2 * slotBytes), /neither of its two slots/);
    refused(original.slice(0, slotBytes), /it has 4096 bytes, wanted 8192/);
    refused(concatBytes([original, Uint8Array.of(0)]), /it has 8193 bytes/);
    refused(encodeHeadFile(firstHead('f'.repeat(32), 0)), /it is of run f{32}, and "run.json" says/);
    storage.files.delete(headFile);
    assert.throws(() => read(storage), { code: 'record-damaged', message: /it is missing/ });
  });

  it('finds a log that goes on from another point than it did', () => {
    const { storage, writer } = syncedTwice();
    writer.close();
    const other = sampleLog(9);
    storage.files.set(firstSegment, other.storage.files.get(firstSegment)!);
    assert.throws(() => readAll(sampleDirectoryOf(storage)), {
      code: 'record-damaged',
      message: /the head record tells of another log/,
    });
  });

  it('stops for good when a sync aside fails', async () => {
    for (const failing of [1, 2, 3]) {
      const storage = new MemoryStorage();
      const writer = new EventLogWriter(sampleDirectory(storage));
      appendAll(writer, [begin!]);
      writer.sync();
      appendAll(writer, more);
      writer.flush();
      // The sync of the log, the write of the head, its sync.
      storage.failAt = storage.calls.length + failing - 1;
      await assert.rejects(writer.beginSync(), { code: 'host-fault' });
      storage.failAt = Number.POSITIVE_INFINITY;
      appendAll(writer, more.slice(0, 1), 2);
      assert.throws(() => writer.sync(), { code: 'host-fault' });
      const calls = storage.calls.length;
      assert.throws(() => writer.sync(), { code: 'host-fault' });
      assert.equal(storage.calls.length, calls);
    }
  });
});

function sampleDirectoryOf(storage: MemoryStorage): Parameters<typeof checkEventLog>[0] {
  const { directory } = sampleLog(1);
  return Object.assign(Object.create(Object.getPrototypeOf(directory)), directory, { storage });
}
