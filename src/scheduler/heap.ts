// A binary heap with an explicit order; ties never exist, since every order here ends in a unique number.

export interface Heap<T> {
  readonly items: T[];
  /** Whether `a` comes out before `b`. */
  readonly before: (a: T, b: T) => boolean;
}

export function createHeap<T>(before: (a: T, b: T) => boolean): Heap<T> {
  return { items: [], before };
}

export function pushHeap<T>(heap: Heap<T>, item: T): void {
  const { items, before } = heap;
  let at = items.length;
  items.push(item);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(item, items[parent]!)) break;
    items[at] = items[parent]!;
    at = parent;
  }
  items[at] = item;
}

export function popHeap<T>(heap: Heap<T>): T | undefined {
  const { items, before } = heap;
  const top = items[0];
  const last = items.pop();
  if (last === undefined || items.length === 0) return top;
  const size = items.length;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= size) break;
    if (child + 1 < size && before(items[child + 1]!, items[child]!)) child++;
    if (!before(items[child]!, last)) break;
    items[at] = items[child]!;
    at = child;
  }
  items[at] = last;
  return top;
}
