// One process that holds a number of agents, each with one page touched, and tells its parent what memory they take.

import { existsSync, readFileSync } from 'node:fs';
import { agentModule } from './agents.ts';
import { withRun } from './run.ts';

/** In KiB. */
export interface MemoryUse {
  readonly resident: number;
  readonly heap: number;
  /** Address space; not a number where the operating system does not tell. */
  readonly virtual: number;
}

/** Ticks after which every agent has run a few times. */
const ticks = 5;
const statusFile = '/proc/self/status';

function memoryUse(): MemoryUse {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const status = existsSync(statusFile) ? readFileSync(statusFile, 'utf8') : '';
  const virtual = Number(/^VmSize:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
  return { resident: rss / 1024, heap: heapUsed / 1024, virtual };
}

const count = Number(process.argv[2]);
const agents = { counter: { module: await agentModule('counter'), count, everyTick: true } };
const host = { durability: 'none', residentAgentsMax: 12_000 } as const;
await withRun({ run: { seed: 1, agentsMax: count }, host, agents }, 0, async (orchestrator) => {
  await orchestrator.run({
    ticks: ticks + 1,
    onTick: (progress) => {
      if (progress.ticks === ticks) process.send?.(memoryUse());
    },
  });
});
process.disconnect?.();
