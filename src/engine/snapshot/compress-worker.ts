// The thread that compresses pages, one after another. It knows nothing of snapshots.

import { parentPort } from 'node:worker_threads';
import { zstdCompressSync } from 'node:zlib';
import { type CompressAnswer, type CompressRequest, zstdOptions } from './compressor.ts';

parentPort!.on('message', (requests: readonly CompressRequest[]) => {
  const answers = requests.map(({ number, bytes }) => {
    const compressed = new Uint8Array(zstdCompressSync(bytes, zstdOptions));
    return { number, bytes: compressed } satisfies CompressAnswer;
  });
  parentPort!.postMessage(
    answers,
    answers.map(({ bytes }) => bytes.buffer),
  );
});
