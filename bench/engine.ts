// The engine's own speed: messages, ticks, spawns. Digests and the record are on, as in any run.

import { agentModule } from './support/agents.ts';
import { median, report } from './support/measure.ts';
import { withRun } from './support/run.ts';

const rounds = 5;
const host = { durability: 'batch' } as const;

async function ring(workers: number): Promise<number> {
  const module = await agentModule('ring', 100);
  const run = { seed: 1, agentsMax: 1000 };
  const agents = { ring: { module, count: 100, capabilities: ['send'] as const } };
  return withRun({ run, host, agents }, workers, async (orchestrator) => {
    for (let i = 1; i <= 100; i++) orchestrator.send(`0.${i}`, { payload: new Uint8Array(8) });
    const rates: number[] = [];
    let [started, last] = [0, 0];
    await orchestrator.run({
      ticks: 1000 + rounds * 2000,
      onTick: ({ ticks, messages }) => {
        if (ticks < 1000 || ticks % 2000 !== 1000) return;
        const now = performance.now();
        if (ticks > 1000) rates.push(((messages - last) / (now - started)) * 1000);
        [started, last] = [now, messages];
      },
    });
    return median(rates);
  });
}

async function fanOut(workers: number): Promise<number> {
  const agents = {
    publisher: {
      module: await agentModule('publisher'),
      everyTick: true,
      capabilities: ['publish'] as const,
    },
    sink: { module: await agentModule('sink'), count: 100, subscriptions: ['all'] },
  };
  return withRun({ run: { seed: 1 }, host, agents, topics: { all: {} } }, workers, async (orchestrator) => {
    const rates: number[] = [];
    let [started, last] = [0, 0];
    await orchestrator.run({
      ticks: 1000 + rounds * 2000,
      onTick: ({ ticks, messages }) => {
        if (ticks < 1000 || ticks % 2000 !== 1000) return;
        const now = performance.now();
        if (ticks > 1000) rates.push(((messages - last) / (now - started)) * 1000);
        [started, last] = [now, messages];
      },
    });
    return median(rates);
  });
}

async function tickOf(agentCount: number, ticks: number, workers: number): Promise<number> {
  const module = await agentModule('counter');
  const agents = { counter: { module, count: agentCount, everyTick: true } };
  return withRun({ run: { seed: 1, agentsMax: agentCount }, host, agents }, workers, async (orchestrator) => {
    const times: number[] = [];
    let last = 0;
    await orchestrator.run({
      ticks,
      onTick: (progress) => {
        const now = performance.now();
        if (progress.ticks > ticks / 4) times.push(now - last);
        last = now;
      },
    });
    return median(times);
  });
}

async function spawns(): Promise<{ rate: number; bytes: number }> {
  const agents = {
    spawner: { module: await agentModule('spawner', 250), everyTick: true, capabilities: ['spawn'] as const },
    sink: { module: await agentModule('sink'), count: 0 },
  };
  return withRun({ run: { seed: 1, agentsMax: 10_000 }, host, agents }, 0, async (orchestrator) => {
    const before = process.memoryUsage().rss;
    let [started, count] = [0, 0];
    let rate = 0;
    await orchestrator.run({
      ticks: 34,
      onTick: ({ ticks, agents: created }) => {
        if (ticks === 3) [started, count] = [performance.now(), created];
        if (ticks === 33) rate = ((created - count) / (performance.now() - started)) * 1000;
      },
    });
    return { rate, bytes: (process.memoryUsage().rss - before) / (30 * 250) };
  });
}

async function rounded(work: () => Promise<number>, count = 3): Promise<number> {
  const values: number[] = [];
  for (let i = 0; i < count; i++) values.push(await work());
  return median(values);
}

console.log(`node ${process.version}, ${process.platform} ${process.arch}; medians`);
for (const workers of [0, 2]) {
  const label = `workers ${workers}`;
  report(
    `messages, ring of 100 with 100 tokens, ${label}`,
    await rounded(() => ring(workers)),
    '1/s',
    5e5,
    2e6,
    false,
  );
  report(
    `messages, fan-out 1 to 100, ${label}`,
    await rounded(() => fanOut(workers)),
    '1/s',
    5e5,
    2e6,
    false,
  );
  report(`tick of 50 agents, ${label}`, await rounded(() => tickOf(50, 4000, workers)), 'ms', 1, 0.1, true);
  report(`tick of 10,000 agents, ${label}`, await tickOf(10_000, 40, workers), 'ms', 60, 20, true);
}
const values = await Promise.all([spawns()]);
report('spawns', values[0]!.rate, '1/s', 10_000, 25_000, false);
console.log(
  `memory an agent (one page, resident)${' '.repeat(21)} ${Math.round(values[0]!.bytes / 1024)} KiB`,
);
