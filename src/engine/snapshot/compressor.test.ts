// Pages compressed on other threads come back as what they were, few or many, in whatever order they are done.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { createCompressor } from './compressor.ts';

test('one page or hundreds at once are compressed, each as itself', async () => {
  const compress = createCompressor();
  for (const count of [1, 300, 2]) {
    const pages = Array.from({ length: count }, (_, i) => new Uint8Array(4098 + i * 16).fill(i + count));
    const copies = pages.map((page) => page.slice());
    const compressed = await Promise.all(pages.map(compress));
    compressed.forEach((bytes, i) => {
      assert.deepEqual(Uint8Array.from(zstdDecompressSync(bytes)), copies[i]);
      assert.ok(bytes.length < 1000);
    });
  }
});
