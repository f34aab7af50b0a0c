// Short pieces of memory copied word by word: making the views that a copy otherwise needs costs more than the copy.

/** Of longer pieces a copy by views costs less. */
export const shortBytes = 512;

/** All whole words of the memory that these bytes lie in. */
export function wordsOf({ buffer }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
}

/** Copies so many words. The pieces must not overlap. */
export function copyWords(
  from: Uint32Array,
  fromAt: number,
  to: Uint32Array,
  toAt: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) to[toAt + i] = from[fromAt + i]!;
}
