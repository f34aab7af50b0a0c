// Compresses pages on other threads: a few by Node's own pool, many by a worker, which does not pay for a stream each
// time. Nothing depends on which.

import { extname } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { constants, type ZstdOptions, zstdCompress } from 'node:zlib';
import { EngineError } from '../../base/errors.ts';
import { keptChunkBytes } from './page.ts';

/**
 * Pages are many, written once and seldom read: a fast level. The memories of the market example become 27 % of
 * themselves by it, 19 % by level 1, which takes half as long again, and twice as long for what does not compress.
 */
export const zstdOptions: ZstdOptions = {
  params: { [constants.ZSTD_c_compressionLevel]: -3 },
  chunkSize: keptChunkBytes,
};

/** So many pages at once are worth a worker. */
const manyPages = 12;
/** The worker is told of so many at once, and answers so: a message costs as much as a fifth of a page. */
const messagePages = 8;

const byPool = promisify(zstdCompress);

export interface CompressRequest {
  readonly number: number;
  readonly bytes: Uint8Array;
}

export interface CompressAnswer {
  readonly number: number;
  readonly bytes: Uint8Array;
}

interface Waiting {
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Compresses by zstd. The bytes, all of their buffer, are taken over. */
export function createCompressor(): (bytes: Uint8Array) => Promise<Uint8Array> {
  let worker: Worker | undefined;
  let byPoolCount = 0;
  let number = 0;
  const waiting = new Map<number, Waiting>();
  const fail = (error: unknown): void => {
    worker = undefined;
    const cause = error instanceof Error ? error.message : String(error);
    const told = new EngineError('host-fault', `Cannot compress a snapshot: ${cause}`, {}, error);
    for (const { reject } of waiting.values()) reject(told);
    waiting.clear();
  };
  const open = (): Worker => {
    const extension = extname(import.meta.filename);
    const opened = new Worker(new URL(`./compress-worker${extension}`, import.meta.url));
    opened.on('message', (answers: readonly CompressAnswer[]) => {
      for (const { number: done, bytes } of answers) {
        waiting.get(done)?.resolve(bytes);
        waiting.delete(done);
      }
      // An idle worker keeps no process alive.
      if (waiting.size === 0) opened.unref();
    });
    opened.on('error', fail);
    opened.on('messageerror', fail);
    opened.on('exit', () => opened === worker && fail(new Error('its thread has ended')));
    return opened;
  };
  let requests: CompressRequest[] = [];
  const send = (): void => {
    if (requests.length === 0) return;
    const buffers = requests.map(({ bytes }) => bytes.buffer as ArrayBuffer);
    worker?.postMessage(requests, buffers);
    requests = [];
  };
  return async (bytes) => {
    if (worker === undefined && byPoolCount < manyPages) {
      byPoolCount++;
      try {
        return await byPool(bytes, zstdOptions);
      } finally {
        byPoolCount--;
      }
    }
    worker ??= open();
    worker.ref();
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    waiting.set(number, { resolve, reject });
    requests.push({ number: number++, bytes });
    if (requests.length === 1) setImmediate(send);
    else if (requests.length === messagePages) send();
    return promise;
  };
}
