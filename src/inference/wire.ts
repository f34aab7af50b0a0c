// Messages between two processes over one socket: what is said, and bytes that go with it, in frames. Both ends use
// their buffers again, since memory that was never touched costs more than what is copied into it.

import { deserialize, serialize } from 'node:v8';
import { assert } from '../base/errors.ts';

/** Plain data, and bytes beside it. */
interface WireMessage {
  readonly parts?: readonly Uint8Array[];
}

/** A message as it arrives: its parts are one behind another. */
export type Received<T> = T extends unknown ? Omit<T, 'parts'> & { readonly body: Uint8Array } : never;

/** Lengths of what is said and of the bytes, and the number of the message, a u32 each. */
const headBytes = 12;
/** Larger ones are not kept. */
const keptBytesMax = 1 << 24;
/** Less is not worth a reading of its own. */
const directBytesMin = 4096;
const nothing = new Uint8Array(0);

/** Where bytes lie that are put where they are sent from: what is said comes before them. */
const placedAt = 1 << 16;

/** What takes frames in their order; `done` when it needs the bytes no more. */
export interface FrameSink {
  write(frame: Buffer, done: () => void): unknown;
}

/** Writes messages; the bytes are copied before `send` answers, unless they were put where they are sent from. */
export class WireWriter {
  readonly #sink: FrameSink;
  readonly #isText: (message: object) => boolean;
  #buffer: Buffer = Buffer.alloc(2 * placedAt);
  #isBusy = false;
  /** Bytes that were placed for the next message. */
  #placed = 0;

  /** @param isText whether a message says only texts, finite numbers and lists of them: these cost less */
  constructor(sink: FrameSink, isText: (message: object) => boolean = () => false) {
    this.#sink = sink;
    this.#isText = isText;
  }

  /**
   * Memory for bytes of the next message, as long as it is the next; it may hold anything. Bytes that fill it in the
   * order in which it was given are not copied.
   */
  place(size: number): Uint8Array<ArrayBuffer> {
    const end = placedAt + this.#placed + size;
    const isRoom = !this.#isBusy && (this.#placed === 0 ? end <= keptBytesMax : end <= this.#buffer.length);
    if (!isRoom) return newBytes(size);
    this.#makeRoom(end);
    const at = end - size;
    this.#placed += size;
    return new Uint8Array(this.#buffer.buffer as ArrayBuffer, this.#buffer.byteOffset + at, size);
  }

  /**
   * @param number goes with it
   * @param onSent when it is on its way, or cannot be
   */
  send(message: object, number: number, onSent: () => void = () => {}): void {
    const { parts = [], ...said } = message as WireMessage;
    const words = this.#isText(message) ? Buffer.from(JSON.stringify(said)) : serialize(said);
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    assert(size < 2 ** 32, `a message fits its frame, found ${size} bytes`);
    const frame = this.#frameOf(inOnePiece(parts), headBytes + words.length, size);
    frame.writeUInt32LE(words.length, 0);
    frame.writeUInt32LE(size, 4);
    frame.writeUInt32LE(number, 8);
    frame.set(words, headBytes);
    const isKept = frame.buffer === this.#buffer.buffer;
    if (isKept) this.#isBusy = true;
    this.#sink.write(frame, () => {
      if (isKept) this.#isBusy = false;
      onSent();
    });
  }

  /** A frame with these bytes behind its beginning. */
  #frameOf(pieces: readonly Uint8Array[], begin: number, size: number): Buffer {
    const hadPlaced = this.#placed > 0;
    this.#placed = 0;
    const [first] = pieces;
    const isPlaced =
      hadPlaced &&
      pieces.length === 1 &&
      first!.buffer === this.#buffer.buffer &&
      first!.byteOffset === this.#buffer.byteOffset + placedAt;
    if (isPlaced && begin <= placedAt) return this.#buffer.subarray(placedAt - begin, placedAt + size);
    // What was placed may be among the bytes.
    const frame = hadPlaced ? Buffer.allocUnsafeSlow(begin + size) : this.#frame(begin + size);
    let at = begin;
    for (const piece of pieces) {
      frame.set(piece, at);
      at += piece.length;
    }
    // As much may be placed next time.
    if (hadPlaced && !this.#isBusy) this.#makeRoom(placedAt + size);
    return frame;
  }

  #frame(size: number): Buffer {
    if (this.#isBusy || size > keptBytesMax) return Buffer.allocUnsafeSlow(size);
    this.#makeRoom(size);
    return this.#buffer.subarray(0, size);
  }

  #makeRoom(size: number): void {
    if (size <= this.#buffer.length || size > keptBytesMax) return;
    this.#buffer = Buffer.alloc(Math.min(size * 2, keptBytesMax));
  }
}

