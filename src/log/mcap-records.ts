// The records of MCAP (mcap.dev/spec) that a log uses, as bytes. Pure; what it writes the reader derives again.

import { encodeUtf8 } from '../base/encoding.ts';
import type { ByteWriter } from './byte-writer.ts';
import { type Channel, channelList, schemaName } from './channels.ts';
import { descriptorSet } from './descriptor.ts';

export const mcapMagic: readonly number[] = [0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a];

export const Opcode = {
  header: 0x01,
  footer: 0x02,
  schema: 0x03,
  channel: 0x04,
  message: 0x05,
  chunk: 0x06,
  messageIndex: 0x07,
  chunkIndex: 0x08,
  statistics: 0x0b,
  summaryOffset: 0x0e,
  dataEnd: 0x0f,
} as const;

/** Bytes before the content of a record: opcode and length. */
export const recordHeadSize = 9;
/** Bytes before the messages of an uncompressed chunk, the head of the record included. */
export const chunkHeadSize = 49;
/** Bytes before the payload of a message, the head of the record included. */
export const messageHeadSize = 31;

/** The profile in the header of each segment; the number is the format of the log. */
export const logProfile = 'wasm-engine/1';

/** Begins a record; give what this answers to `endRecord`. */
export function beginRecord(writer: ByteWriter, opcode: number): number {
  writer.uint8(opcode);
  writer.uint64(0);
  return writer.position;
}

export function endRecord(writer: ByteWriter, start: number): void {
  writer.uint64At(start - 8, writer.position - start);
}

function text(writer: ByteWriter, value: string): void {
  const bytes = encodeUtf8(value);
  writer.uint32(bytes.length);
  writer.raw(bytes);
}

/** What a segment begins with: magic, header, every schema and channel. */
export function writePrelude(writer: ByteWriter, library: string): void {
  writer.raw(Uint8Array.from(mcapMagic));
  const start = beginRecord(writer, Opcode.header);
  text(writer, logProfile);
  text(writer, library);
  endRecord(writer, start);
  for (const channel of channelList) writeSchema(writer, channel);
  for (const channel of channelList) writeChannel(writer, channel);
}

function writeSchema(writer: ByteWriter, channel: Channel): void {
  const start = beginRecord(writer, Opcode.schema);
  writer.uint16(channel.id);
  text(writer, schemaName(channel));
  text(writer, 'protobuf');
  const schema = descriptorSet(channel.table);
  writer.uint32(schema.length);
  writer.raw(schema);
  endRecord(writer, start);
}

function writeChannel(writer: ByteWriter, channel: Channel): void {
  const start = beginRecord(writer, Opcode.channel);
  writer.uint16(channel.id);
  writer.uint16(channel.id);
  text(writer, channel.name);
  text(writer, 'protobuf');
  writer.uint32(0);
  endRecord(writer, start);
}

export interface ChunkFacts {
  readonly startTick: number;
  readonly endTick: number;
  /** Bytes of the messages. */
  readonly size: number;
  readonly crc: number;
}

/** Writes the head of an uncompressed chunk at the writer's position. */
export function writeChunkHead(writer: ByteWriter, facts: ChunkFacts): void {
  writer.uint8(Opcode.chunk);
  writer.uint64(chunkHeadSize - recordHeadSize + facts.size);
  writer.uint64(facts.startTick);
  writer.uint64(facts.endTick);
  writer.uint64(facts.size);
  writer.uint32(facts.crc);
  writer.uint32(0);
  writer.uint64(facts.size);
}

export interface ChunkIndexFacts extends ChunkFacts {
  /** Where the chunk's record begins in the file. */
  readonly offset: number;
  /** Identities of channels with the offsets of their message indexes. */
  readonly indexOffsets: readonly (readonly [id: number, offset: number])[];
  readonly indexSize: number;
}

export function writeChunkIndex(writer: ByteWriter, facts: ChunkIndexFacts): void {
  const start = beginRecord(writer, Opcode.chunkIndex);
  writer.uint64(facts.startTick);
  writer.uint64(facts.endTick);
  writer.uint64(facts.offset);
  writer.uint64(chunkHeadSize + facts.size);
  writer.uint32(facts.indexOffsets.length * 10);
  for (const [id, offset] of facts.indexOffsets) {
    writer.uint16(id);
    writer.uint64(offset);
  }
  writer.uint64(facts.indexSize);
  text(writer, '');
  writer.uint64(facts.size);
  writer.uint64(facts.size);
  endRecord(writer, start);
}

export interface StatisticsFacts {
  readonly schemas: number;
  readonly channels: number;
  readonly chunks: number;
  readonly startTick: number;
  readonly endTick: number;
  /** Messages by identity of channel. */
  readonly counts: readonly number[];
}

export function writeStatistics(writer: ByteWriter, facts: StatisticsFacts): void {
  const start = beginRecord(writer, Opcode.statistics);
  const counted = facts.counts.map((count, id) => [id, count] as const).filter(([, count]) => count > 0);
  writer.uint64(counted.reduce((sum, [, count]) => sum + count, 0));
  writer.uint16(facts.schemas);
  writer.uint32(facts.channels);
  writer.uint32(0);
  writer.uint32(0);
  writer.uint32(facts.chunks);
  writer.uint64(facts.startTick);
  writer.uint64(facts.endTick);
  writer.uint32(counted.length * 10);
  for (const [id, count] of counted) {
    writer.uint16(id);
    writer.uint64(count);
  }
  endRecord(writer, start);
}

export function writeSummaryOffset(writer: ByteWriter, opcode: number, offset: number, size: number): void {
  const start = beginRecord(writer, Opcode.summaryOffset);
  writer.uint8(opcode);
  writer.uint64(offset);
  writer.uint64(size);
  endRecord(writer, start);
}

/** Eight bytes as a number; what is above 2^53 comes out inexact and is refused by every comparison. */
export function uint64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 4_294_967_296 + view.getUint32(offset, true);
}
