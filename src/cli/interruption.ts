// Ctrl-C and the like: the first asks the run to stop between two ticks, the second ends the process.

import { whenReaderGoes } from './standard-output.ts';

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type SignalName = keyof typeof signals;

export class Interruption {
  readonly #controller = new AbortController();
  #exitCode = 0;
  readonly #onSignal = (name: SignalName): void => {
    const again = this.#controller.signal.aborted;
    this.#exitCode = signals[name];
    if (again) process.exit(this.#exitCode);
    this.#controller.abort();
  };

  constructor() {
    for (const name of Object.keys(signals) as SignalName[]) process.on(name, this.#onSignal);
    whenReaderGoes(() => this.#controller.abort());
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
    for (const name of Object.keys(signals) as SignalName[]) process.off(name, this.#onSignal);
  }
}
