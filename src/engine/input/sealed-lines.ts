// How far the lines of a run's source are sealed, and the word to the source that the record holds them.

import type { Cursor } from '../../log/index.ts';
import type { LineInputs } from './line-inputs.ts';

export class SealedLines {
  #lines: LineInputs | undefined;
  #acknowledged: Cursor | undefined;
  /** Behind the last line that was given to the record. */
  cursor: Cursor | undefined;

  follow(lines: LineInputs | undefined): void {
    this.#lines = lines;
  }

  /** The record holds every line up to there, as safely as its durability says. */
  acknowledge(cursor: Cursor | undefined): void {
    if (cursor === undefined || cursor === this.#acknowledged) return;
    this.#acknowledged = cursor;
    this.#lines?.acknowledge(cursor);
  }
}
