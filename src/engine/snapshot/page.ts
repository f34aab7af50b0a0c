// Pages of 64 KiB as they are kept: which of their 16 blocks are not zero, and those blocks.

import type { MemoryImage } from '../../sandbox/index.ts';

const blockBytes = 4096;
const blocksPerPage = 16;
const pageBytes = blockBytes * blocksPerPage;
/** Bytes of a page as it is kept, uncompressed, at most. */
export const keptBytesMax: number = 2 + pageBytes;
/** A page is compressed and decompressed in one piece, also where nothing gets smaller: pieces cost half as much again. */
export const keptChunkBytes: number = pageBytes + 1024;

/** The kept form of each page of an image; undefined for a page of zeros. */
export function splitPages(image: MemoryImage): (Uint8Array | undefined)[] {
  const pages = new Array<Uint8Array | undefined>(image.byteLength / pageBytes).fill(undefined);
  const { blocks, bytes } = image;
  for (let i = 0; i < blocks.length; ) {
    const page = Math.floor(blocks[i]! / blocksPerPage);
    const start = i;
    let mask = 0;
    for (; i < blocks.length && Math.floor(blocks[i]! / blocksPerPage) === page; i++) {
      mask |= 1 << (blocks[i]! % blocksPerPage);
    }
    const kept = Buffer.allocUnsafeSlow(2 + (i - start) * blockBytes);
    kept[0] = mask & 0xff;
    kept[1] = mask >> 8;
    kept.set(bytes.subarray(start * blockBytes, i * blockBytes), 2);
    pages[page] = kept;
  }
  return pages;
}

/** The image of kept pages. Its bytes are put together when somebody wants them: an agent that never wakes costs none. */
export function joinPages(pages: readonly (Uint8Array | undefined)[]): MemoryImage {
  const blocks: number[] = [];
  let parts: Uint8Array[] = [];
  pages.forEach((kept, page) => {
    if (kept === undefined) return;
    const mask = kept[0]! | (kept[1]! << 8);
    for (let block = 0; block < blocksPerPage; block++) {
      if ((mask & (1 << block)) !== 0) blocks.push(page * blocksPerPage + block);
    }
    parts.push(kept.subarray(2));
  });
  let joined: Uint8Array | undefined;
  return {
    byteLength: pages.length * pageBytes,
    blocks: Uint32Array.from(blocks),
    get bytes(): Uint8Array {
      joined ??= Buffer.concat(parts);
      parts = [];
      return joined;
    },
  };
}
