// Pages compressed on other threads come back as what they were, few or many, in whatever order they are done.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { createCompressor } from './compressor.ts';

/** A place of shared memory that holds the bytes. */
function shared(bytes: Uint8Array, size: number = bytes.length): Uint8Array {
  const place = new Uint8Array(new SharedArrayBuffer(size + 5), 5);
  place.set(bytes);
  return place;
}

test('one page or hundreds at once are compressed, each as itself', async () => {
  const compress = createCompressor();
  for (const count of [1, 300, 2]) {
    const pages = Array.from({ length: count }, (_, i) => new Uint8Array(4098 + i * 16).fill(i + count));
    const places = pages.map((page) => shared(page));
    const into = pages.map(({ length }) => shared(new Uint8Array(0), length));
    const sizes = await Promise.all(places.map((place, i) => compress(place, into[i]!)));
    sizes.forEach((size, i) => {
      assert.deepEqual(Uint8Array.from(zstdDecompressSync(into[i]!.subarray(0, size))), pages[i]);
      assert.deepEqual(Uint8Array.from(places[i]!), pages[i]);
      assert.ok(size < 1000);
    });
  }
});

test('bytes may become compressed in the place where they lie', async () => {
  const compress = createCompressor();
  const pages = Array.from({ length: 30 }, (_, i) => new Uint8Array(4098).fill(i + 1));
  const places = pages.map((page) => shared(page, page.length + 1022));
  const sizes = await Promise.all(
    places.map((place, i) => compress(place.subarray(0, pages[i]!.length), place)),
  );
  sizes.forEach((size, i) => {
    assert.deepEqual(Uint8Array.from(zstdDecompressSync(places[i]!.subarray(0, size))), pages[i]);
  });
});
