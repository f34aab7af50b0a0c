// What the engine asks of the host that it runs on: disk, clock, executors, compression. Passed in, so that a simulator
// runs the production code on others. Nothing here may decide what a run does.

import { randomBytes } from 'node:crypto';
import { type EventLogSizes, type Storage, storageAt } from '../log/index.ts';
import type { Pool } from '../sandbox/index.ts';
import type { System, SystemConfig } from './config/system-config.ts';
import { type InferenceDesk, openInferenceDesk } from './models/inference-desk.ts';
import { type Compress, createCompressor } from './snapshot/compressor.ts';
import { openPool, type PoolChoice } from './turns/open-pool.ts';

export interface Clock {
  /** Milliseconds since some moment. It may jump or stand still: that delays, and changes nothing else. */
  nowMs(): number;
  /** Resolves after everything else that waits for its turn had it. */
  yield(): Promise<void>;
  /** Calls back after at least so many milliseconds; answers what takes that back. */
  after(waitMs: number, callback: () => void): () => void;
}

export interface Ports {
  /** The folder at a path, which need not exist. */
  openStorage(path: string): Storage;
  openPool(config: SystemConfig, choice: PoolChoice): Pool;
  /** What answers the requests of a system that has models. */
  openInference(system: Pick<System, 'config' | 'host'>): InferenceDesk;
  /** The caller's thread goes on meanwhile. */
  readonly compress: Compress;
  readonly clock: Clock;
  /** Identity of a new run: 16 bytes in hexadecimal that no other run has. It decides nothing. */
  createRunId(): string;
  /** Other sizes of the log's files than the usual ones. */
  readonly logSizes?: EventLogSizes;
  /** Streams that an executor's journal holds at most, where that is not as usual. */
  readonly journalEntriesMax?: number;
}

export const nodeClock: Clock = {
  nowMs: () => performance.now(),
  yield: () => new Promise((resolve) => setImmediate(resolve)),
  after(waitMs, callback) {
    const timer = setTimeout(callback, waitMs);
    return () => clearTimeout(timer);
  },
};

export const nodePorts: Ports = {
  openStorage: storageAt,
  openPool,
  openInference: (system) => openInferenceDesk(system),
  compress: createCompressor(),
  clock: nodeClock,
  createRunId: () => randomBytes(16).toString('hex'),
};
