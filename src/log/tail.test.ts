// Handles are given back whatever call fails: a program that tries again and again does not run out of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../base/errors.ts';
import { checkEventLog } from './event-log-reader.ts';
import { EventLogWriter } from './event-log-writer.ts';
import { AppendFile } from './files.ts';
import { truncateTail } from './tail.ts';
import { appendAll, sampleDirectory, sampleEvents } from './test-sample.ts';
import { MemoryStorage } from './test-storage.ts';

test('cutting a torn tail gives every file back, at whatever call it fails', () => {
  for (let call = 0; ; call++) {
    const storage = new MemoryStorage();
    const directory = sampleDirectory(storage);
    const writer = new EventLogWriter(directory, { chunkBytesMax: 1000 });
    appendAll(writer, sampleEvents(4));
    writer.flush();
    writer.abandon();
    const name = 'events-000000.mcap';
    storage.files.set(name, storage.files.get(name)!.slice(0, -7));
    const end = checkEventLog(directory);
    storage.calls.length = 0;
    storage.failAt = call;
    let failed = false;
    try {
      truncateTail(directory, end);
    } catch (error) {
      assert.ok(error instanceof EngineError && error.code === 'host-fault', String(error));
      failed = true;
    }
    const opened = storage.calls.filter((each, i) => /^(create|openAppend) /.test(each) && i < call);
    const closed = new Set(storage.calls.filter((each) => each.startsWith('close ')));
    const wanted = opened.map((each) => each.replace(/^\w+/, 'close'));
    assert.deepEqual([...closed].sort(), wanted.sort(), `call ${call}: ${storage.calls}`);
    assert.equal(storage.openCount, 0);
    if (!failed) return;
    assert.ok(call < 100);
  }
});

test('a file that was closed while a sync of it was under way is closed also where that fails', async () => {
  const storage = new MemoryStorage();
  const file = new AppendFile(storage, 'x', 'create');
  storage.failAt = storage.calls.length;
  storage.failures = 1;
  const syncing = file.beginSync();
  file.close();
  await assert.rejects(syncing, { code: 'host-fault' });
  assert.deepEqual(storage.calls, ['create x', 'sync x', 'close x']);
});
