// The recorded ticks of a run with their digests, in little memory.

import { bytesEqual } from '../../base/encoding.ts';
import { decodeEvent, readEvents } from '../../log/index.ts';
import type { LoadedRun } from '../record/load-run.ts';

const digestBytes = 32;

export class Timeline {
  /** Ascending. */
  readonly ticks: readonly number[];
  readonly #digests: Uint8Array;

  /** Reads the digests of a run; the whole log is checked on the way. */
  constructor({ directory }: LoadedRun) {
    const ticks: number[] = [];
    let digests = new Uint8Array(1024 * digestBytes);
    for (const { tick, payload } of readEvents(directory, { channels: ['digests'] })) {
      if ((ticks.length + 1) * digestBytes > digests.length) {
        const grown = new Uint8Array(digests.length * 2);
        grown.set(digests);
        digests = grown;
      }
      digests.set(decodeEvent('digests', payload).digest, ticks.length * digestBytes);
      ticks.push(tick);
    }
    this.ticks = ticks;
    this.#digests = digests;
  }

  digest(index: number): Uint8Array {
    return this.#digests.subarray(index * digestBytes, (index + 1) * digestBytes);
  }

  /** How many of the ticks are not behind `tick`. */
  countUpTo(tick: number): number {
    let [low, high] = [0, this.ticks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ticks[middle]! <= tick) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * How many ticks of both are the same, from given places on. Each digest covers the one before, so that the first
 * difference is found by halving.
 */
export function equalTicks(a: Timeline, fromA: number, b: Timeline, fromB: number): number {
  let [low, high] = [0, Math.min(a.ticks.length - fromA, b.ticks.length - fromB)];
  const isSame = (i: number): boolean =>
    a.ticks[fromA + i] === b.ticks[fromB + i] && bytesEqual(a.digest(fromA + i), b.digest(fromB + i));
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isSame(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
