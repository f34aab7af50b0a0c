// Waiting for something or for a signal, whichever comes first. Leaves nothing behind that would keep a program open.

import type { Clock } from '../ports.ts';

type Signals = readonly (AbortSignal | undefined)[];

/** Calls back when one of the signals comes; answers what takes that back. */
function whenAborted(signals: Signals, callback: () => void): () => void {
  for (const signal of signals) signal?.addEventListener('abort', callback, { once: true });
  return () => {
    for (const signal of signals) signal?.removeEventListener('abort', callback);
  };
}

function isAborted(signals: Signals): boolean {
  return signals.some((signal) => signal?.aborted === true);
}

/** The promise's value, or undefined where one of the signals comes first. */
export function untilAborted<T>(promise: Promise<T>, signals: Signals): Promise<T | undefined> {
  if (isAborted(signals)) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const forget = whenAborted(signals, () => resolve(undefined));
    promise.then(resolve, reject).finally(forget);
  });
}

/** The longest that a timer of the host can wait. */
const timerMsMax = 2 ** 31 - 1;

/** Waits for at most so long; true where one of the signals or of `wake` came before. Leaves no timer behind. */
export function sleep(
  clock: Clock,
  waitMs: number,
  signals: Signals,
  wake: readonly Promise<void>[],
): Promise<boolean> {
  if (isAborted(signals)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (early: boolean): void => {
      cancel();
      forget();
      resolve(early);
    };
    const forget = whenAborted(signals, () => end(true));
    const cancel = clock.after(Math.min(waitMs, timerMsMax), () => end(false));
    for (const arrival of wake) void arrival.then(() => end(true));
  });
}
