// What an agent's memory holds, without the blocks that are all zero.

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
const blockWords = blockBytes / 4;

export function captureImage(memory: WebAssembly.Memory): MemoryImage {
  const { buffer } = memory;
  const words = new Int32Array(buffer);
  const used: number[] = [];
  for (let block = 0, at = 0; at < words.length; block++, at += blockWords) {
    if (!isZero(words, at)) used.push(block);
  }
  const source = new Uint8Array(buffer);
  const bytes = new Uint8Array(used.length * blockBytes);
  used.forEach((block, i) => {
    bytes.set(source.subarray(block * blockBytes, (block + 1) * blockBytes), i * blockBytes);
  });
  return { byteLength: source.length, blocks: Uint32Array.from(used), bytes };
}

function isZero(words: Int32Array, at: number): boolean {
  for (let i = at; i < at + blockWords; i++) if (words[i] !== 0) return false;
  return true;
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
