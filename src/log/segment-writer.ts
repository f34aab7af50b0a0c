// Writes one segment of the log: events into a chunk buffer, whole chunks to the file. It never changes what is
// written.

import { crc32 } from 'node:zlib';
import { assert } from '../base/errors.ts';
import type { ByteWriter } from './byte-writer.ts';
import { chainNext } from './chain.ts';
import { channels } from './channels.ts';
import { chainTable } from './events.ts';
import type { AppendFile } from './files.ts';
import { chunkHeadSize, messageHeadSize, Opcode, recordHeadSize, writeChunkHead } from './mcap-records.ts';
import { encodeTo } from './message.ts';
import type { SegmentIndex } from './segment-index.ts';

/** What goes on from segment to segment. */
export interface LogState {
  /** Hash of all that was written. */
  chain: Uint8Array<ArrayBuffer>;
  /** Messages so far, those of the channel `chain` included. */
  messages: number;
  /** Tick of the last message. */
  tick: number;
}

export class SegmentWriter {
  readonly #file: AppendFile;
  readonly #number: number;
  readonly #index: SegmentIndex;
  readonly #state: LogState;
  readonly #chunk: ByteWriter;
  /** Where the next chunk begins in the file. */
  #position: number;
  /** Where the next message begins in the chunk's buffer; what stands behind it is of an event that failed. */
  #end: number = chunkHeadSize;

  /** `position` is the size of the file; `index` and `state` stand there. */
  constructor(
    file: AppendFile,
    number: number,
    index: SegmentIndex,
    position: number,
    state: LogState,
    buffer: ByteWriter,
  ) {
    this.#file = file;
    this.#number = number;
    this.#index = index;
    this.#position = position;
    this.#state = state;
    this.#chunk = buffer;
  }

  /** Bytes of the file so far. */
  get position(): number {
    return this.#position;
  }

  get chunks(): number {
    return this.#index.chunks;
  }

  /** Bytes of the chunk that is being built. */
  get pending(): number {
    return this.#end - chunkHeadSize;
  }

  append<T>(id: number, tick: number, encode: (writer: ByteWriter, value: T) => void, value: T): void {
    if (this.#end === chunkHeadSize) this.#beginChunk();
    this.#message(id, tick, encode, value);
  }

  #beginChunk(): void {
    const link = { sha256: this.#state.chain, segment: this.#number, chunk: this.#index.chunks };
    this.#message(channels.chain.id, this.#state.tick, encodeLink, link);
  }

  #message<T>(id: number, tick: number, encode: (writer: ByteWriter, value: T) => void, value: T): void {
    const chunk = this.#chunk;
    const start = this.#end;
    chunk.position = start;
    chunk.reserve(messageHeadSize);
    chunk.position = start + messageHeadSize;
    encode(chunk, value);
    const view = chunk.view;
    const size = chunk.position - start - recordHeadSize;
    view.setUint8(start, Opcode.message);
    view.setUint32(start + 1, size, true);
    view.setUint32(start + 5, 0, true);
    view.setUint16(start + 9, id, true);
    view.setUint32(start + 11, this.#state.messages >>> 0, true);
    chunk.uint64At(start + 15, tick);
    chunk.uint64At(start + 23, tick);
    this.#index.add(id, tick, start - chunkHeadSize);
    this.#state.messages++;
    this.#state.tick = tick;
    this.#end = chunk.position;
  }

  /** Ends the chunk and writes it with its indexes, in one call of the file. */
  flush(): void {
    if (this.#end === chunkHeadSize) return;
    const chunk = this.#chunk;
    const size = this.#end - chunkHeadSize;
    const crc = crc32(chunk.bytes.subarray(chunkHeadSize, this.#end));
    const facts = { startTick: this.#index.chunkStartTick, endTick: this.#index.chunkEndTick, size, crc };
    chunk.position = 0;
    writeChunkHead(chunk, facts);
    assert(chunk.position === chunkHeadSize, 'the head of a chunk has its size');
    chunk.position = this.#end;
    this.#index.writeIndexes(chunk, this.#position, facts);
    const written = chunk.written();
    this.#file.write(written);
    this.#state.chain = chainNext(this.#state.chain, written.subarray(0, this.#end));
    this.#index.keepChunk();
    this.#index.cover(written.subarray(0, chunkHeadSize));
    this.#index.coverSummed(written.subarray(chunkHeadSize, this.#end), crc);
    this.#index.cover(written.subarray(this.#end));
    this.#position += written.length;
    this.#end = chunkHeadSize;
  }

  /** Makes all that was flushed durable. */
  sync(): void {
    this.#file.sync();
  }

  /** As `sync`; the thread goes on while the disk works. */
  beginSync(): Promise<void> {
    return this.#file.beginSync();
  }

  /** Writes a last chunk with nothing but the chain, then summary and footer; syncs and closes the file. */
  close(): void {
    this.flush();
    this.#beginChunk();
    this.flush();
    const closing = this.#index.closing(this.#position);
    this.#file.write(closing);
    this.#position += closing.length;
    this.#file.sync();
    this.#file.close();
  }

  abandon(): void {
    this.#file.abandon();
  }
}

function encodeLink(writer: ByteWriter, link: { sha256: Uint8Array; segment: number; chunk: number }): void {
  encodeTo(writer, chainTable, link);
}
