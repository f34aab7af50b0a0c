// The transcript of a tick: every byte that its digest covers, in one buffer. Messages of the tick keep views into it,
// so a payload is copied once between the sandbox and its receivers.

import { taskHeadWords } from '../abi/record.ts';
import { eventWords, type SchedulerEvent } from './event.ts';
import type { Task } from './state.ts';

export class Transcript {
  #words: Uint32Array<ArrayBuffer>;
  #bytes: Uint8Array<ArrayBuffer>;
  #used = 0;

  /** @param wordsHint expected size; a wrong hint costs a copy, never a byte. */
  constructor(wordsHint: number) {
    this.#words = new Uint32Array(Math.max(wordsHint, 16));
    this.#bytes = new Uint8Array(this.#words.buffer);
  }

  /** The buffer as it stands; invalid once more is written. */
  get words(): Uint32Array<ArrayBuffer> {
    return this.#words;
  }

  get buffer(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** Everything written so far. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#used * 4);
  }

  addWord(value: number): void {
    this.#reserve(1);
    this.#words[this.#used++] = value;
  }

  /** A whole number up to 2^53 - 1, low word first. */
  addWide(value: number): void {
    this.#reserve(2);
    this.#words[this.#used++] = value % 2 ** 32;
    this.#words[this.#used++] = Math.floor(value / 2 ** 32);
  }

  /** Length, then the bytes, padded with zeros to a whole word. */
  addBytes(bytes: Uint8Array): void {
    const words = (bytes.length + 3) >>> 2;
    this.#reserve(words + 1);
    this.#words[this.#used++] = bytes.length;
    this.#bytes.set(bytes, this.#used * 4);
    this.#used += words;
  }

  /** Whole words as they are, without a length. */
  addRaw(bytes: Uint8Array): void {
    this.#reserve(bytes.length >>> 2);
    this.#bytes.set(bytes, this.#used * 4);
    this.#used += bytes.length >>> 2;
  }

  /** A task and its record; returns the word index of the record. Without a record the task did not run. */
  addTask(task: Task, record: Uint32Array | null, at: number): number {
    const size = record === null ? 1 : record[at]!;
    this.#reserve(taskHeadWords + size);
    const words = this.#words;
    let used = this.#used;
    words[used++] = task.agent.number;
    words[used++] = task.kind;
    words[used++] = task.sequence % 2 ** 32;
    words[used++] = Math.floor(task.sequence / 2 ** 32);
    const start = used;
    if (record === null) {
      words[used++] = 0;
    } else if (size < 32) {
      for (let i = 0; i < size; i++) words[used++] = record[at + i]!;
    } else {
      words.set(record.subarray(at, at + size), used);
      used += size;
    }
    this.#used = used;
    return start;
  }

  addEvents(events: readonly SchedulerEvent[]): void {
    this.addWord(events.length);
    this.#reserve(events.length * eventWords);
    for (const event of events) {
      this.#words[this.#used++] = event.kind;
      this.#words[this.#used++] = event.agent?.number ?? 0;
      this.#words[this.#used++] = event.other?.number ?? 0;
      this.#words[this.#used++] = event.reason;
    }
  }

  #reserve(words: number): void {
    if (this.#used + words <= this.#words.length) return;
    const grown = new Uint32Array(Math.max(this.#words.length * 2, this.#used + words));
    grown.set(this.#words.subarray(0, this.#used));
    this.#words = grown;
    this.#bytes = new Uint8Array(grown.buffer);
  }
}
