// What the engine needs of whoever runs turns, and the simplest answer: the orchestrator's own thread.

import { Executor } from './executor.ts';
import type { SystemTables } from './tables.ts';
import type { WordBuffer } from './word-buffer.ts';

/** A result stream: valid until the next `run`. */
export interface ResultStream {
  readonly words: Uint32Array;
  /** Words in use. */
  readonly used: number;
}

/**
 * Runs command streams. The engine gives each executor its stream and gets all results back together, so that the order
 * in which executors finish cannot be seen.
 */
export interface Pool {
  /** Number of executors, at least 1. */
  readonly size: number;
  /** Makes a module known to every executor. */
  addModule(index: number, module: WebAssembly.Module): void;
  /** Hands an agent's memory to one executor, before the stream that creates the agent. */
  addMemory(executor: number, agentNumber: number, memory: WebAssembly.Memory): void;
  /**
   * Runs one stream per executor; an undefined one is left alone. Answers at once where nothing has to be waited for.
   * @throws EngineError `host-fault` where an executor failed
   */
  run(streams: readonly (WordBuffer | undefined)[]): ResultStreams | Promise<ResultStreams>;
  close(): Promise<void>;
}

export type ResultStreams = readonly (ResultStream | undefined)[];

/** Runs everything in the calling thread: the fastest for small systems, and what other pools are compared with. */
export function createInlinePool(tables: SystemTables): Pool {
  const executor = new Executor(tables);
  return {
    size: 1,
    addModule: (index, module) => executor.addModule(index, module),
    addMemory: (_executor, agentNumber, memory) => executor.addMemory(agentNumber, memory),
    run: ([stream]) => [stream === undefined ? undefined : executor.execute(stream.words, stream.bytes)],
    close: async () => {},
  };
}
