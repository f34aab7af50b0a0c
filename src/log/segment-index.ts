// What MCAP keeps of a segment beside its messages: indexes, statistics, summary, CRC. The writer writes what this
// derives, the reader derives it again and compares; so no byte outside the chunks can change unseen.

import { crc32 } from 'node:zlib';
import { assert } from '../base/errors.ts';
import { ByteWriter } from './byte-writer.ts';
import { combineCrc } from './combine-crc.ts';
import {
  beginRecord,
  type ChunkFacts,
  type ChunkIndexFacts,
  chunkHeadSize,
  endRecord,
  mcapMagic,
  Opcode,
  writeChunkIndex,
  writeStatistics,
  writeSummaryOffset,
} from './mcap-records.ts';
import type { Prelude } from './prelude.ts';

/** Bytes of an entry of a message index: tick and offset. */
const entrySize = 16;

/** Fewer bytes are summed again sooner than two sums are combined. */
const combinedBytesMin = 8192;

/** Gathers the indexes of one segment, chunk after chunk. */
export class SegmentIndex {
  /** Schemas and channels, as they stand in the prelude; the summary repeats them. */
  readonly #schemas: Uint8Array;
  readonly #channels: Uint8Array;
  readonly #schemaCount: number;
  readonly #channelCount: number;
  /** By identity of channel: entries of the chunk that is being gathered. */
  readonly #entries: ByteWriter[] = [];
  readonly #counts: number[] = [];
  readonly #chunkIndexes = new ByteWriter(1024);
  #pending: (ChunkIndexFacts & { readonly counts: readonly (readonly [number, number])[] }) | undefined;
  #chunks = 0;
  #chunkStart = 0;
  #chunkEnd = 0;
  #chunkEmpty = true;
  #start = 0;
  #end = 0;
  #crc = 0;

  constructor(prelude: Prelude) {
    this.#schemas = prelude.schemas;
    this.#channels = prelude.channels;
    this.#schemaCount = prelude.schemaCount;
    this.#channelCount = prelude.channelCount;
    for (let id = 0; id <= prelude.channelIdMax; id++) {
      this.#entries.push(new ByteWriter(entrySize));
      this.#counts.push(0);
    }
    this.cover(prelude.bytes);
  }

  /** Chunks gathered so far. */
  get chunks(): number {
    return this.#chunks;
  }

  get chunkStartTick(): number {
    return this.#chunkStart;
  }

  get chunkEndTick(): number {
    return this.#chunkEnd;
  }

  /** Takes bytes of the file into the CRC of the data section; in order, each byte once. */
  cover(bytes: Uint8Array): void {
    this.#crc = crc32(bytes, this.#crc);
  }

  /** As `cover`, for bytes whose CRC is known. */
  coverSummed(bytes: Uint8Array, crc: number): void {
    if (bytes.length < combinedBytesMin) this.cover(bytes);
    else this.#crc = combineCrc(this.#crc, crc, bytes.length);
  }

  /** A message of the chunk, at an offset within the chunk's messages. */
  add(id: number, tick: number, offset: number): void {
    const entries = this.#entries[id]!;
    entries.uint64(tick);
    entries.uint64(offset);
    if (this.#chunkEmpty) {
      this.#chunkEmpty = false;
      this.#chunkStart = tick;
      this.#chunkEnd = tick;
    } else if (tick < this.#chunkStart) this.#chunkStart = tick;
    else if (tick > this.#chunkEnd) this.#chunkEnd = tick;
  }

  /** Appends the message indexes of a chunk that begins at `offset` of the file; they follow it there. */
  writeIndexes(writer: ByteWriter, offset: number, facts: ChunkFacts): void {
    const begin = writer.position;
    const indexOffsets: (readonly [number, number])[] = [];
    const counts: (readonly [number, number])[] = [];
    for (let id = 0; id < this.#entries.length; id++) {
      const entries = this.#entries[id]!;
      if (entries.position === 0) continue;
      indexOffsets.push([id, offset + chunkHeadSize + facts.size + writer.position - begin]);
      counts.push([id, entries.position / entrySize]);
      const start = beginRecord(writer, Opcode.messageIndex);
      writer.uint16(id);
      writer.uint32(entries.position);
      writer.raw(entries.written());
      endRecord(writer, start);
    }
    this.#pending = { ...facts, offset, indexOffsets, indexSize: writer.position - begin, counts };
  }

  /** Keeps the chunk whose indexes were written: it is in the file. */
  keepChunk(): void {
    const facts = this.#pending;
    assert(facts !== undefined, 'a chunk is kept after its indexes are written');
    writeChunkIndex(this.#chunkIndexes, facts);
    for (const [id, count] of facts.counts) this.#counts[id] = this.#counts[id]! + count;
    if (this.#chunks === 0 || facts.startTick < this.#start) this.#start = facts.startTick;
    if (this.#chunks === 0 || facts.endTick > this.#end) this.#end = facts.endTick;
    this.#chunks++;
    this.dropChunk();
  }

  /** Forgets the chunk that is being gathered. */
  dropChunk(): void {
    for (const entries of this.#entries) entries.position = 0;
    this.#chunkEmpty = true;
    this.#pending = undefined;
  }

  /** All that follows the last chunk of a closed segment, at `offset` of the file: data end, summary, footer, magic. */
  closing(offset: number): Uint8Array<ArrayBuffer> {
    const writer = new ByteWriter(this.#chunkIndexes.position + this.#schemas.length + 1024);
    const dataEnd = beginRecord(writer, Opcode.dataEnd);
    writer.uint32(this.#crc);
    endRecord(writer, dataEnd);
    const summary = writer.position;
    const groups: (readonly [number, number, number])[] = [];
    const group = (opcode: number, write: () => void): void => {
      const start = writer.position;
      write();
      groups.push([opcode, offset + start, writer.position - start]);
    };
    group(Opcode.schema, () => writer.raw(this.#schemas));
    group(Opcode.channel, () => writer.raw(this.#channels));
    group(Opcode.statistics, () => this.#writeStatistics(writer));
    if (this.#chunks > 0) group(Opcode.chunkIndex, () => writer.raw(this.#chunkIndexes.written()));
    const offsets = writer.position;
    for (const [opcode, start, size] of groups) writeSummaryOffset(writer, opcode, start, size);
    writer.uint8(Opcode.footer);
    writer.uint64(20);
    writer.uint64(offset + summary);
    writer.uint64(offset + offsets);
    writer.uint32(crc32(writer.bytes.subarray(summary, writer.position)));
    writer.raw(Uint8Array.from(mcapMagic));
    return writer.bytes.slice(0, writer.position);
  }

  #writeStatistics(writer: ByteWriter): void {
    writeStatistics(writer, {
      schemas: this.#schemaCount,
      channels: this.#channelCount,
      chunks: this.#chunks,
      startTick: this.#start,
      endTick: this.#end,
      counts: this.#counts,
    });
  }
}
