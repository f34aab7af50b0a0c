// What the engine needs of whoever runs turns, and the simplest answer: the orchestrator's own thread.

import { type CallWatch, Executor } from './executor.ts';
import type { GlobalWords } from './instance-state.ts';
import { type MemorySpec, MemoryStore } from './memory-store.ts';
import type { SystemTables } from './tables.ts';
import type { WordBuffer } from './word-buffer.ts';

/** A result stream: valid until the next `run`. */
export interface ResultStream {
  readonly words: Uint32Array;
  /** Words in use. */
  readonly used: number;
}

/** `lost`: the executor died or hung; its stream did not run, or not to its end. */
export type ResultStreams = readonly (ResultStream | 'lost' | undefined)[];

/**
 * Runs command streams. The engine gives each executor its stream and gets all results back together, so that the order
 * in which executors finish cannot be seen.
 */
export interface Pool {
  /** Number of executors, at least 1. */
  readonly size: number;
  /** Whether an executor can be lost, so that its agents may have to be rebuilt. */
  readonly canLose: boolean;
  /** Makes a module known to every executor, those that replace others included. */
  addModule(index: number, module: WebAssembly.Module, globals: GlobalWords): void;
  /** Makes an agent's memory and hands it to an executor, before the stream that creates or restores the agent. */
  provideMemory(executor: number, spec: MemorySpec): void;
  /** The memory of an agent that has one. Nobody writes it between two runs. */
  memoryOf(agentNumber: number): WebAssembly.Memory | undefined;
  /** Whether so many memories were dropped that every executor should collect; collects in the calling thread then. */
  collect(): boolean;
  /** An agent's memory goes; `reuse`: it may serve another agent. */
  releaseMemory(agentNumber: number, reuse: boolean): void;
  /**
   * Runs one stream per executor; an undefined one is left alone. Answers at once where nothing has to be waited for.
   * @throws EngineError `host-fault` where an executor cannot go on for a reason that would come again
   */
  run(streams: readonly (WordBuffer | undefined)[]): ResultStreams | Promise<ResultStreams>;
  /** Puts a new executor, without agents, in the place of a lost one. */
  replace(executor: number): void;
  close(): Promise<void>;
}

/** Runs everything in the calling thread: the fastest for small systems, and what other pools are compared with. */
export function createInlinePool(tables: SystemTables, watch?: CallWatch): Pool {
  const executor = new Executor(tables, watch);
  const memories = new MemoryStore();
  return {
    size: 1,
    canLose: false,
    addModule: (index, module, globals) => executor.addModule(index, module, globals),
    provideMemory: (_executor, spec) => executor.addMemory(spec.agentNumber, memories.provide(0, spec)),
    memoryOf: (agentNumber) => memories.memoryOf(agentNumber),
    releaseMemory: (agentNumber, reuse) => memories.release(agentNumber, reuse),
    collect: () => memories.collect(),
    run: ([stream]) => [stream === undefined ? undefined : executor.execute(stream.words, stream.bytes)],
    replace: () => {},
    close: async () => {},
  };
}
