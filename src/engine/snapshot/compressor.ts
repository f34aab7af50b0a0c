// Compresses pages on other threads: a few by Node's own pool, many by a worker, which does not pay for a stream each
// time. Nothing depends on which.

import { extname } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { constants, type ZstdOptions, zstdCompress } from 'node:zlib';
import { EngineError } from '../../base/errors.ts';

/**
 * Pages are many, written once and seldom read: a fast level. The memories of the market example become 27 % of
 * themselves by it, 19 % by level 1, which takes half as long again, and twice as long for what does not compress.
 */
const params = { [constants.ZSTD_c_compressionLevel]: -3 };

/** In one piece, also where nothing gets smaller: pieces cost half as much again. */
export function zstdOptions(into: Uint8Array): ZstdOptions {
  return { params, chunkSize: into.length };
}

/** So many pages at once are worth a worker. */
const manyPages = 12;
/** The worker is told of so many at once, and answers so: a message costs as much as a fifth of a page. */
const messagePages = 8;

const byPool = promisify(zstdCompress);

export interface CompressRequest {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly into: Uint8Array;
}

export interface CompressAnswer {
  readonly number: number;
  readonly size: number;
}

/**
 * Compresses bytes by zstd; answers how many they become. Both places are of shared memory, and may be the same one.
 * Until it has resolved nobody else may write to them, or read `into`, which has room for whatever comes.
 */
export type Compress = (bytes: Uint8Array, into: Uint8Array) => Promise<number>;

interface Waiting {
  readonly resolve: (size: number) => void;
  readonly reject: (error: unknown) => void;
}

export function createCompressor(): Compress {
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
      for (const { number: done, size } of answers) {
        waiting.get(done)?.resolve(size);
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
    worker?.postMessage(requests);
    requests = [];
  };
  return async (bytes, into) => {
    if (worker === undefined && byPoolCount < manyPages) {
      byPoolCount++;
      try {
        const packed = await byPool(bytes, zstdOptions(into));
        into.set(packed);
        return packed.length;
      } finally {
        byPoolCount--;
      }
    }
    worker ??= open();
    worker.ref();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    waiting.set(number, { resolve, reject });
    requests.push({ number: number++, bytes, into });
    if (requests.length === 1) setImmediate(send);
    else if (requests.length === messagePages) send();
    return promise;
  };
}
