// Whether a process that something is awaited of still gives signs of life. What counts is how often it was silent when
// it was looked at, not how late it is: while a machine sleeps, or the engine stands still, nobody looks.

import type { HostClock } from './host-clock.ts';

const lookEveryMs = 1000;
/** So many looks in a row without a sign, where a process that runs gives one for each and more. */
const silentLooksMax = 20;

export class SilenceWatch {
  readonly #clock: HostClock;
  readonly #onSilent: (reason: string) => void;
  #cancel: (() => void) | undefined;
  #silentLooks = 0;
  /** Before its first sign a process is just starting, and a load has a time limit of its own. */
  #hasBegun = false;

  constructor(clock: HostClock, onSilent: (reason: string) => void) {
    this.#clock = clock;
    this.#onSilent = onSilent;
  }

  /** A sign of life. */
  heard(): void {
    this.#hasBegun = true;
    this.#silentLooks = 0;
  }

  /** Something is awaited from now on. */
  begin(): void {
    if (this.#cancel !== undefined) return;
    this.#silentLooks = 0;
    this.#wait();
  }

  /** Nothing is awaited any more. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    this.#cancel = this.#clock.after(lookEveryMs, () => this.#look());
  }

  #look(): void {
    if (this.#hasBegun) this.#silentLooks++;
    if (this.#silentLooks < silentLooksMax) {
      this.#wait();
      return;
    }
    this.#cancel = undefined;
    this.#onSilent(`it gave no sign of life in ${(silentLooksMax * lookEveryMs) / 1000} s`);
  }
}
