// The time of whoever runs models: it says what took how long, and when something is given up; it never decides an
// answer of a portable model.

export interface HostClock {
  /** Milliseconds since some moment. */
  nowMs(): number;
  /** Calls back after at least so many milliseconds; answers what takes that back. */
  after(waitMs: number, callback: () => void): () => void;
}

/** Longer ones Node does not keep. */
const timerMsMax = 2 ** 31 - 1;

/** What waits, and since there is one timer for all of it, a wait that is over before its time costs no timer. */
class Waits {
  readonly #waits: Set<{ readonly atMs: number; readonly callback: () => void }> = new Set();
  #timerAtMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  add(waitMs: number, callback: () => void): () => void {
    const wait = { atMs: performance.now() + waitMs, callback };
    this.#waits.add(wait);
    if (wait.atMs < this.#timerAtMs) this.#arm(wait.atMs, waitMs);
    else this.#timer?.ref();
    return () => {
      // The program may end before the timer does.
      if (this.#waits.delete(wait) && this.#waits.size === 0) this.#timer?.unref();
    };
  }

  #arm(atMs: number, waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#wake(), Math.min(waitMs, timerMsMax));
  }

  #wake(): void {
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = performance.now();
    // Those that a callback takes back are not called.
    for (const wait of [...this.#waits]) if (wait.atMs <= nowMs && this.#waits.delete(wait)) wait.callback();
    for (const { atMs } of this.#waits) if (atMs < this.#timerAtMs) this.#arm(atMs, Math.ceil(atMs - nowMs));
  }
}

const waits = new Waits();

export const hostClock: HostClock = {
  nowMs: () => performance.now(),
  after: (waitMs, callback) => waits.add(waitMs, callback),
};
