// A clock that only the simulation moves, and whatever waits for it. What waits is called in the order of its time, one
// after another, each time everything else has come to rest.

import type { Clock } from '../../src/engine/ports.ts';
import type { Chance } from './chance.ts';

interface Waiting {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class SimClock implements Clock {
  readonly #chance: Chance;
  /** Time as it goes by; what waits is due by it. */
  #timeMs = 0;
  /** How far what the clock shows is from that. */
  #offsetMs = 1_000_000_000;
  /** Readings for which the clock goes on showing the same. */
  #standing = 0;
  #shownMs = 0;
  #order = 0;
  #waiting: Waiting[] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  nowMs(): number {
    if (this.#chance.oneIn(4)) this.#timeMs += this.#chance.skewed(40);
    if (this.#standing > 0) {
      this.#standing--;
      return this.#shownMs;
    }
    this.#shownMs = this.#timeMs + this.#offsetMs;
    return this.#shownMs;
  }

  jump(byMs: number): void {
    this.#offsetMs += byMs;
  }

  standStill(readings: number): void {
    this.#standing = readings;
  }

  yield(): Promise<void> {
    return new Promise((resolve) => this.after(0, resolve));
  }

  after(waitMs: number, callback: () => void): () => void {
    const waiting = { dueMs: this.#timeMs + Math.max(0, waitMs), order: this.#order++, callback };
    this.#waiting.push(waiting);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
    };
  }

  /** Moves on to what is due first, and calls it. */
  advance(): void {
    let first: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (
        first === undefined ||
        waiting.dueMs < first.dueMs ||
        (waiting.dueMs === first.dueMs && waiting.order < first.order)
      )
        first = waiting;
    }
    if (first === undefined) return;
    this.#waiting = this.#waiting.filter((other) => other !== first);
    this.#timeMs = Math.max(this.#timeMs, first.dueMs);
    first.callback();
  }
}
