// What the orchestrator asks of a source of lines, whether it is a file or a stream.

import type { Line } from './line-splitter.ts';

/** Where in a source the next line is looked for. */
export interface Cursor {
  /** Bytes handed out so far. */
  readonly byte: number;
  /** Number of the last line handed out; 0 before the first. */
  readonly line: number;
  /**
   * The end was met: the last pull gave fewer lines than it was asked for. Never known sooner, so that a stream
   * need not wait for a line that nobody asked for, and a file behaves alike.
   */
  readonly ended: boolean;
}

export const startOfSource: Cursor = { byte: 0, line: 0, ended: false };

export interface LineSource {
  /** For messages: a path, or `standard input`. */
  readonly name: string;
  /** Whether `seek` works: a run on this source can go on where it stopped. */
  readonly seekable: boolean;
  /** Behind the last line handed out and not put back. */
  readonly cursor: Cursor;
  /**
   * Exactly `max` lines, or all that are left where the source ends before. Files answer at once, streams wait.
   *
   * @throws EngineError `run-failed` when the source cannot be read any more.
   */
  pull(max: number): readonly Line[] | Promise<readonly Line[]>;
  /** At most `max` lines that are already there. Throws as `pull` does. */
  poll(max: number): readonly Line[];
  /** Resolves when `poll` would give a line, meet the end or throw. Never rejects. */
  arrival(): Promise<void>;
  /** Gives back the last lines handed out, in their order; they come again first. */
  putBack(lines: readonly Line[]): void;
  /** Told that the record holds every line up to there as safely as its durability says: none is asked for again. */
  acknowledge?(cursor: Cursor): void;
  /** @throws EngineError `input-refused` where the source is not seekable or ends before. */
  seek(cursor: Cursor): void;
  /** Lets go of the source: it gives nothing more, and that is not its end. */
  close(): void;
}
