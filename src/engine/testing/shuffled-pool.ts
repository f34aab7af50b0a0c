// A pool whose executors run in an order drawn from a seed, answer after random waits, and may be lost. For tests.

import { type PrngState, prngFromBytes, prngNext } from '../../base/prng.ts';
import { Executor } from '../../sandbox/executor.ts';
import type { Pool, ResultStreams } from '../../sandbox/index.ts';
import { MemoryStore } from '../../sandbox/memory-store.ts';
import type { SystemTables } from '../../sandbox/tables.ts';

export interface ShuffledPoolOptions {
  readonly size: number;
  readonly seed: number;
  /** One of so many streams is lost, before or after it ran; 0: none. */
  readonly lossIn?: number;
}

type Module = Parameters<Pool['addModule']>;

async function wait(prng: PrngState): Promise<void> {
  if (prngNext(prng) % 4 !== 0) return;
  for (let turns = prngNext(prng) % 3; turns > 0; turns--) {
    await new Promise((resolve) => (turns % 2 === 0 ? setImmediate(resolve) : setTimeout(resolve, 0)));
  }
}

function shuffled(count: number, prng: PrngState): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = prngNext(prng) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

export function createShuffledPool(tables: SystemTables, options: ShuffledPoolOptions): Pool {
  const { size, seed, lossIn = 0 } = options;
  const executors = Array.from({ length: size }, () => new Executor(tables));
  const memories = new MemoryStore();
  const modules: Module[] = [];
  const prng = prngFromBytes(new Uint8Array(16).fill(seed % 251, 0, 15));
  const ran = executors.map(() => 0);
  /** While an executor is told again what it was told before, it is not lost. */
  const sparedUntil = executors.map(() => 0);
  const isLost = (executor: number): boolean => {
    const run = ++ran[executor]!;
    return lossIn > 0 && run > sparedUntil[executor]! && prngNext(prng) % lossIn === 0;
  };
  return {
    size,
    canLose: true,
    addModule(...module) {
      modules.push(module);
      for (const executor of executors) executor.addModule(...module);
    },
    provideMemory: (executor, spec) =>
      executors[executor]!.addMemory(spec.agentNumber, memories.provide(executor, spec)),
    memoryOf: (agentNumber) => memories.memoryOf(agentNumber),
    releaseMemory: (agentNumber, reuse) => memories.release(agentNumber, reuse),
    collect: () => memories.collect(),
    async run(streams): Promise<ResultStreams> {
      const results: ResultStreams[number][] = streams.map(() => undefined);
      for (const i of shuffled(streams.length, prng)) {
        const stream = streams[i];
        if (stream === undefined) continue;
        await wait(prng);
        results[i] = executors[i]!.execute(stream.words, stream.bytes);
        if (isLost(i)) results[i] = 'lost';
      }
      return results;
    },
    replace(executor) {
      memories.forget(executor);
      sparedUntil[executor] = ran[executor]! * 2 + 1;
      executors[executor] = new Executor(tables);
      for (const module of modules) executors[executor]!.addModule(...module);
    },
    close: async () => {},
  };
}
