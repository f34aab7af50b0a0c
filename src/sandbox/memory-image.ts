// What an agent's memory holds, without the blocks that are all zero.

import { Buffer } from 'node:buffer';

/** A copy of a memory's content; nothing else refers to its bytes. */
export interface MemoryImage {
  /** Size of the memory. */
  readonly byteLength: number;
  /** Indices of the blocks that are not all zero, ascending. */
  readonly blocks: Uint32Array;
  /** Those blocks, one behind the other. */
  readonly bytes: Uint8Array;
}

const blockBytes = 4096;

/** Compared with by the system's own routine, which looks at many bytes at once. */
const zeros = Buffer.alloc(blockBytes);

export function captureImage(memory: WebAssembly.Memory): MemoryImage {
  const source = Buffer.from(memory.buffer);
  const used: number[] = [];
  for (let block = 0, at = 0; at < source.length; block++, at += blockBytes) {
    if (source.compare(zeros, 0, blockBytes, at, at + blockBytes) !== 0) used.push(block);
  }
  const bytes = Buffer.allocUnsafeSlow(used.length * blockBytes);
  for (let i = 0; i < used.length; ) {
    // Neighbours are copied together.
    let end = i + 1;
    while (end < used.length && used[end] === used[end - 1]! + 1) end++;
    source.copy(bytes, i * blockBytes, used[i]! * blockBytes, (used[end - 1]! + 1) * blockBytes);
    i = end;
  }
  return { byteLength: source.length, blocks: Uint32Array.from(used), bytes };
}

/** Makes a memory of the image's size hold the image; one that is not known to be zero is zeroed first. */
export function fillMemory(memory: WebAssembly.Memory, image: MemoryImage | null, isClean: boolean): void {
  const target = new Uint8Array(memory.buffer);
  if (!isClean) target.fill(0);
  if (image === null) return;
  image.blocks.forEach((block, i) => {
    target.set(image.bytes.subarray(i * blockBytes, (i + 1) * blockBytes), block * blockBytes);
  });
}

/** The whole content of an image. */
export function expandImage({ byteLength, blocks, bytes }: MemoryImage): Uint8Array {
  const whole = new Uint8Array(byteLength);
  blocks.forEach((block, i) => {
    whole.set(bytes.subarray(i * blockBytes, (i + 1) * blockBytes), block * blockBytes);
  });
  return whole;
}
