// A pool of worker threads. Results come back together, whatever order the threads finish in.

import { assert } from '../base/errors.ts';
import { MemoryStore } from './memory-store.ts';
import type { Pool, ResultStreams } from './pool.ts';
import type { SystemTables } from './tables.ts';
import type { WorkerMessage } from './worker.ts';
import { WorkerThread } from './worker-thread.ts';

export interface ThreadPoolOptions {
  /** Number of threads, at least 1. */
  readonly workers: number;
  readonly tables: SystemTables;
  /**
   * true: the caller's thread sleeps while workers run, which is fastest, for programs that own their process;
   * false: the event loop goes on.
   */
  readonly blocking: boolean;
  /** Bytes of each data block; longer streams cross in parts. */
  readonly blockBytes?: number;
  /**
   * A worker that takes longer for a task is lost. Tasks are bounded by fuel, so only a fault of the host takes long;
   * by default, a minute or what the slowest machine could need for the fuel that the agents may have.
   */
  readonly timeoutMs?: number;
  /** The program of the workers, where a test has one that fails. */
  readonly program?: URL;
}

const defaultBlockBytes = 1 << 20;
const timeoutMsMin = 60_000;
/** Far less than any machine does. */
const fuelPerMs = 10_000;

/** A pool whose threads can be ended from outside, as a fault of the host would. */
export interface ThreadPool extends Pool {
  terminate(executor: number): Promise<void>;
}

/** How long the longest task may take. */
function defaultTimeoutMs({ declarations }: SystemTables): number {
  const fuel = declarations.map(({ limits }) =>
    Math.max(limits.fuelPerTask, limits.fuelPerInit, limits.fuelPerShutdown),
  );
  return fuel.reduce((longest, most) => Math.max(longest, most / fuelPerMs), timeoutMsMin);
}

export function createThreadPool(options: ThreadPoolOptions): ThreadPool {
  assert(options.workers >= 1, 'a thread pool has threads');
  const { tables, blocking, blockBytes = defaultBlockBytes, program } = options;
  const { timeoutMs = defaultTimeoutMs(tables) } = options;
  const open = (index: number): WorkerThread =>
    new WorkerThread({ index, tables, blockBytes, timeoutMs, program });
  const threads = Array.from({ length: options.workers }, (_, index) => open(index));
  const memories = new MemoryStore();
  const modules: WorkerMessage[] = [];
  const ended: Promise<void>[] = [];
  let closed = false;
  const results = (): ResultStreams => threads.map((thread) => thread.result);
  const finishAll = async (): Promise<ResultStreams> => {
    for (const thread of threads) await thread.finish(blocking);
    return results();
  };
  return {
    size: threads.length,
    canLose: true,
    addModule(index, module, globals) {
      const message: WorkerMessage = { type: 'module', index, module, globals };
      modules.push(message);
      for (const thread of threads) thread.addModule(message);
    },
    provideMemory: (executor, spec) =>
      threads[executor]!.addMemory(spec.agentNumber, memories.provide(executor, spec)),
    memoryOf: (agentNumber) => memories.memoryOf(agentNumber),
    releaseMemory: (agentNumber, reuse) => memories.release(agentNumber, reuse),
    collect: () => memories.collect(),
    run(streams) {
      for (const [i, thread] of threads.entries()) thread.start(streams[i]);
      if (blocking && threads.every((thread) => thread.finishBlocking())) return results();
      return finishAll();
    },
    replace(executor) {
      ended.push(threads[executor]!.terminate());
      memories.forget(executor);
      threads[executor] = open(executor);
      for (const message of modules) threads[executor]!.addModule(message);
    },
    terminate: (executor) => threads[executor]!.terminate(),
    async close() {
      if (closed) return;
      closed = true;
      await Promise.all([...ended, ...threads.map((thread) => thread.terminate())]);
    },
  };
}
