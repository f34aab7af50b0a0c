// A digest that is found by the heads of chunks is the one that reading all of the log gives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkEventLog, decodeEvent, EventLogWriter, findDigest, readEvents } from './index.ts';
import { sampleDirectory, sampleEvents } from './test-sample.ts';
import { MemoryStorage } from './test-storage.ts';

function written(close: boolean): { storage: MemoryStorage; directory: ReturnType<typeof sampleDirectory> } {
  const storage = new MemoryStorage();
  const directory = sampleDirectory(storage);
  const log = new EventLogWriter(directory, { chunkBytesMax: 300, segmentBytesMax: 9000 });
  // Ticks that are jumped over lie within the span of a chunk, and in none.
  for (const [channel, tick, value] of sampleEvents(40)) {
    if (tick % 7 !== 0) log.append(channel, tick, value as never);
    if (tick % 5 === 0 && channel === 'digests') log.flush();
  }
  if (close) log.close();
  else log.sync();
  return { storage, directory };
}

test('every tick has the digest that the reader gives, over all segments', () => {
  const { directory } = written(true);
  assert.ok(checkEventLog(directory).segment > 1);
  const digests = new Map<number, Uint8Array>();
  for (const { tick, payload } of readEvents(directory, { channels: ['digests'] }))
    digests.set(tick, decodeEvent('digests', payload).digest.slice());
  assert.ok(digests.size > 20);
  for (let tick = 0; tick <= 50; tick++)
    assert.deepEqual(findDigest(directory, tick), digests.get(tick) ?? 'unknown', `tick ${tick}`);
});

test('a segment that is not closed, was cut or changed says nothing', () => {
  const last = findLast(written(false).directory);
  assert.equal(last, 'unknown');
  const { storage, directory } = written(true);
  for (const [name, bytes] of storage.files) {
    if (name.endsWith('.mcap')) storage.files.set(name, bytes.slice(0, bytes.length - 9));
  }
  assert.equal(findDigest(directory, 20), 'unknown');
});

function findLast(directory: ReturnType<typeof sampleDirectory>): ReturnType<typeof findDigest> {
  let last = 0;
  for (const { tick } of readEvents(directory, { channels: ['digests'] })) last = tick;
  return findDigest(directory, last);
}
