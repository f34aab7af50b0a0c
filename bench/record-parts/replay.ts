// A run of a million ticks: how long its replay takes beside it, and how long it takes to stand at any of its ticks.

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createSystem, Orchestrator, replayRun } from '../../src/engine/index.ts';
import { loadRun } from '../../src/engine/load-run.ts';
import { rewind } from '../../src/engine/rewind.ts';
import { agentModule } from '../support/agents.ts';
import { inFolder } from '../support/folder.ts';
import { median, report } from '../support/measure.ts';

const places = [0.999_999, 0.5, 0.123_45, 0.75, 0.000_1, 0.33, 0.9];

export async function reportReplay(): Promise<void> {
  const { values } = parseArgs({ options: { ticks: { type: 'string', default: '1000000' } }, strict: false });
  const ticks = Number(values.ticks);
  const counter = { module: await agentModule('counter'), count: 4, everyTick: true };
  const host = { durability: 'batch', snapshotTicks: 10_000 } as const;
  const system = await createSystem({ run: { seed: 1 }, host, agents: { counter } });
  await inFolder(async (folder) => {
    const runDirectory = join(folder, 'run');
    const run = await Orchestrator.create({ system, runDirectory });
    let startedMs = performance.now();
    await run.run({ ticks });
    const runMs = performance.now() - startedMs;
    startedMs = performance.now();
    await replayRun(runDirectory);
    const replayMs = performance.now() - startedMs;
    console.log(`run of ${ticks} ticks: ${(runMs / 1000).toFixed(1)} s`);
    report('replay, as fast as the run', runMs / replayMs, 'x', { must: 1, aim: 1.2, low: false });
    const seeks: number[] = [];
    for (const place of places) {
      startedMs = performance.now();
      const rewound = await rewind(await loadRun(runDirectory), Math.max(1, Math.floor(place * ticks)));
      seeks.push(performance.now() - startedMs);
      await rewound.close();
    }
    report('seek to a tick, median', median(seeks), 'ms', { must: 2000, aim: 500, low: true });
    report('seek to a tick, slowest', Math.max(...seeks), 'ms', { must: 2000, aim: 500, low: true });
  });
}
