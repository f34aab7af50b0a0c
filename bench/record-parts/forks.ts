// Forks of a system with 16 MiB of memory, at a tick that has a snapshot: from the call to a run that can take its next
// tick, with a run directory of its own that is on the disk.

import { join } from 'node:path';
import { createSystem, Orchestrator } from '../../src/engine/index.ts';
import { agentModule } from '../support/agents.ts';
import { inFolder } from '../support/folder.ts';
import { median, report } from '../support/measure.ts';
import { type TimeKind, timeKinds, timeNames, timesOf } from '../support/times.ts';

const agentCount = 64;
const pageCount = 3;
const rounds = 11;

export async function reportForks(): Promise<void> {
  const module = await agentModule('pages', pageCount);
  const limits = { fuelPerTask: 50_000_000 };
  const pages = { module, count: agentCount, limits, capabilities: ['random'] as const, everyTick: true };
  const system = await createSystem({ run: { seed: 1 }, host: { durability: 'batch' }, agents: { pages } });
  const times: Record<TimeKind, number>[] = [];
  await inFolder(async (folder) => {
    const from = join(folder, 'run');
    const run = await Orchestrator.create({ system, runDirectory: from });
    let tick = 0;
    await run.settle();
    tick = await run.saveSnapshot();
    await run.close();
    for (let round = 0; round < rounds; round++) {
      let fork: Orchestrator | undefined;
      const taken = await timesOf(async () => {
        fork = await Orchestrator.fork({ from, tick, runDirectory: join(folder, `fork-${round}`) });
      });
      times.push(taken);
      await fork?.close();
    }
  });
  const megabytes = (agentCount * (pageCount + 1) * 65_536) / 2 ** 20;
  for (const kind of timeKinds) {
    const value = median(times.map((taken) => taken[kind]));
    report(`fork of ${megabytes} MiB, ${timeNames[kind]}`, value, 'ms', { must: 50, aim: 25, low: true });
  }
}
