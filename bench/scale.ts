// How cost grows: with agents of which few are active, with messages, with subscribers. Digests and the record are on.

import { programOf } from '../scripts/command-line.ts';
import { wholeNumber } from '../src/cli/command-options.ts';
import type { SystemDescription } from '../src/engine/index.ts';
import { agentModule } from './support/agents.ts';
import { median } from './support/measure.ts';
import { withRun } from './support/run.ts';

const { agents: agentsMax } = programOf('bench scale', 'How cost grows with the number of agents.')
  .option('--agents <count>', 'how many at most', wholeNumber(1000, 1e7), 100_000)
  .parse()
  .opts<{ readonly agents: number }>();
const active = 1000;

interface Figure {
  readonly tickMs: number;
  readonly startMs: number;
  readonly rssMiB: number;
}

/** `active` of `count` agents get a message in each tick, all in turn. */
async function sparse(count: number, residentAgentsMax: number, ticks: number): Promise<Figure> {
  const module = await agentModule('counter');
  const system: SystemDescription = {
    run: { seed: 1, agentsMax: count },
    host: { durability: 'batch', residentAgentsMax },
    agents: { counter: { module, count, limits: { memoryPagesMax: 1 } } },
  };
  return withRun(system, 0, async (orchestrator) => {
    const before = performance.now();
    await orchestrator.settle();
    const startMs = performance.now() - before;
    const times: number[] = [];
    for (let tick = 0; tick < ticks; tick++) {
      for (let i = 0; i < active; i++) {
        orchestrator.send(`0.${((tick * active + i) % count) + 1}`, { payload: new Uint8Array(8) });
      }
      const started = performance.now();
      await orchestrator.settle();
      times.push(performance.now() - started);
    }
    const rssMiB = process.memoryUsage().rss / 2 ** 20;
    return { tickMs: median(times.slice(Math.floor(ticks / 4))), startMs, rssMiB };
  });
}

/** One publication a tick to `count` subscribers. */
async function fanOut(count: number): Promise<number> {
  const system: SystemDescription = {
    run: { seed: 1, agentsMax: count + 1 },
    host: { durability: 'batch', residentAgentsMax: 12_000 },
    agents: {
      publisher: { module: await agentModule('publisher'), everyTick: true, capabilities: ['publish'] },
      sink: { module: await agentModule('sink'), count, subscriptions: ['all'] },
    },
    topics: { all: {} },
  };
  return withRun(system, 0, async (orchestrator) => {
    const times: number[] = [];
    let last = 0;
    await orchestrator.run({
      ticks: 40,
      onTick: ({ ticks }) => {
        const now = performance.now();
        if (ticks > 10) times.push(now - last);
        last = now;
      },
    });
    return median(times);
  });
}

function line(what: string, figure: string): void {
  console.log(`${what.padEnd(58)} ${figure}`);
}

console.log(`node ${process.version}; ${active} agents active a tick; medians`);
const base = await sparse(active, active, 60);
line(`${active} agents, all resident: tick`, `${base.tickMs.toFixed(2)} ms`);
for (let count = 4000; count < agentsMax; count *= 5) {
  const { tickMs } = await sparse(count, 4096, 24);
  line(
    `${count} agents, 4,096 resident: tick`,
    `${tickMs.toFixed(2)} ms, ${(tickMs / base.tickMs).toFixed(1)} times`,
  );
}
const large = await sparse(agentsMax, 4096, 24);
const times = (large.tickMs / base.tickMs).toFixed(1);
line(`${agentsMax} agents, 4,096 resident: tick`, `${large.tickMs.toFixed(2)} ms, ${times} times`);
line(`${agentsMax} agents: all initialised after`, `${(large.startMs / 1000).toFixed(1)} s`);
line(`${agentsMax} agents: memory of the process`, `${Math.round(large.rssMiB)} MiB`);
for (const count of [10, 100, 1000, 10_000]) {
  const tickMs = await fanOut(count);
  line(
    `publish to ${count} subscribers: tick`,
    `${tickMs.toFixed(3)} ms, ${((tickMs / count) * 1000).toFixed(2)} µs each`,
  );
}
