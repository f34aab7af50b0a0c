// Snapshots of 1,000 agents: the whole of it, and some in which 1 % of the pages have changed, as a run takes one after
// the other. Throughput counts all of the agents' memory; the stall is how long the next tick has to wait, and the rest
// happens while the run goes on.

import { join } from 'node:path';
import { createSystem } from '../../src/engine/index.ts';
import { createInput } from '../../src/engine/input/host-inputs.ts';
import { prepareModules } from '../../src/engine/modules/prepare-modules.ts';
import { sha256 } from '../../src/engine/sha256.ts';
import { SnapshotSchedule } from '../../src/engine/snapshot/schedule.ts';
import { SnapshotStore } from '../../src/engine/snapshot/store.ts';
import { Machine } from '../../src/engine/turns/machine.ts';
import { openPool } from '../../src/engine/turns/open-pool.ts';
import { createRunDirectory, InputKind } from '../../src/log/index.ts';
import { agentModule } from '../support/agents.ts';
import { inFolder } from '../support/folder.ts';
import { median, report } from '../support/measure.ts';
import { now, type TimeKind, timeKinds, timeNames } from '../support/times.ts';

const agentCount = 1000;
const rounds = 5;
const changesPerRound = 4;

/** Medians of what a snapshot takes, and of the part that the next tick has to wait for. */
interface Cost {
  readonly whole: Record<TimeKind, number[]>;
  readonly stall: Record<TimeKind, number[]>;
}

async function measure(pageCount: number): Promise<{ readonly full: Cost; readonly changed: Cost }> {
  const times = (): Record<TimeKind, number[]> => ({ wall: [], thread: [], process: [] });
  const cost = (): Cost => ({ whole: times(), stall: times() });
  const [full, changed] = [cost(), cost()];
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
      const schedule = new SnapshotSchedule(new SnapshotStore(directory), 0, 10);
      const take = async ({ whole, stall }: Cost): Promise<void> => {
        const started = now();
        await schedule.take(machine);
        const captured = now();
        await schedule.settled();
        const written = now();
        for (const kind of timeKinds) {
          stall[kind].push(captured[kind] - started[kind]);
          whole[kind].push(written[kind] - started[kind]);
        }
      };
      await take(full);
      for (let change = 0; change < changesPerRound; change++) {
        const inputs = Array.from({ length: changedAgents }, (_, i) =>
          createInput(InputKind.message, { counter: (i % agentCount) + 1, payload: new Uint8Array(8) }),
        );
        await machine.step(machine.state.tick + 1, inputs);
        await take(changed);
      }
      directory.unlock();
    });
  }
  await pool.close();
  return { full, changed };
}

export async function reportSnapshots(): Promise<void> {
  const pageCount = 3;
  const { full, changed } = await measure(pageCount);
  const megabytes = (agentCount * (pageCount + 1) * 65_536) / 1e6;
  const high = { low: false } as const;
  const low = { low: true } as const;
  for (const kind of timeKinds) {
    const by = timeNames[kind];
    const fullMs = median(full.whole[kind]);
    if (kind === 'wall') {
      report(`the first one of the process, ${by}`, (megabytes / full.whole[kind][0]!) * 1000, 'MB/s');
      report(`the first one of the process, stall, ${by}`, full.stall[kind][0]!, 'ms');
    }
    const ratio = fullMs / median(changed.whole[kind]);
    report(`full snapshot, ${by}`, (megabytes / fullMs) * 1000, 'MB/s', { must: 500, aim: 1000, ...high });
    report(`1 % of pages changed: cheaper, ${by}`, ratio, 'x', { must: 20, aim: 40, ...high });
    if (kind === 'process') continue;
    report(`full, stall, ${by}`, median(full.stall[kind]), 'ms', { must: 500, aim: 100, ...low });
    report(`1 %, stall, ${by}`, median(changed.stall[kind]), 'ms', { must: 50, aim: 10, ...low });
  }
}
