// The thread that compresses pages, one after another. It knows nothing of snapshots.

import { parentPort } from 'node:worker_threads';
import { zstdCompressSync } from 'node:zlib';
import { collectGarbage } from '../../sandbox/collect.ts';
import { type CompressAnswer, type CompressRequest, zstdOptions } from './compressor.ts';

/** What was shared with it goes when every thread has let it go, and an idle one never collects by itself. */
const idleMs = 1000;
let idle: NodeJS.Timeout | undefined;

parentPort!.on('message', (requests: readonly CompressRequest[]) => {
  const answers = requests.map(({ number, bytes, into }) => {
    const packed = zstdCompressSync(bytes, zstdOptions(into));
    into.set(packed);
    return { number, size: packed.length } satisfies CompressAnswer;
  });
  parentPort!.postMessage(answers);
  clearTimeout(idle);
  idle = setTimeout(collectGarbage, idleMs).unref();
});