/** The parts, those that lie one after another as one. */
function inOnePiece(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < parts.length; ) {
    const first = parts[i]!;
    const { buffer, byteOffset, length } = first;
    let end = byteOffset + length;
    const from = i;
    for (i++; i < parts.length; i++) {
      const next = parts[i]!;
      if (next.buffer !== buffer || next.byteOffset !== end) break;
      end += next.length;
    }
    pieces.push(i === from + 1 ? first : new Uint8Array(buffer, byteOffset, end - byteOffset));
  }
  return pieces;
}

/** Puts frames together from what arrives. */
export class WireReader<T> {
  readonly #onMessage: (message: Received<T>, number: number) => void;
  readonly #allocate: (size: number) => Uint8Array;
  readonly #head: Buffer = Buffer.alloc(headBytes);
  #words: Buffer = Buffer.alloc(0);
  #body: Uint8Array = nothing;
  /** Of the frame that is under way. */
  #received = 0;

  /** @param allocate where the bytes of the next message go; they begin at a multiple of 8 */
  constructor(
    onMessage: (message: Received<T>, number: number) => void,
    allocate: (size: number) => Uint8Array = newBytes,
  ) {
    this.#onMessage = onMessage;
    this.#allocate = allocate;
  }

  /** Where what arrives next may be put at once, so that it need not be copied; `spare` where nowhere. */
  target(spare: Uint8Array): Uint8Array {
    const done = this.#bodyDone;
    return this.#body.length - done < directBytesMin || done < 0 ? spare : this.#body.subarray(done);
  }

  /** Takes what arrived, at the target or anywhere; nothing else of it is kept. */
  read(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) at += this.#take(chunk, at);
  }

  #take(chunk: Uint8Array, at: number): number {
    const wordsEnd = headBytes + this.#words.length;
    if (this.#received < headBytes) {
      const taken = copied(chunk, at, this.#head, this.#received);
      this.#received += taken;
      if (this.#received === headBytes) {
        this.#words = Buffer.allocUnsafe(this.#head.readUInt32LE(0));
        this.#body = this.#allocate(this.#head.readUInt32LE(4));
      }
      return taken;
    }
    const taken =
      this.#received < wordsEnd
        ? copied(chunk, at, this.#words, this.#received - headBytes)
        : this.#takeBody(chunk, at);
    this.#received += taken;
    if (this.#received === wordsEnd + this.#body.length) this.#end();
    return taken;
  }

  /** Of the bytes of the frame that is under way, those that are there; negative before they begin. */
  get #bodyDone(): number {
    return this.#received - headBytes - this.#words.length;
  }

  #takeBody(chunk: Uint8Array, at: number): number {
    const done = this.#bodyDone;
    const isThere =
      chunk.buffer === this.#body.buffer && chunk.byteOffset + at === this.#body.byteOffset + done;
    return isThere ? chunk.length - at : copied(chunk, at, this.#body, done);
  }

  #end(): void {
    const message = Object.assign(saidBy(this.#words), { body: this.#body }) as Received<T>;
    const number = this.#head.readUInt32LE(8);
    this.#received = 0;
    this.#words = Buffer.alloc(0);
    this.#body = nothing;
    this.#onMessage(message, number);
  }
}

/** What is said as text begins as no other does. */
const textBegin = '{'.charCodeAt(0);

function saidBy(words: Buffer): object {
  const isText = words[0] === textBegin;
  return (isText ? JSON.parse(words.toString('utf8')) : deserialize(words)) as object;
}

/** Not zeroed; a plain array, since copying parts of a buffer does not copy. */
export function newBytes(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}

/** Copies what fits, and says how much that is. */
function copied(from: Uint8Array, at: number, to: Uint8Array, toAt: number): number {
  const count = Math.min(from.length - at, to.length - toAt);
  to.set(from.subarray(at, at + count), toAt);
  return count;
}

/** One buffer for one message after another, as long as the one before is done with when the next begins. */
export class ReusedBuffer {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(1 << 16);
  #isFree = true;

  /** @param from where in the buffer they begin, a multiple of 8 */
  take(size: number, from = 0): Uint8Array<ArrayBuffer> {
    const end = from + size;
    if (!this.#isFree || end > keptBytesMax) return new Uint8Array(size);
    this.#isFree = false;
    if (end > this.#buffer.length) this.#buffer = new Uint8Array(Math.min(end * 2, keptBytesMax));
    return this.#buffer.subarray(from, end);
  }

  /** Whoever took it needs it no more. */
  release(bytes: Uint8Array): void {
    if (bytes.buffer === this.#buffer.buffer) this.#isFree = true;
  }
}
