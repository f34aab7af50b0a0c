// Reads one segment of the log chunk by chunk and believes nothing: CRC, chain, indexes and summary are derived again
// and compared. It tells what was cut off (a crash does that) from what was changed (never passed over).

import { crc32 } from 'node:zlib';
import { bytesEqual, encodeHex } from '../base/encoding.ts';
import { EngineError } from '../base/errors.ts';
import { ByteWriter } from './byte-writer.ts';
import { chainNext } from './chain.ts';
import { channels } from './channels.ts';
import type { CheckedChunk } from './chunk-events.ts';
import { chainTable } from './events.ts';
import { readInto, readRange } from './files.ts';
import { chunkHeadSize, mcapMagic, messageHeadSize, Opcode, recordHeadSize, uint64 } from './mcap-records.ts';
import { decodeMessage } from './message.ts';
import { type Prelude, parsePrelude } from './prelude.ts';
import { SegmentIndex } from './segment-index.ts';
import type { LogState } from './segment-writer.ts';
import type { ReadHandle } from './storage.ts';

/** Enough for the beginning of any segment. */
const preludeBytesMax = 262_144;

export interface SegmentPlace {
  /** Names of file and folder, for messages. */
  readonly name: string;
  readonly folder: string;
  readonly number: number;
  /** Whether no segment follows: only then may the file be cut off. */
  readonly last: boolean;
  /** Bytes that are known to be durable. What is wrong behind them is a tail that a crash tore. */
  readonly durableBytes: number;
}

/** Thrown and caught here alone: the rest of the segment counts for nothing. */
class TornTail {}

export class SegmentReader {
  readonly #handle: ReadHandle;
  readonly #place: SegmentPlace;
  readonly #state: LogState;
  readonly #start: LogState;
  /** Indexes of a chunk as they must be. */
  readonly #derived: ByteWriter = new ByteWriter(4096);
  #found: Uint8Array = new Uint8Array(0);
  readonly #size: number;
  readonly #closed: boolean;
  #position = 0;
  #index: SegmentIndex | undefined;
  #names: Prelude['names'] = [];
  #complete = false;
  #tornBy: string | undefined;

