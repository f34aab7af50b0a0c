// A run of a million ticks: how long its replay takes beside it, and how long it takes to stand at any of its ticks.

import { join } from 'node:path';
import { createSystem, Orchestrator, replayRun } from '../../src/engine/index.ts';
import { loadRun } from '../../src/engine/record/load-run.ts';
import { type Rewound, rewind } from '../../src/engine/replay/rewind.ts';
import { agentModule } from '../support/agents.ts';
import { inFolder } from '../support/folder.ts';
import { median, report } from '../support/measure.ts';
import { type TimeKind, timeNames, timesOf } from '../support/times.ts';

const places = [0.999_999, 0.5, 0.123_45, 0.75, 0.000_1, 0.33, 0.9];

export async function reportReplay(ticks: number): Promise<void> {
  const counter = { module: await agentModule('counter'), count: 4, everyTick: true };
  const host = { durability: 'batch', snapshotTicks: 10_000 } as const;
  const system = await createSystem({ run: { seed: 1 }, host, agents: { counter } });
  await inFolder(async (folder) => {
    const runDirectory = join(folder, 'run');
    const run = await Orchestrator.create({ system, runDirectory });
    const runTimes = await timesOf(async () => {
      await run.run({ ticks });
    });
    const replayTimes = await timesOf(async () => {
      await replayRun(runDirectory);
    });
    console.log(`run of ${ticks} ticks: ${(runTimes.wall / 1000).toFixed(1)} s`);
    const seeks: Record<TimeKind, number>[] = [];
    for (const place of places) {
      let rewound: Rewound | undefined;
      const taken = await timesOf(async () => {
        rewound = await rewind(await loadRun(runDirectory), Math.max(1, Math.floor(place * ticks)));
      });
      seeks.push(taken);
      await rewound?.close();
    }
    for (const kind of ['wall', 'thread'] as const) {
      const by = timeNames[kind];
      const ratio = runTimes[kind] / replayTimes[kind];
      report(`replay, times as fast as the run, ${by}`, ratio, 'x', { must: 1, aim: 1.2, low: false });
      const values = seeks.map((taken) => taken[kind]);
      report(`seek to a tick, ${by}`, median(values), 'ms', { must: 2000, aim: 500, low: true });
      report(`seek, the slowest, ${by}`, Math.max(...values), 'ms', { must: 2000, aim: 500, low: true });
    }
  });
}
