// Snapshots of 1,000 agents: the whole of it, and one in which 1 % of the pages have changed. Throughput counts all of
// the agents' memory; the stall is how long the next tick has to wait, and the rest happens while the run goes on.

import { join } from 'node:path';
import { createInput } from '../../src/engine/host-inputs.ts';
import { createSystem } from '../../src/engine/index.ts';
import { Machine } from '../../src/engine/machine.ts';
import { openPool } from '../../src/engine/open-pool.ts';
import { prepareModules } from '../../src/engine/prepare-modules.ts';
import { sha256 } from '../../src/engine/sha256.ts';
import { SnapshotStore } from '../../src/engine/snapshot/store.ts';
import { createRunDirectory, InputKind } from '../../src/log/index.ts';
import { agentModule } from '../support/agents.ts';
import { inFolder } from '../support/folder.ts';
import { median, report } from '../support/measure.ts';

const agentCount = 1000;
const rounds = 5;

interface Times {
  readonly fullMs: number[];
  readonly fullStallMs: number[];
  readonly changedMs: number[];
  readonly changedStallMs: number[];
}

/** @param distinct whether no two agents' pages are alike; otherwise their pages are those of one */
async function measure(pageCount: number): Promise<Times> {
  const times: Times = { fullMs: [], fullStallMs: [], changedMs: [], changedStallMs: [] };
  const module = await agentModule('pages', pageCount);
  const limits = { fuelPerTask: 50_000_000 };
  const system = await createSystem({
    run: { seed: 1 },
    agents: { pages: { module, count: agentCount, limits, capabilities: ['random'] } },
  });
  const { config, modules } = system;
  const prepared = await prepareModules(config, modules);
  const pool = openPool(config, { workers: 0, blocking: true });
  const machine = new Machine({ config, modules: prepared, pool, sha256, residentAgentsMax: 4096 });
  const changedAgents = Math.max(1, Math.round((agentCount * pageCount) / 100));
  machine.step(1, []);
  for (let round = 0; round < rounds; round++) {
    await inFolder(async (folder) => {
      const manifest = { format: 1, runId: '0'.repeat(32), engine: '0', durability: 'none', costTable: 1 };
      const contents = { manifest, config: new Uint8Array(2), modules: new Map() };
      const directory = createRunDirectory(join(folder, 'run'), contents);
      const store = new SnapshotStore(directory);
      const take = async (all: number[], stalls: number[]): Promise<void> => {
        const startedMs = performance.now();
        const captured = await machine.capture();
        stalls.push(performance.now() - startedMs);
        await store.write(captured, 10);
        all.push(performance.now() - startedMs);
      };
      await take(times.fullMs, times.fullStallMs);
      const inputs = Array.from({ length: changedAgents }, (_, i) =>
        createInput(InputKind.message, { counter: (i % agentCount) + 1, payload: new Uint8Array(8) }),
      );
      await machine.step(machine.state.tick + 1, inputs);
      await take(times.changedMs, times.changedStallMs);
      directory.unlock();
    });
  }
  await pool.close();
  return times;
}

export async function reportSnapshots(): Promise<void> {
  const pageCount = 3;
  const { fullMs, fullStallMs, changedMs, changedStallMs } = await measure(pageCount);
  const megabytes = (agentCount * (pageCount + 1) * 65_536) / 1e6;
  const full = median(fullMs);
  const high = { low: false } as const;
  report('full snapshot, agent memory', (megabytes / full) * 1000, 'MB/s', { must: 500, aim: 1000, ...high });
  report('full snapshot, stall of the tick', median(fullStallMs), 'ms', { must: 500, aim: 100, low: true });
  report('1 % of pages changed: cheaper by', full / median(changedMs), 'x', { must: 20, aim: 40, ...high });
  report('1 % of pages changed, stall', median(changedStallMs), 'ms', { must: 50, aim: 10, low: true });
}
