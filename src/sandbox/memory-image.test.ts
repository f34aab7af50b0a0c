import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { captureImage, expandImage, fillMemory, type MemoryImage } from './memory-image.ts';

/** Blocks that an image says are not all zero. */
function blocksOf({ pages }: MemoryImage): number[] {
  return pages.flatMap((kept, page) => {
    const mask = kept === undefined ? 0 : kept[0]! | (kept[1]! << 8);
    return Array.from({ length: 16 }, (_, i) => i).flatMap((i) => ((mask >> i) & 1 ? [page * 16 + i] : []));
  });
}

test('an image holds every byte, and no block of zeros', () => {
  const place = fc.tuple(fc.nat({ max: 2 * 65_536 - 1 }), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(fc.array(place, { maxLength: 12 }), (places) => {
      const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
      const bytes = new Uint8Array(memory.buffer);
      for (const [at, value] of places) bytes[at] = value;
      const image = captureImage(memory);
      const wanted = [...new Set(places.map(([at]) => at >>> 12))].sort((a, b) => a - b);
      assert.deepEqual(blocksOf(image), wanted);
      assert.deepEqual(expandImage(image), bytes.slice());
      const other = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
      new Uint8Array(other.buffer).fill(9);
      fillMemory(other, image, false);
      assert.deepEqual(new Uint8Array(other.buffer).slice(), bytes.slice());
      bytes.fill(1);
      assert.deepEqual(blocksOf(image), wanted, 'an image does not change with its memory');
      assert.equal(blocksOf(captureImage(memory)).length, 32);
    }),
    { numRuns: 50 },
  );
});
