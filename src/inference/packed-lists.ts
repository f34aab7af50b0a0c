// Several lists of bytes as one, since what crosses between processes costs by the piece.

import { concatBytes } from '../base/encoding.ts';

export interface PackedLists {
  readonly bytes: Uint8Array;
  readonly sizes: readonly number[];
}

export function packLists(lists: readonly Uint8Array[]): PackedLists {
  const [only] = lists;
  return { bytes: lists.length === 1 ? only! : concatBytes(lists), sizes: lists.map(({ length }) => length) };
}

/** Views of the bytes. */
export function unpackLists({ bytes, sizes }: PackedLists): Uint8Array[] {
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return bytes.subarray(at - size, at);
  });
}
