// Standard input, or a pipe in its place, owned by the supervisor: bytes are kept until the record of the engine
// process holds them, and given again to the next process from wherever its record ends. Read only when it is asked
// for, no faster than it is taken.

import type { Readable, Writable } from 'node:stream';

export class KeptInput {
  readonly #open: () => Readable | Promise<Readable>;
  readonly #onFailure: (why: string) => void;
  #stream: Readable | undefined;
  #taken = false;
  /** Bytes from offset `#from` on. */
  #kept: Buffer[] = [];
  #from = 0;
  #to = 0;
  #ended = false;
  #failure: string | undefined;
  #sink: Writable | undefined;

  constructor(open: () => Readable | Promise<Readable>, onFailure: (why: string) => void) {
    this.#open = open;
    this.#onFailure = onFailure;
  }

  /** Whether any byte was asked for. */
  get isTaken(): boolean {
    return this.#taken;
  }

  /** Bytes that are kept. */
  get size(): number {
    return this.#to - this.#from;
  }

  /**
   * Gives everything from an offset on. False where that is gone: the record says less than what was acknowledged.
   */
  give(from: number, sink: Writable): boolean {
    if (from < this.#from || from > this.#to) return false;
    this.acknowledge(from);
    this.#sink = sink;
    for (const piece of this.#kept) sink.write(piece);
    if (this.#failure !== undefined) this.#onFailure(this.#failure);
    else if (this.#ended) sink.end();
    else if (!this.#taken) this.#begin();
    else this.#flow(sink, !sink.writableNeedDrain);
    return true;
  }

  /** Nobody takes anything for now. */
  detach(): void {
    this.#sink = undefined;
    this.#stream?.pause();
  }

  /** Everything before this offset is safe elsewhere. */
  acknowledge(byte: number): void {
    while (this.#from < byte) {
      const first = this.#kept[0];
      if (first === undefined) return;
      const size = Math.min(first.length, byte - this.#from);
      if (size === first.length) this.#kept.shift();
      else this.#kept[0] = first.subarray(size);
      this.#from += size;
    }
  }

  async #begin(): Promise<void> {
    this.#taken = true;
    let stream: Readable;
    try {
      stream = await this.#open();
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('end', () => {
      this.#ended = true;
      this.#sink?.end();
    });
    stream.on('error', (error) => this.#fail(error));
    // The process that asked may be gone by now, and another one may not be there yet.
    if (this.#sink === undefined) stream.pause();
  }

  #fail({ message }: Error): void {
    this.#failure = message;
    this.#onFailure(message);
  }

  #take(chunk: Buffer): void {
    this.#kept.push(chunk);
    this.#to += chunk.length;
    const sink = this.#sink;
    if (sink !== undefined) this.#flow(sink, sink.write(chunk));
  }

  /** What the process does not take waits where it comes from. */
  #flow(sink: Writable, more: boolean): void {
    const stream = this.#stream;
    if (more) {
      stream?.resume();
      return;
    }
    stream?.pause();
    sink.once('drain', () => {
      if (this.#sink === sink) stream?.resume();
    });
  }
}