  /** `state` is where the log stands before the segment; reading moves it on. */
  constructor(handle: ReadHandle, place: SegmentPlace, state: LogState) {
    this.#handle = handle;
    this.#place = place;
    this.#state = state;
    this.#start = { ...state };
    this.#size = handle.size();
    const end = readRange(handle, Math.max(0, this.#size - mcapMagic.length), mcapMagic.length);
    this.#closed = !place.last || (this.#size > 64 && bytesEqual(end, Uint8Array.from(mcapMagic)));
  }

  /** Names of channels by identity. */
  get names(): Prelude['names'] {
    return this.#names;
  }

  /** Where the valid part ends, after the last chunk was read. */
  get position(): number {
    return this.#position;
  }

  /** Bytes of the file, as it was when the reading began. */
  get size(): number {
    return this.#size;
  }

  /** Whether the segment is closed. */
  get complete(): boolean {
    return this.#complete;
  }

  /** What closes the segment, where it begins well. */
  get index(): SegmentIndex | undefined {
    return this.#index;
  }

  /** What is wrong with a tail that was not merely cut off. */
  get tornBy(): string | undefined {
    return this.#tornBy;
  }

  /** The next chunk, wholly checked; undefined at the end or where the segment is cut off. */
  next(): CheckedChunk | undefined {
    if (this.#complete || this.#tornBy !== undefined) return undefined;
    const before = { ...this.#state };
    try {
      return this.#next();
    } catch (error) {
      if (!(error instanceof TornTail)) throw error;
      this.#goBack(before);
      return undefined;
    }
  }

  /** To the end of the last good chunk; without one, nothing of the segment is good: no chain covers its beginning. */
  #goBack(before: LogState): void {
    const isEmpty = this.#index === undefined || this.#index.chunks === 0;
    Object.assign(this.#state, isEmpty ? this.#start : before);
    this.#index?.dropChunk();
    if (!isEmpty) return;
    this.#index = undefined;
    this.#position = 0;
  }

  #next(): CheckedChunk | undefined {
    if (this.#index === undefined && !this.#begin()) return undefined;
    const left = this.#size - this.#position;
    if (left === 0) return this.#torn();
    const head = readRange(this.#handle, this.#position, Math.min(left, chunkHeadSize));
    if (head[0] === Opcode.chunk) return this.#chunk(head, left);
    if (!this.#closed && this.#onlyZerosFrom(this.#position)) return undefined;
    return this.#end(left);
  }

  #begin(): boolean {
    const parsed = parsePrelude(readRange(this.#handle, 0, Math.min(this.#size, preludeBytesMax)));
    if ('torn' in parsed) {
      if (!parsed.torn) this.#damaged(parsed.what, parsed.offset);
      if (this.#size >= preludeBytesMax) this.#damaged('the beginning of the segment does not end', 0);
      this.#torn();
      return false;
    }
    this.#index = new SegmentIndex(parsed);
    this.#names = parsed.names;
    this.#position = parsed.bytes.length;
    this.#state.chain = chainNext(this.#state.chain, parsed.bytes);
    return true;
  }

  #chunk(head: Uint8Array<ArrayBuffer>, left: number): CheckedChunk | undefined {
    if (head.length < chunkHeadSize) return this.#torn();
    const start = this.#position;
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const size = uint64(view, 25);
    // The length stands there three times, so a changed one is not taken for a cut.
    if (view.getUint32(37, true) !== 0)
      this.#damaged('the chunk is compressed in an unknown way', start + 37);
    if (uint64(view, 1) !== chunkHeadSize - recordHeadSize + size || uint64(view, 41) !== size) {
      this.#damaged('the sizes of a chunk do not agree', start + 1);
    }
    if (chunkHeadSize + size > left) return this.#torn();
    const record = readRange(this.#handle, start, chunkHeadSize + size);
    const records = record.subarray(chunkHeadSize);
    const crc = crc32(records);
    if (crc !== view.getUint32(33, true)) this.#damaged('the CRC of a chunk is wrong', start);
    const chunk = { offset: start + chunkHeadSize, records, view: viewOf(records) };
    const before = { ...this.#state };
    this.#messages(chunk);
    const index = this.#index!;
    const facts = { startTick: index.chunkStartTick, endTick: index.chunkEndTick, size, crc };
    if (uint64(view, 9) !== facts.startTick || uint64(view, 17) !== facts.endTick) {
      this.#damaged('the ticks of a chunk are not those of its events', start + 9);
    }
    const indexes = this.#derived;
    indexes.position = 0;
    index.writeIndexes(indexes, start, facts);
    if (!this.#matches(start + record.length, indexes.written(), 'the index of a chunk')) {
      Object.assign(this.#state, before);
      index.dropChunk();
      return this.#torn();
    }
    index.keepChunk();
    index.cover(head);
    index.coverSummed(records, crc);
    index.cover(indexes.written());
    this.#state.chain = chainNext(this.#state.chain, record);
    this.#position = start + record.length + indexes.position;
    return chunk;
  }

  /** Walks the messages of a chunk and gives them to the index. */
  #messages({ offset, records, view }: CheckedChunk): void {
    const state = this.#state;
    let position = 0;
    while (position < records.length) {
      const at = offset + position;
      const left = records.length - position;
      if (left < messageHeadSize || records[position] !== Opcode.message) {
        this.#damaged('a chunk holds what is not a message', at);
      }
      const size = uint64(view, position + 1) + recordHeadSize;
      if (size < messageHeadSize || size > left) this.#damaged('a message has a wrong length', at);
      const id = view.getUint16(position + 9, true);
      const tick = uint64(view, position + 15);
      if (this.#names[id] === undefined) this.#damaged(`channel ${id} was not declared`, at);
      if (view.getUint32(position + 11, true) !== state.messages >>> 0) {
        this.#damaged('a message is out of sequence', at);
      }
      if (uint64(view, position + 23) !== tick) this.#damaged('the two times of a message differ', at);
      const isLink = id === channels.chain.id;
      if (isLink !== (position === 0)) this.#damaged('the chain does not stand first in a chunk', at);
      if (isLink) this.#link(records.subarray(messageHeadSize, size), tick, at);
      this.#index!.add(id, tick, position);
      state.messages++;
      state.tick = tick;
      position += size;
    }
    if (position === 0) this.#damaged('a chunk is empty', offset);
  }

  #link(payload: Uint8Array, tick: number, at: number): void {
    const link = this.#locate(at, () => decodeMessage(chainTable, payload));
    if (!bytesEqual(link.sha256, this.#state.chain)) {
      const found = encodeHex(link.sha256).slice(0, 16);
      const wanted = encodeHex(this.#state.chain).slice(0, 16);
      const why = `it follows what has the hash ${found}…, and here stands ${wanted}…`;
      this.#damaged(`the chain is broken: a chunk is of another place or run: ${why}`, at);
    }
    if (
      link.segment !== this.#place.number ||
      link.chunk !== this.#index!.chunks ||
      tick !== this.#state.tick
    ) {
      this.#damaged('a chunk is not in its place', at);
    }
  }

  /** What follows the last chunk: nothing but the one summary that belongs there. */
  #end(left: number): undefined {
    const closing = this.#index!.closing(this.#position);
    if (!this.#matches(this.#position, closing, 'the summary of the segment')) return this.#torn();
    if (left > closing.length) {
      this.#damaged('something follows the end of the segment', this.#position + closing.length);
    }
    this.#position += closing.length;
    this.#complete = true;
    return undefined;
  }

  /** Whether the file holds the derived bytes; false where it is cut off within them. */
  #matches(offset: number, derived: Uint8Array, what: string): boolean {
    const found = this.#readAgain(offset, Math.min(derived.length, this.#size - offset));
    // By the system's own routine, which looks at many bytes at once.
    if (Buffer.compare(found, derived.subarray(0, found.length)) === 0)
      return found.length === derived.length;
    for (let i = 0; i < found.length; i++) {
      if (found[i] === derived[i]) continue;
      this.#damaged(`${what} is not what its events give`, offset + i);
    }
    return found.length === derived.length;
  }

  /** Bytes that are done with when others are read so. */
  #readAgain(offset: number, size: number): Uint8Array {
    if (this.#found.length < size) this.#found = new Uint8Array(size * 2);
    return this.#found.subarray(0, readInto(this.#handle, offset, this.#found.subarray(0, size)));
  }

  /** A file system may have grown a file whose bytes never arrived. */
  #onlyZerosFrom(offset: number): boolean {
    for (let at = offset; at < this.#size; at += 65_536) {
      const bytes = readRange(this.#handle, at, Math.min(65_536, this.#size - at));
      if (bytes.some((byte) => byte !== 0)) return false;
    }
    return true;
  }

  #torn(): undefined {
    if (this.#closed) this.#damaged('the segment ends before its time', this.#size);
    return undefined;
  }

  #locate<T>(offset: number, decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      return this.#damaged(error instanceof Error ? error.message : String(error), offset);
    }
  }

  #damaged(what: string, offset: number): never {
    if (this.#place.last && this.#position >= this.#place.durableBytes) {
      this.#tornBy = `byte ${offset}: ${what}`;
      throw new TornTail();
    }
    const file = this.#place.name;
    throw new EngineError('record-damaged', `Cannot read "${file}" at byte ${offset}: ${what}`, {
      file,
      offset,
    });
  }
}

function viewOf(bytes: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
