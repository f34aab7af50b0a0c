// A pool whose executors run in an order drawn from a seed and answer after random waits. For tests.

import { prngFromBytes, prngNext } from '../../base/prng.ts';
import { Executor } from '../../sandbox/executor.ts';
import type { Pool, ResultStreams } from '../../sandbox/index.ts';
import type { SystemTables } from '../../sandbox/tables.ts';

export function createShuffledPool(tables: SystemTables, size: number, seed: number): Pool {
  const executors = Array.from({ length: size }, () => new Executor(tables));
  const prng = prngFromBytes(new Uint8Array(16).fill(seed % 251, 0, 15));
  const wait = async (): Promise<void> => {
    for (let turns = prngNext(prng) % 3; turns > 0; turns--) {
      await new Promise((resolve) => (turns % 2 === 0 ? setImmediate(resolve) : setTimeout(resolve, 0)));
    }
  };
  return {
    size,
    addModule: (index, module) => {
      for (const executor of executors) executor.addModule(index, module);
    },
    addMemory: (executor, agentNumber, memory) => executors[executor]!.addMemory(agentNumber, memory),
    async run(streams): Promise<ResultStreams> {
      const results: (ResultStreams[number] | undefined)[] = streams.map(() => undefined);
      const order = streams.map((_, i) => i);
      for (let i = order.length - 1; i > 0; i--) {
        const j = prngNext(prng) % (i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      for (const i of order) {
        const stream = streams[i];
        if (stream === undefined) continue;
        if (prngNext(prng) % 4 === 0) await wait();
        results[i] = executors[i]!.execute(stream.words, stream.bytes);
      }
      return results;
    },
    close: async () => {},
  };
}
