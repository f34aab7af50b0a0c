// Chunks whose CRC is right and whose content is not: every rule of the reader is tried by one that breaks it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import { EventLogWriter } from './event-log-writer.ts';
import { readAll, sampleDirectory } from './test-sample.ts';
import { MemoryStorage } from './test-storage.ts';

const name = 'events-000000.mcap';

/** A log of one unclosed chunk with a link and one event; `change` gets its bytes and where the chunk begins. */
function forged(change: (view: DataView, chunk: number, event: number) => void): () => unknown {
  const storage = new MemoryStorage();
  const directory = sampleDirectory(storage);
  const writer = new EventLogWriter(directory);
  writer.append('traces', 5, { tick: 5, transcript: new Uint8Array(10) });
  writer.sync();
  const bytes = storage.files.get(name)!;
  const view = new DataView(bytes.buffer);
  let chunk = 8;
  while (bytes[chunk] !== 6) chunk += 9 + view.getUint32(chunk + 1, true);
  const event = chunk + 49 + 9 + view.getUint32(chunk + 50, true);
  change(view, chunk, event);
  const records = bytes.subarray(chunk + 49, chunk + 49 + view.getUint32(chunk + 25, true));
  view.setUint32(chunk + 33, crc32(records), true);
  return () => readAll(directory);
}

const cases: Readonly<
  Record<string, readonly [RegExp, (view: DataView, chunk: number, event: number) => void]>
> = {
  'a record that is no message': [/not a message/, (view, _, event) => view.setUint8(event, 4)],
  'a message longer than its chunk': [/wrong length/, (view, _, event) => view.setUint8(event + 1, 200)],
  'a message shorter than its head': [/wrong length/, (view, _, event) => view.setUint8(event + 1, 3)],
  'a channel that is not declared': [/channel 99 was not/, (view, _, event) => view.setUint8(event + 9, 99)],
  'a message out of sequence': [/out of sequence/, (view, _, event) => view.setUint8(event + 11, 7)],
  'two times of a message': [/two times/, (view, _, event) => view.setUint8(event + 23, 6)],
  'ticks that are not those of the chunk': [/ticks of a chunk/, (view, chunk) => view.setUint8(chunk + 9, 1)],
  'a last tick that is not that of the chunk': [
    /ticks of a chunk/,
    (view, chunk) => view.setUint8(chunk + 17, 6),
  ],
  'a chunk that does not begin with the chain': [
    /does not stand first/,
    (view, chunk) => view.setUint8(chunk + 49 + 9, 11),
  ],
  'a second link in a chunk': [/does not stand first/, (view, _, event) => view.setUint8(event + 9, 1)],
  'a link that is not the hash of what stands before': [
    /chain is broken/,
    (view, chunk) => view.setUint8(chunk + 49 + 40, view.getUint8(chunk + 49 + 40) ^ 1),
  ],
  'a link that cannot be read': [
    /Cannot read a Chain message/,
    (view, chunk) => view.setUint8(chunk + 49 + 31, 0x0b),
  ],
  'a compression that it does not know': [/compressed/, (view, chunk) => view.setUint8(chunk + 37, 4)],
};

describe('segment reader', () => {
  it('reads the chunk as it was', () => {
    assert.doesNotThrow(forged(() => {}));
  });

  for (const [what, [message, change]] of Object.entries(cases)) {
    it(`refuses ${what}`, () => {
      assert.throws(forged(change), { code: 'record-damaged', message });
    });
  }
});
