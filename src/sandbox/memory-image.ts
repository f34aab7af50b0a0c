// What an agent's memory holds, without the blocks that are all zero. Nobody writes to an image.

import { Buffer } from 'node:buffer';

/** A copy of a memory's content; nothing else refers to its bytes. */
export interface MemoryImage {
  /** Size of the memory. */
  readonly byteLength: number;
  /** Each page of 64 KiB as it is kept: which of its 16 blocks are not all zero, in 16 bits, and those blocks. */
  readonly pages: readonly (Uint8Array | undefined)[];
}

/** Room for so many bytes that nobody else uses, from a whole word on. */
export type Allocate = (byteLength: number) => Uint8Array;

const blockBytes = 4096;
const blocksPerPage = 16;
const pageBytes = blockBytes * blocksPerPage;
const maskBytes = 2;
/** Blocks begin at whole words: what is shared is copied word by word, or else byte by byte. */
const leadBytes = 8 - maskBytes;
/** Bytes of a page as it is kept, at most. */
export const keptBytesMax: number = maskBytes + pageBytes;

/** Compared with by the system's own routine, which looks at many bytes at once. */
const zeros = Buffer.alloc(blockBytes);

/** @param allocate gives each page that is not all zero its place */
export function captureImage(
  memory: WebAssembly.Memory,
  allocate: Allocate = (byteLength) => Buffer.allocUnsafeSlow(byteLength),
): MemoryImage {
  const source = Buffer.from(memory.buffer);
  const { length } = source;
  const pages = new Array<Uint8Array | undefined>(length / pageBytes).fill(undefined);
  for (let i = 0; i < pages.length; i++) {
    const start = i * pageBytes;
    let mask = 0;
    let count = 0;
    for (let block = 0, at = start; block < blocksPerPage; block++, at += blockBytes) {
      if (source.compare(zeros, 0, blockBytes, at, at + blockBytes) === 0) continue;
      mask |= 1 << block;
      count++;
    }
    if (mask === 0) continue;
    const kept = allocate(leadBytes + maskBytes + count * blockBytes).subarray(leadBytes);
    kept[0] = mask & 0xff;
    kept[1] = mask >> 8;
    forEachRun(mask, (block, size, at) => {
      source.copy(kept, at, start + block * blockBytes, start + (block + size) * blockBytes);
    });
    pages[i] = kept;
  }
  return { byteLength: length, pages };
}

/** Blocks that lie beside each other: the first of them, how many, and where they begin in the kept page. */
function forEachRun(mask: number, run: (block: number, size: number, at: number) => void): void {
  for (let block = 0, at = maskBytes; block < blocksPerPage; ) {
    let end = block;
    while ((mask & (1 << end)) !== 0) end++;
    if (end > block) run(block, end - block, at);
    at += (end - block) * blockBytes;
    block = end + 1;
  }
}

/** Makes a memory of the image's size hold the image; one that is not known to be zero is zeroed first. */
export function fillMemory(memory: WebAssembly.Memory, image: MemoryImage | null, isClean: boolean): void {
  const target = Buffer.from(memory.buffer);
  if (!isClean) target.fill(0);
  if (image !== null) putPages(target, image);
}

/** The whole content of an image. */
export function expandImage(image: MemoryImage): Uint8Array {
  const whole = new Uint8Array(image.byteLength);
  putPages(Buffer.from(whole.buffer), image);
  return whole;
}

function putPages(target: Buffer, { pages }: MemoryImage): void {
  pages.forEach((page, i) => {
    if (page === undefined) return;
    const kept = Buffer.from(page.buffer, page.byteOffset, page.length);
    forEachRun(kept[0]! | (kept[1]! << 8), (block, size, at) => {
      kept.copy(target, i * pageBytes + block * blockBytes, at, at + size * blockBytes);
    });
  });
}
