// What the random programs of these tests are made from: chance from a seed, and what their code may refer to.
import { type PrngState, prngFromBytes, prngNext } from '../../src/base/prng.ts';
import type { Signature } from './program-writer.ts';

export class Chance {
  readonly #state: PrngState;

  constructor(seed: number) {
    this.#state = prngFromBytes(new Uint8Array(Int32Array.of(seed, 0x0dd5, ~seed, seed ^ 91).buffer));
    for (let round = 0; round < 8; round++) prngNext(this.#state);
  }

  below(limit: number): number {
    return prngNext(this.#state) % limit;
  }

  /** True once in `count` times. */
  once(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(items: ArrayLike<T>): T {
    return items[this.below(items.length)]!;
  }

  letters(alphabet: string, countMax: number): string {
    return Array.from({ length: this.below(countMax + 1) }, () => this.pick(alphabet)).join('');
  }
}

/** What code may refer to. */
export interface ProgramShape {
  readonly types: Signature[];
  /** Of imports, then of the program's own functions. */
  readonly signatures: readonly Signature[];
  readonly importCount: number;
  /** One letter a global. Global 0 is an i32 that bounds recursion. */
  readonly globals: string;
  readonly dataBytes: readonly number[];
  readonly vectors: boolean;
}

/** The index of a signature among the types, added where it is new. */
export function typeIndex(types: Signature[], { params, results }: Signature): number {
  const found = types.findIndex((type) => type.params === params && type.results === results);
  return found >= 0 ? found : types.push({ params, results }) - 1;
}
