// Lines that were read and not yet handed out, and the cursor behind those that were.

import { assert } from '../../base/errors.ts';
import type { Line } from './line-splitter.ts';

export class LineQueue {
  #lines: Line[] = [];
  #head = 0;
  #byte: number;
  #number: number;

  constructor(byte: number, number: number) {
    this.#byte = byte;
    this.#number = number;
  }

  get size(): number {
    return this.#lines.length - this.#head;
  }

  /** Offset behind the last line taken. */
  get byte(): number {
    return this.#byte;
  }

  /** Number of the last line taken. */
  get number(): number {
    return this.#number;
  }

  add(lines: readonly Line[]): void {
    if (this.#head > this.#lines.length / 2) {
      this.#lines.splice(0, this.#head);
      this.#head = 0;
    }
    for (const line of lines) this.#lines.push(line);
  }

  take(max: number): readonly Line[] {
    const taken = this.#lines.slice(this.#head, this.#head + max);
    this.#head += taken.length;
    const last = taken.at(-1);
    if (last !== undefined) this.#moveTo(last.end, last.number);
    return taken;
  }

  putBack(lines: readonly Line[]): void {
    const first = lines[0];
    if (first === undefined) return;
    assert(lines.at(-1)!.end === this.#byte, 'only the last lines taken are put back');
    this.#lines = [...lines, ...this.#lines.slice(this.#head)];
    this.#head = 0;
    this.#moveTo(first.start, first.number - 1);
  }

  /** Skips what no line is in, such as empty lines at the end. */
  moveToEnd(byte: number, number: number): void {
    assert(this.size === 0, 'every line is taken before the end');
    this.#moveTo(byte, number);
  }

  #moveTo(byte: number, number: number): void {
    this.#byte = byte;
    this.#number = number;
  }
}
