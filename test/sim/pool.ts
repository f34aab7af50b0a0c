// A pool whose executors take any time, die and hang, and whose dead go on writing where they could. They run the
// production executor over agents in plain JavaScript.

import type { Clock } from '../../src/engine/ports.ts';
import { Executor } from '../../src/sandbox/executor.ts';
import type { Pool, ResultStreams, WordBuffer } from '../../src/sandbox/index.ts';
import { MemoryStore } from '../../src/sandbox/memory-store.ts';
import type { SystemTables } from '../../src/sandbox/tables.ts';
import type { Chance } from './chance.ts';
import { createGuest, SimMemory } from './guest.ts';

/** How an executor is lost with a stream: before it runs it, after it did, or while others wait for it. */
export type Loss = 'before' | 'after' | 'hangs';

export interface SimPoolOptions {
  readonly size: number;
  readonly chance: Chance;
  readonly clock: Clock;
  /** How the executor is lost with this stream, the `run`th that any executor gets; undefined: it is not. */
  readonly lossAt: (run: number) => Loss | undefined;
}

type Module = Parameters<Pool['addModule']>;

/** Milliseconds after which an executor that does not answer is lost. */
const hangMs = 60_000;

class SimExecutor {
  readonly executor: Executor;
  readonly #memories: SimMemory[] = [];

  constructor(tables: SystemTables) {
    this.executor = new Executor(tables, undefined, createGuest);
  }

  addMemory(agentNumber: number, memory: WebAssembly.Memory): void {
    this.#memories.push(memory as unknown as SimMemory);
    this.executor.addMemory(agentNumber, memory);
  }

  run(stream: WordBuffer): ResultStreams[number] {
    return this.executor.execute(stream.words, stream.bytes);
  }

  /** What a thread that was given up does to the memories it has. */
  haunt(chance: Chance): void {
    for (const { buffer } of this.#memories)
      new DataView(buffer).setUint32(chance.below(16_000) * 4, chance.below(2 ** 31), true);
  }
}

function newStore(): MemoryStore {
  return new MemoryStore(
    (_agent, pages, pagesMax) => new SimMemory(pages, pagesMax) as unknown as WebAssembly.Memory,
  );
}

/** One executor in the caller's thread that never fails: what others are compared with. */
export function createPlainPool(tables: SystemTables): Pool {
  const executor = new SimExecutor(tables);
  const memories = newStore();
  return {
    size: 1,
    canLose: false,
    addModule: (...module) => executor.executor.addModule(...module),
    provideMemory: (_executor, spec) => executor.addMemory(spec.agentNumber, memories.provide(0, spec)),
    memoryOf: (agentNumber) => memories.memoryOf(agentNumber),
    releaseMemory: (agentNumber, reuse) => memories.release(agentNumber, reuse),
    collect: () => memories.collect(),
    run: ([stream]) => [stream === undefined ? undefined : executor.run(stream)],
    replace: () => {},
    close: async () => {},
  };
}

export function createSimPool(tables: SystemTables, options: SimPoolOptions): Pool {
  const { size, chance, clock, lossAt } = options;
  const executors = Array.from({ length: size }, () => new SimExecutor(tables));
  const lost: SimExecutor[] = [];
  const memories = newStore();
  const modules: Module[] = [];
  let runs = 0;
  /** What was answered last: it is overwritten when the next streams run. */
  let answered: (ResultStreams[number] | undefined)[] = [];

  const runOne = (i: number, stream: WordBuffer, loss: Loss | undefined): ResultStreams[number] => {
    if (loss === 'before') return 'lost';
    const result = executors[i]!.run(stream);
    return loss === undefined ? result : 'lost';
  };
  const wait = (waitMs: number): Promise<void> => new Promise((resolve) => clock.after(waitMs, resolve));

  const runAll = async (
    streams: readonly (WordBuffer | undefined)[],
    losses: readonly (Loss | undefined)[],
  ) => {
    const results: ResultStreams[number][] = streams.map(() => undefined);
    for (const i of chance.shuffled(streams.map((_, index) => index))) {
      const stream = streams[i];
      if (stream === undefined) continue;
      if (losses[i] === 'hangs') await wait(hangMs);
      else if (chance.oneIn(3)) await wait(chance.skewed(50));
      results[i] = runOne(i, stream, losses[i]);
    }
    answered = results;
    return results;
  };

  return {
    size,
    canLose: true,
    addModule(...module) {
      modules.push(module);
      for (const { executor } of executors) executor.addModule(...module);
    },
    provideMemory: (executor, spec) =>
      executors[executor]!.addMemory(spec.agentNumber, memories.provide(executor, spec)),
    memoryOf: (agentNumber) => memories.memoryOf(agentNumber),
    releaseMemory: (agentNumber, reuse) => memories.release(agentNumber, reuse),
    collect: () => memories.collect(),
    run(streams) {
      for (const result of answered)
        if (result !== undefined && result !== 'lost') result.words.fill(0xdeadbeef, 0, result.used);
      for (const dead of lost) dead.haunt(chance);
      const losses = streams.map((stream) => (stream === undefined ? undefined : lossAt(runs++)));
      if (losses.some((loss) => loss !== undefined) || chance.oneIn(3)) return runAll(streams, losses);
      answered = streams.map((stream, i) =>
        stream === undefined ? undefined : runOne(i, stream, undefined),
      );
      return answered;
    },
    replace(executor) {
      memories.forget(executor);
      lost.push(executors[executor]!);
      executors[executor] = new SimExecutor(tables);
      for (const module of modules) executors[executor]!.executor.addModule(...module);
    },
    close: async () => {},
  };
}
