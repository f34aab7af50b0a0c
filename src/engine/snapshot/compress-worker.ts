// The thread that compresses pages, one after another. It knows nothing of snapshots.

import { parentPort } from 'node:worker_threads';
import { zstdCompressSync } from 'node:zlib';
import { type CompressAnswer, type CompressRequest, zstdOptions } from './compressor.ts';

parentPort!.on('message', ({ number, bytes }: CompressRequest) => {
  const compressed = Uint8Array.from(zstdCompressSync(bytes, zstdOptions));
  const answer: CompressAnswer = { number, bytes: compressed };
  parentPort!.postMessage(answer, [compressed.buffer]);
});
