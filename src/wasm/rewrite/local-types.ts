// Types of a function's locals by index. Groups may stand for very many locals, so only the first few are written out.

import type { FunctionType } from '../binary/types.ts';
import type { FunctionBody, LocalGroup } from '../parse/parsed-module.ts';

const writtenMax = 256;

/** Serves one function after the other. */
export class LocalTypes {
  readonly #written = new Uint8Array(writtenMax);
  #type: FunctionType = { params: [], results: [] };
  #groups: readonly LocalGroup[] = [];
  /** Ends of the groups, where locals beyond those written out were asked for. */
  readonly #ends: number[] = [];

  /** Begins a function anew. */
  reset(type: FunctionType, { locals }: FunctionBody): void {
    this.#type = type;
    this.#groups = locals;
    this.#ends.length = 0;
    const { params } = type;
    const written = this.#written;
    let at = 0;
    for (let index = 0; index < params.length && at < writtenMax; index++) written[at++] = params[index]!;
    for (let group = 0; group < locals.length && at < writtenMax; group++) {
      const { count, type } = locals[group]!;
      const end = Math.min(at + count, writtenMax);
      while (at < end) written[at++] = type;
    }
    while (at < writtenMax && written[at] !== 0) written[at++] = 0;
  }

  /** The type of a local, parameters first; 0 for one that does not exist. */
  of(index: number): number {
    return index < writtenMax ? this.#written[index]! : this.#search(index);
  }

  #search(index: number): number {
    const { params } = this.#type;
    if (index < params.length) return params[index]!;
    const ends = this.#ends;
    if (ends.length === 0) {
      let end = params.length;
      for (const { count } of this.#groups) ends.push((end += count));
    }
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! <= index) low = middle + 1;
      else high = middle;
    }
    return this.#groups[low]?.type ?? 0;
  }
}
