// Several lists of bytes that lie one after another.

/** Views of the bytes. */
export function unpackLists(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return bytes.subarray(at - size, at);
  });
}
