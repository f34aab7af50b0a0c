// Outputs into a file, gathered into blocks. A file that takes no more fails the run.

import { closeSync, openSync, writeSync } from 'node:fs';
import { EngineError } from '../base/errors.ts';

const gatheredMax = 65_536;

export class OutputFile {
  readonly #path: string;
  readonly #descriptor: number;
  #gathered = '';

  /** `goOn`: keeps what an interrupted run has written. */
  constructor(path: string, goOn: boolean) {
    this.#path = path;
    try {
      this.#descriptor = openSync(path, goOn ? 'a' : 'w');
    } catch (error) {
      throw this.#failure('open', 'run-failed', error);
    }
  }

  writeLine(line: string): void {
    this.#gathered += `${line}\n`;
    if (this.#gathered.length >= gatheredMax) this.flush();
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
    const why = error instanceof Error ? error.message : String(error);
    return new EngineError(code, `Cannot ${verb} the output file ${JSON.stringify(this.#path)}: ${why}`, {
      file: this.#path,
    });
  }
}
