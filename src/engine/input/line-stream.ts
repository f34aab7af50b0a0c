// Lines of a readable stream, such as standard input. The stream is paused while enough waits to be taken.

import type { Readable } from 'node:stream';
import { EngineError } from '../../base/errors.ts';
import { LineQueue } from './line-queue.ts';
import { type Cursor, type LineSource, startOfSource } from './line-source.ts';
import { type Line, LineSplitter, lineBytesMax } from './line-splitter.ts';

/** Lines that may wait before the stream is paused, when nobody asks for more. */
const waitingLinesMax = 4096;
/** Bytes in such lines, likewise. */
const waitingBytesMax = 4 * 2 ** 20;

interface Waiter {
  readonly lines: number;
  readonly resolve: () => void;
}

export class LineStream implements LineSource {
  readonly name: string;
  readonly seekable = false;
  readonly #stream: Readable;
  readonly #splitter: LineSplitter;
  readonly #queue: LineQueue;
  #waiters: Waiter[] = [];
  /** Nothing more arrives. */
  #readAll = false;
  #ended = false;
  #closed = false;
  #failure: EngineError | undefined;

  /**
   * Takes the stream over: nobody else may read from it.
   * @param from where in the source the stream's first byte stands
   */
  constructor(stream: Readable, name: string, bytesMax: number = lineBytesMax, from: Cursor = startOfSource) {
    this.name = name;
    this.#stream = stream;
    this.#splitter = new LineSplitter(from.byte, from.line, bytesMax);
    this.#queue = new LineQueue(from.byte, from.line);
    this.#ended = from.ended;
    this.#readAll = from.ended;
    stream.on('data', (chunk: Uint8Array | string) => {
      this.#arrived(this.#splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    });
    stream.on('end', () => this.#finish());
    stream.on('error', (error) => this.#fail(error.message, error));
    stream.on('close', () => this.#fail('it was closed before its end'));
    if (stream.readableEnded) this.#finish();
    else if (stream.destroyed) this.#fail('it was closed before its end');
  }

  get cursor(): Cursor {
    return { byte: this.#queue.byte, line: this.#queue.number, ended: this.#ended };
  }

  async pull(max: number): Promise<readonly Line[]> {
    await this.#waitFor(max);
    // A short pull would look like the end.
    if (this.#failure !== undefined && this.#queue.size < max) throw this.#failure;
    return this.#take(max);
  }

  poll(max: number): readonly Line[] {
    if (this.#failure !== undefined && this.#queue.size === 0) throw this.#failure;
    return this.#take(max);
  }

  arrival(): Promise<void> {
    return this.#waitFor(1);
  }

  putBack(lines: readonly Line[]): void {
    if (lines.length === 0) return;
    this.#queue.putBack(lines);
    this.#ended = false;
  }

  seek(): void {
    throw new EngineError('input-refused', `Cannot go back or forth in ${this.name}: it is a stream`);
  }

  close(): void {
    this.#closed = true;
    this.#stream.destroy();
    this.#finish();
  }

  #waitFor(lines: number): Promise<void> {
    if (this.#readAll || this.#queue.size >= lines) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ lines, resolve });
      this.#flow();
    });
  }

  #arrived(lines: readonly Line[]): void {
    this.#queue.add(lines);
    this.#wake();
    this.#flow();
  }

  #finish(): void {
    if (this.#readAll) return;
    this.#readAll = true;
    if (this.#failure === undefined) this.#queue.add(this.#splitter.end());
    this.#wake();
  }

  #fail(why: string, cause?: Error): void {
    if (this.#readAll) return;
    this.#failure = new EngineError('run-failed', `Cannot read ${this.name}: ${why}`, {}, cause);
    this.#finish();
  }

  #take(max: number): readonly Line[] {
    if (this.#ended || this.#closed) return [];
    const lines = this.#queue.take(max);
    if (lines.length < max && this.#readAll && this.#failure === undefined) {
      this.#ended = true;
      this.#queue.moveToEnd(this.#splitter.offset, this.#splitter.number);
    }
    this.#flow();
    return lines;
  }

  #wake(): void {
    const ready = (waiter: Waiter): boolean => this.#readAll || this.#queue.size >= waiter.lines;
    const woken = this.#waiters.filter(ready);
    this.#waiters = this.#waiters.filter((waiter) => !ready(waiter));
    for (const waiter of woken) waiter.resolve();
  }

  #flow(): void {
    if (this.#readAll) return;
    const waiting = this.#queue.size;
    const waitingBytes = this.#splitter.offset - this.#queue.byte;
    const full = waiting >= waitingLinesMax || (waiting > 0 && waitingBytes >= waitingBytesMax);
    const enough = this.#waiters.length === 0 && full;
    if (enough && !this.#stream.isPaused()) this.#stream.pause();
    else if (!enough && this.#stream.isPaused()) this.#stream.resume();
  }
}
