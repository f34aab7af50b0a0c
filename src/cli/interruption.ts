// Ctrl-C and the like: the first asks the run to stop between two ticks, the second ends the process. Under a
// supervisor its word counts, and a signal that the whole group got says nothing more.

import { whenReaderGoes } from './standard-output.ts';
import type { EngineLink } from './supervisor/engine-link.ts';
import { type StopSignal, stopSignals } from './supervisor/messages.ts';

export class Interruption {
  readonly #controller = new AbortController();
  readonly #link: EngineLink | undefined;
  #exitCode = 0;
  readonly #onSignal = (name: StopSignal): void => {
    const again = this.#controller.signal.aborted;
    if (again && this.#link === undefined) process.exit(stopSignals[name]);
    if (!again) this.#exitCode = stopSignals[name];
    this.#controller.abort();
  };

  constructor(link: EngineLink | undefined) {
    this.#link = link;
    for (const name of Object.keys(stopSignals) as StopSignal[]) process.on(name, this.#onSignal);
    whenReaderGoes(() => this.#controller.abort());
    link?.whenStopped(this.#onSignal);
  }

  /** Aborted when the run should stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 128 plus the number of the signal, as shells have it; 0 where none came. */
  get exitCode(): number {
    return this.#exitCode;
  }

  release(): void {
    for (const name of Object.keys(stopSignals) as StopSignal[]) process.off(name, this.#onSignal);
  }
}
