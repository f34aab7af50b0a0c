// Lists whose entries are mostly like the one before, in few words: sizes, places and faults of requests that ran
// together cross between processes this way.

export interface Repeats<T> {
  readonly values: readonly T[];
  /** How often each comes, one time or more. */
  readonly times: readonly number[];
}

export function repeatsOf<T extends string | number>(list: readonly T[]): Repeats<T> {
  const values: T[] = [];
  const times: number[] = [];
  for (const value of list) {
    if (values.length > 0 && values.at(-1) === value) times[times.length - 1]!++;
    else {
      values.push(value);
      times.push(1);
    }
  }
  return { values, times };
}

export function listOf<T>({ values, times }: Repeats<T>): T[] {
  const list: T[] = [];
  for (let i = 0; i < values.length; i++) for (let k = 0; k < times[i]!; k++) list.push(values[i]!);
  return list;
}
