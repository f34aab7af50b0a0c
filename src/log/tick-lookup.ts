// The digest of one tick, found by the heads of chunks, without reading what lies between. Nothing but the chunk of the
// tick is checked: it is for whoever reads the log afterwards, up to the tick at least. It answers only of segments
// that are closed, where a chunk that stands there counts.

import { crc32 } from 'node:zlib';
import { bytesEqual } from '../base/encoding.ts';
import { channelList, decodeEvent } from './channels.ts';
import { chunkEvents } from './chunk-events.ts';
import { openFile, readRange } from './files.ts';
import { chunkHeadSize, mcapMagic, Opcode, recordHeadSize, uint64 } from './mcap-records.ts';
import { type RunDirectory, segmentName } from './run-directory.ts';
import type { ReadHandle } from './storage.ts';

const names: (string | undefined)[] = [];
for (const { id, name } of channelList) names[id] = name;
const onlyDigests = new Set(['digests']);
/** Of a chunk's record, up to the ticks of its first and last event. */
const ticksEnd = 25;

/** `unknown`: closed segments do not tell, or not as they should; then all of the log has to be read. */
export function findDigest(directory: RunDirectory, tick: number): Uint8Array | 'unknown' {
  const { storage } = directory;
  for (const number of directory.segments()) {
    const handle = openFile(storage, segmentName(number));
    if (handle === undefined) return 'unknown';
    try {
      const found = findInSegment(handle, number, tick);
      if (found !== undefined) return found;
    } finally {
      handle.close();
    }
  }
  return 'unknown';
}

function findInSegment(handle: ReadHandle, number: number, tick: number): Uint8Array | 'unknown' | undefined {
  const size = handle.size();
  const magic = Uint8Array.from(mcapMagic);
  if (size < 64 || !bytesEqual(readRange(handle, size - magic.length, magic.length), magic)) return 'unknown';
  for (let at = magic.length; at + ticksEnd <= size; ) {
    const head = readRange(handle, at, ticksEnd);
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const end = at + recordHeadSize + uint64(view, 1);
    if (head[0] === Opcode.dataEnd) return undefined;
    if (end > size) return 'unknown';
    if (head[0] === Opcode.chunk && uint64(view, 9) <= tick && tick <= uint64(view, 17)) {
      const found = findInChunk(readRange(handle, at, end - at), number, tick);
      if (found !== undefined) return found;
    }
    at = end;
  }
  return 'unknown';
}

function findInChunk(
  record: Uint8Array<ArrayBuffer>,
  number: number,
  tick: number,
): Uint8Array | 'unknown' | undefined {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const records = record.subarray(chunkHeadSize);
  if (record.length < chunkHeadSize || crc32(records) !== view.getUint32(33, true)) return 'unknown';
  const chunk = {
    offset: 0,
    records,
    view: new DataView(records.buffer, records.byteOffset, records.byteLength),
  };
  for (const event of chunkEvents(chunk, names, number, { from: tick, wanted: onlyDigests })) {
    if (event.tick === tick) return decodeEvent('digests', event.payload).digest.slice();
  }
  return undefined;
}
