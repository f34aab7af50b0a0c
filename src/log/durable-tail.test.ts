// What lies behind the head record is written again and synced before it is believed, whatever the calls that fail.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EngineError } from '../base/errors.ts';
import { makeTailDurable, noteDurable } from './durable-tail.ts';
import { checkEventLog } from './event-log-reader.ts';
import { EventLogWriter } from './event-log-writer.ts';
import { readHead } from './head-record.ts';
import { appendAll, sampleDirectory, sampleEvents } from './test-sample.ts';
import { MemoryStorage } from './test-storage.ts';

/** A log whose first event was synced, and whose others lie in segments of which the head record knows nothing. */
function unsyncedLog(): {
  storage: MemoryStorage;
  directory: ReturnType<typeof sampleDirectory>;
  from: number;
} {
  const storage = new MemoryStorage();
  const directory = sampleDirectory(storage);
  const writer = new EventLogWriter(directory, { segmentBytesMax: 6000, chunkBytesMax: 1000 });
  const [begin, ...more] = sampleEvents(6);
  appendAll(writer, [begin!]);
  writer.sync();
  const from = storage.files.get('events-000000.mcap')!.length;
  appendAll(writer, more);
  writer.flush();
  writer.abandon();
  return { storage, directory, from };
}

/** The bytes of the log, without the head record. */
function segmentsOf(storage: MemoryStorage): Map<string, Uint8Array> {
  const segments = [...storage.files].filter(([name]) => name.endsWith('.mcap'));
  return new Map(segments.map(([name, bytes]) => [name, bytes.slice()]));
}

describe('makeTailDurable', () => {
  it('writes every segment behind the head record again, as it was, and syncs files and folder', () => {
    const { storage, directory } = unsyncedLog();
    const names = [...storage.files.keys()].filter((name) => name.endsWith('.mcap'));
    assert.ok(names.length > 1);
    const before = segmentsOf(storage);
    const end = checkEventLog(directory);
    storage.calls.length = 0;
    storage.writeBytesMax = 700;
    makeTailDurable(directory, end);
    assert.deepEqual(segmentsOf(storage), before);
    const done = storage.calls.filter((call, i) => call !== storage.calls[i - 1]);
    const each = (name: string): string[] =>
      ['openUpdate', 'write', 'sync', 'close'].map((call) => `${call} ${name}`);
    assert.deepEqual(done, [...names.flatMap(each), 'syncFolder ']);
  });

  it('leaves alone what the head record knows to be durable', () => {
    const storage = new MemoryStorage();
    const directory = sampleDirectory(storage);
    const writer = new EventLogWriter(directory);
    appendAll(writer, sampleEvents(3));
    writer.close();
    const end = checkEventLog(directory);
    storage.calls.length = 0;
    makeTailDurable(directory, end);
    assert.deepEqual(storage.calls, []);
  });

  it('fails as a fault of the host at each call that fails, and changes no byte', () => {
    for (let call = 0; ; call++) {
      const { storage, directory } = unsyncedLog();
      const before = segmentsOf(storage);
      const end = checkEventLog(directory);
      const calls = storage.calls.length;
      storage.failAt = calls + call;
      let failed = true;
      try {
        makeTailDurable(directory, end);
        failed = false;
      } catch (error) {
        assert.ok(error instanceof EngineError && error.code === 'host-fault', String(error));
      }
      assert.deepEqual(segmentsOf(storage), before);
      if (!failed) return;
      assert.ok(call < 100);
    }
  });
});

describe('noteDurable', () => {
  it('says how far a log is durable: what changes then is damage', () => {
    const storage = new MemoryStorage();
    const directory = sampleDirectory(storage);
    const first = storage.files.get('head')!.slice();
    const writer = new EventLogWriter(directory, { segmentBytesMax: 6000, chunkBytesMax: 1000 });
    appendAll(writer, sampleEvents(6));
    writer.close();
    // As if the process had died before it wrote the record.
    storage.files.set('head', first);
    const end = checkEventLog(directory);
    noteDurable(directory, end);
    const { segment, offset, chain, messages, tick } = end;
    const { generation: _, runId: __, ...reach } = readHead(directory);
    assert.deepEqual(reach, { epoch: 0, segment, offset, chain, messages, tick });
    // Said already, perhaps by a process that died before that was on the disk: the same again, synced.
    const said = storage.files.get('head')!.slice();
    storage.calls.length = 0;
    noteDurable(directory, end);
    assert.deepEqual(storage.files.get('head'), said);
    assert.deepEqual(
      storage.calls,
      ['openUpdate', 'write', 'sync', 'close'].map((call) => `${call} head`),
    );
    storage.files.get('events-000001.mcap')![500]! ^= 1;
    assert.throws(() => checkEventLog(directory), { code: 'record-damaged' });
  });
});
