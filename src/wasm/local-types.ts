// Types of a function's locals by index. Groups may stand for very many locals, so none is ever written out.
import type { FunctionBody } from './parsed-module.ts';
import type { FunctionType } from './types.ts';

/** Answers the type of a local, parameters first; 0 for one that does not exist. */
export function localTypes({ params }: FunctionType, { locals }: FunctionBody): (index: number) => number {
  const ends: number[] = [];
  let end = params.length;
  for (const { count } of locals) {
    end += count;
    ends.push(end);
  }
  return (index) => {
    if (index < params.length) return params[index]!;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! <= index) low = middle + 1;
      else high = middle;
    }
    return locals[low]?.type ?? 0;
  };
}
