// The log is written, read back, cut, changed and starved of storage, over a disk in memory and a real one.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { concatBytes, encodeHex } from '../base/encoding.ts';
import { EngineError } from '../base/errors.ts';
import { createRunDirectory } from './create-run-directory.ts';
import { checkEventLog, readEvents } from './event-log-reader.ts';
import { EventLogWriter } from './event-log-writer.ts';
import { openRunDirectory } from './open-run-directory.ts';
import { truncateTail } from './tail.ts';
import {
  appendAll,
  readAll,
  rewindHead,
  sampleConfig,
  sampleDirectory,
  sampleEvents,
  sampleLog,
  sampleManifest,
} from './test-sample.ts';
import { MemoryStorage } from './test-storage.ts';

const firstSegment = 'events-000000.mcap';

/** What reading answers: the events, or the details of the damage. */
function attempt(run: () => ReturnType<typeof readAll>): ReturnType<typeof readAll> | EngineError {
  try {
    return run();
  } catch (error) {
    if (error instanceof EngineError && error.code === 'record-damaged') return error;
    throw error;
  }
}

describe('event log', () => {
  it('gives back every event of every channel in order', () => {
    const { directory, events } = sampleLog(5);
    assert.deepEqual(readAll(directory), { events, complete: true });
  });

  it('goes on over segments, and the chain with it', () => {
    const { directory, events, storage } = sampleLog(20, { segmentBytesMax: 12_000 });
    assert.ok(directory.segments().length > 2);
    assert.deepEqual(readAll(directory), { events, complete: true });
    const second = storage.files.get('events-000001.mcap')!;
    storage.files.set('events-000001.mcap', storage.files.get('events-000002.mcap')!);
    assert.throws(() => readAll(directory), { code: 'record-damaged' });
    storage.files.set('events-000001.mcap', second);
    storage.files.delete('events-000000.mcap');
    assert.throws(() => readAll(directory), /"events-000000.mcap" is missing/);
  });

  it('gives only the channels and ticks asked for', () => {
    const { directory } = sampleLog(5);
    const found = [...readEvents(directory, { from: 3, channels: ['digests'] })];
    assert.deepEqual(
      found.map(({ channel, tick }) => [channel, tick]),
      [
        ['digests', 3],
        ['digests', 4],
      ],
    );
  });

  it('writes an event larger than a chunk', () => {
    const directory = sampleDirectory();
    const writer = new EventLogWriter(directory, { chunkBytesMax: 1000 });
    const payload = new Uint8Array(100_000).map((_, i) => i);
    writer.append('outputs', 7, { epoch: 0, tick: 7, index: 0, agent: 'a', payload });
    writer.close();
    const [event] = readAll(directory).events;
    assert.deepEqual((event![2] as { payload: Uint8Array }).payload, payload);
  });

  it('leaves no trace of an event whose encoding failed', () => {
    const directory = sampleDirectory();
    const writer = new EventLogWriter(directory);
    const good = { tick: 1, transcript: new Uint8Array(3) };
    assert.throws(() => writer.append('traces', 1, { ...good, tick: -1 }), { code: 'bug' });
    writer.append('traces', 1, good);
    writer.close();
    assert.deepEqual(readAll(directory).events, [['traces', 1, good]]);
  });

  it('finds any changed byte of a closed log, and says where', () => {
    const { directory, storage } = sampleLog(1);
    const original = storage.files.get(firstSegment)!;
    for (let at = 0; at < original.length; at++) {
      for (const mask of [1, 0x80, original[at]!]) {
        if (mask === 0) continue;
        const changed = original.slice();
        changed[at]! ^= mask;
        storage.files.set(firstSegment, changed);
        const answer = attempt(() => readAll(directory));
        assert.ok(answer instanceof EngineError, `byte ${at} of ${original.length} was changed unseen`);
        assert.equal(answer.details.file, firstSegment);
        assert.equal(typeof answer.details.offset, 'number');
      }
    }
  });

  it('finds any changed byte of a log without closing too, and takes none for a cut', () => {
    const storage = new MemoryStorage();
    const directory = sampleDirectory(storage);
    const writer = new EventLogWriter(directory);
    appendAll(writer, sampleEvents(1), 5);
    writer.sync();
    const original = storage.files.get(firstSegment)!;
    for (let at = 0; at < original.length; at++) {
      for (const mask of [1, 0x80]) {
        const changed = original.slice();
        changed[at]! ^= mask;
        storage.files.set(firstSegment, changed);
        const answer = attempt(() => readAll(directory));
        assert.ok(answer instanceof EngineError, `byte ${at} of ${original.length} was changed unseen`);
      }
    }
  });

  it('refuses what follows the closing of a segment', () => {
    const { directory, storage } = sampleLog(1);
    const original = storage.files.get(firstSegment)!;
    for (const more of [Uint8Array.of(0), Uint8Array.of(10), original]) {
      storage.files.set(firstSegment, concatBytes([original, more]));
      assert.throws(() => readAll(directory), { code: 'record-damaged', message: /something follows/ });
    }
  });

  it('takes zeros after the last chunk for a cut, as some file systems leave them', () => {
    const { directory, storage, events } = sampleLog(1);
    const closed = storage.files.get(firstSegment)!;
    const { offset } = checkEventLog(directory);
    assert.equal(offset, closed.length);
    rewindHead(storage);
    storage.files.set(firstSegment, closed.slice(0, closed.length - 8));
    const cut = checkEventLog(directory);
    storage.files.set(firstSegment, concatBytes([closed.slice(0, cut.offset), new Uint8Array(100_000)]));
    assert.deepEqual(readAll(directory), { events, complete: false });
    truncateTail(directory, checkEventLog(directory));
    assert.deepEqual(storage.files.get(`${firstSegment}.torn-${cut.offset}`), new Uint8Array(100_000));
    assert.deepEqual(readAll(directory), { events, complete: true });
  });

  it('refuses a log that is cut at any length below its head record, and says where it ends', () => {
    const { directory, storage } = sampleLog(1);
    const original = storage.files.get(firstSegment)!;
    for (let size = 0; size < original.length; size++) {
      storage.files.set(firstSegment, original.slice(0, size));
      const answer = attempt(() => readAll(directory));
      assert.ok(answer instanceof EngineError, `${size} bytes were taken for the whole log`);
      assert.equal(answer.details.file, firstSegment);
      assert.ok((answer.details.offset as number) <= size);
    }
    storage.files.delete(firstSegment);
    assert.throws(() => readAll(directory), {
      code: 'record-damaged',
      message: /it is missing, and the head/,
    });
  });

  it('heals whatever is wrong behind its head record: the tail counts for nothing, and a copy is kept', () => {
    const { storage: source, events } = sampleLog(1);
    const original = source.files.get(firstSegment)!;
    for (let at = 0; at < original.length; at += 3) {
      const storage = new MemoryStorage();
      const directory = sampleDirectory(storage);
      const changed = original.slice();
      changed[at]! ^= 0x10;
      storage.files.set(firstSegment, changed);
      const end = checkEventLog(directory);
      assert.ok(!end.complete && end.offset <= at, `byte ${at}`);
      truncateTail(directory, end);
      const answer = readAll(directory);
      assert.deepEqual(answer, { events: events.slice(0, answer.events.length), complete: true });
      assert.deepEqual(storage.files.get(`${firstSegment}.torn-${end.offset}`), changed.slice(end.offset));
    }
  });

  it('keeps the copies of several crashes at one place', () => {
    const { directory, storage } = sampleLog(1);
    const closed = storage.files.get(firstSegment)!;
    for (const more of [1, 2]) {
      rewindHead(storage);
      storage.files.set(firstSegment, closed.slice(0, 5000));
      const end = checkEventLog(directory);
      storage.files.set(firstSegment, concatBytes([closed.slice(0, end.offset), new Uint8Array(more)]));
      truncateTail(directory);
    }
    const copies = [...storage.files].filter(([name]) => name.includes('torn'));
    assert.deepEqual(
      copies.map(([, { length }]) => length),
      [1, 2],
    );
  });

  it('reads a log cut at any length up to its last whole chunk', () => {
    const { directory, storage, events } = sampleLog(2);
    rewindHead(storage);
    const original = storage.files.get(firstSegment)!;
    let longest = 0;
    for (let size = 0; size < original.length; size++) {
      storage.files.set(firstSegment, original.slice(0, size));
      const answer = readAll(directory);
      assert.equal(answer.complete, false);
      assert.ok(answer.events.length >= longest);
      longest = answer.events.length;
      assert.deepEqual(answer.events, events.slice(0, longest));
    }
    assert.equal(longest, events.length);
  });

  it('goes on after a tail torn at any length, and keeps what was cut', () => {
    const { storage: source, events } = sampleLog(1);
    const original = source.files.get(firstSegment)!;
    for (let size = 0; size < original.length; size += 7) {
      const storage = new MemoryStorage();
      const directory = sampleDirectory(storage);
      storage.files.set(firstSegment, original.slice(0, size));
      const end = checkEventLog(directory);
      const writer = new EventLogWriter(directory, { after: truncateTail(directory, end) });
      const more = sampleEvents(1);
      appendAll(writer, more);
      writer.close();
      const answer = readAll(directory);
      const kept = answer.events.length - more.length;
      assert.deepEqual(answer, { events: [...events.slice(0, kept), ...more], complete: true });
      if (end.offset < size) {
        const copy = storage.files.get(`${firstSegment}.torn-${end.offset}`);
        assert.deepEqual(copy, original.slice(end.offset, size));
      }
    }
  });

  it('says that a log is not complete while it is written', () => {
    const directory = sampleDirectory();
    const writer = new EventLogWriter(directory);
    const events = sampleEvents(3);
    appendAll(writer, events.slice(0, 8));
    assert.deepEqual(readAll(directory), { events: events.slice(0, 8), complete: false });
    appendAll(writer, events.slice(8));
    writer.close();
    assert.deepEqual(readAll(directory), { events, complete: true });
  });

  it('reads the same over a storage that writes seven bytes at a time', () => {
    const storage = new MemoryStorage();
    storage.writeBytesMax = 7;
    const directory = sampleDirectory(storage);
    const writer = new EventLogWriter(directory);
    appendAll(writer, sampleEvents(2));
    writer.close();
    assert.deepEqual(storage.files, sampleLog(2).storage.files);
  });

  it('stops for good at the first call of the storage that fails, whichever it is', () => {
    const run = (storage: MemoryStorage): void => {
      const writer = new EventLogWriter(sampleDirectory(storage), { segmentBytesMax: 8000 });
      appendAll(writer, sampleEvents(4));
      writer.sync();
      writer.close();
    };
    const whole = new MemoryStorage();
    run(whole);
    for (let failAt = 0; failAt < whole.calls.length; failAt++) {
      const storage = new MemoryStorage();
      storage.failAt = failAt;
      // The first call makes the folder: a wrong place is no fault of the host.
      const code = failAt === 0 ? 'run-directory-invalid' : 'host-fault';
      assert.throws(() => run(storage), { code, message: /no space left/ }, whole.calls[failAt]!);
    }
  });

  it('is never written again after a failed sync', () => {
    const storage = new MemoryStorage();
    const writer = new EventLogWriter(sampleDirectory(storage));
    appendAll(writer, sampleEvents(1));
    storage.failAt = storage.calls.length + 1;
    assert.throws(() => writer.sync(), { code: 'host-fault' });
    const before = storage.calls.length;
    storage.failAt = Number.POSITIVE_INFINITY;
    assert.throws(() => writer.sync(), { code: 'host-fault' });
    assert.throws(() => writer.close(), { code: 'host-fault' });
    assert.equal(storage.calls.length, before);
  });

  it('is the same on a real disk', () => {
    const path = mkdtempSync(join(tmpdir(), 'wasm-engine-log-'));
    try {
      const run = join(path, 'run');
      const made = createRunDirectory(run, {
        manifest: sampleManifest,
        config: sampleConfig,
        modules: new Map(),
      });
      const writer = new EventLogWriter(made);
      const events = sampleEvents(3);
      appendAll(writer, events);
      writer.sync();
      const opened = openRunDirectory(run);
      assert.equal(readAll(opened).complete, false);
      const end = checkEventLog(opened);
      writer.abandon();
      truncateTail(opened, end);
      assert.deepEqual(readAll(opened), { events, complete: true });
      assert.equal(encodeHex(opened.config()), encodeHex(sampleConfig));
    } finally {
      rmSync(path, { recursive: true });
    }
  });
});
