// Outputs into a file, gathered into blocks. A file that takes no more fails the run.

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { EngineError } from '../base/errors.ts';
import { failureText } from '../base/failure-text.ts';
import type { OutputPlace } from '../engine/index.ts';
import { placeOf } from './supervisor/output-place.ts';

const gatheredMax = 65_536;
/** How far back from its end a file is searched for the last output: longer than any line. */
const searchedMax = 128 * 2 ** 20;
const lineFeed = 10;
const lineStart = '{"epoch":';

export class OutputFile {
  readonly #path: string;
  readonly #descriptor: number;
  /** The last output in the file when it was opened to go on with. */
  readonly last: OutputPlace | undefined;
  #gathered = '';

  /** `goOn`: keeps what an interrupted run has written, but for a line that it did not finish. */
  constructor(path: string, goOn: boolean) {
    this.#path = path;
    try {
      this.#descriptor = openSync(path, goOn ? 'a+' : 'w');
      this.last = goOn ? cutTornLine(this.#descriptor) : undefined;
    } catch (error) {
      throw this.#failure('open', 'run-failed', error);
    }
  }

  /** Answers whether everything so far is in the file. */
  writeLine(line: string): boolean {
    this.#gathered += `${line}\n`;
    if (this.#gathered.length < gatheredMax) return false;
    this.flush();
    return true;
  }

  flush(): void {
    const bytes = Buffer.from(this.#gathered);
    this.#gathered = '';
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    } catch (error) {
      throw this.#failure('write', 'host-fault', error);
    }
  }

  close(): void {
    this.flush();
    closeSync(this.#descriptor);
  }

  #failure(verb: string, code: 'run-failed' | 'host-fault', error: unknown): EngineError {
    return new EngineError(
      code,
      `Cannot ${verb} the output file ${JSON.stringify(this.#path)}: ${failureText(error)}`,
      {
        file: this.#path,
      },
    );
  }
}

/** Cuts the beginning of an output that a process died in; answers the last whole one. */
function cutTornLine(descriptor: number): OutputPlace | undefined {
  const stat = fstatSync(descriptor);
  if (!stat.isFile() || stat.size === 0) return undefined;
  for (let span = gatheredMax; ; span *= 2) {
    const from = Math.max(0, stat.size - span);
    const tail = Buffer.alloc(stat.size - from);
    readSync(descriptor, tail, 0, tail.length, from);
    const found = lastOutput(tail, from === 0);
    if (found === undefined && from > 0 && span < searchedMax) continue;
    const end = tail.lastIndexOf(lineFeed) + 1;
    const rest = tail.subarray(end, end + lineStart.length).toString('latin1');
    const torn = end < tail.length && (end > 0 || from === 0) && lineStart.startsWith(rest);
    if (torn) ftruncateSync(descriptor, from + end);
    return found;
  }
}

/** The place of the last whole line that is an output. `whole`: the first line begins at the first byte. */
function lastOutput(tail: Buffer, whole: boolean): OutputPlace | undefined {
  for (let end = tail.lastIndexOf(lineFeed); end >= 0; ) {
    const start = end === 0 ? 0 : tail.lastIndexOf(lineFeed, end - 1) + 1;
    if (start === 0 && !whole) return undefined;
    const place = placeOf(tail.subarray(start, end));
    if (place !== undefined) return place;
    end = start - 1;
  }
  return undefined;
}
