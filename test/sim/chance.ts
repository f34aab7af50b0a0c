// The one source of chance of a simulation: a stream of numbers drawn from a seed and a label, so that what one part
// draws never depends on how much another part drew.

import { type PrngState, prngFromBytes, prngNext } from '../../src/base/prng.ts';
import { sha256 } from '../../src/engine/sha256.ts';

export class Chance {
  readonly #label: string;
  readonly #state: PrngState;

  constructor(label: string) {
    this.#label = label;
    this.#state = prngFromBytes(sha256(new TextEncoder().encode(label)));
  }

  /** A stream of its own. */
  of(label: string | number): Chance {
    return new Chance(`${this.#label}/${label}`);
  }

  /** 0 to `bound` - 1. */
  below(bound: number): number {
    return bound <= 1 ? 0 : prngNext(this.#state) % bound;
  }

  /** `min` to `max`, both possible. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Small numbers mostly, up to `max`: each power of two is as likely as the next. */
  skewed(max: number): number {
    const bits = this.below(Math.max(1, Math.ceil(Math.log2(max + 1))) + 1);
    return Math.min(max, this.below(2 ** bits));
  }

  shuffled<T>(list: readonly T[]): T[] {
    const order = [...list];
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
}
