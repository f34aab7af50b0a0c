// The engine's own speed: messages, ticks, spawns. Digests and the record are on, as in any run.
// Takes a part of a measurement's name and numbers of workers: --only ring --workers 0

import { programOf } from '../scripts/command-line.ts';
import { wholeNumber } from '../src/cli/command-options.ts';
import type { Orchestrator, SystemDescription } from '../src/engine/index.ts';
import { agentModule } from './support/agents.ts';
import { type Bounds, medianOf, type RateOptions, rateOf, report } from './support/measure.ts';
import { withRun } from './support/run.ts';

const host = { durability: 'batch', residentAgentsMax: 12_000 } as const;
const messageRounds: RateOptions = { counted: 'messages', warmUpTicks: 1000, roundTicks: 2000, rounds: 5 };
const messageBounds: Bounds = { must: 5e5, aim: 2e6, low: false };

interface Measurement {
  readonly what: string;
  readonly unit: string;
  readonly bounds: Bounds;
  readonly runs: number;
  /** Left out where threads say nothing more. */
  readonly inlineOnly?: boolean;
  readonly measure: (workers: number) => Promise<number>;
}

async function rate(
  system: Omit<SystemDescription, 'host'>,
  workers: number,
  options: RateOptions,
  begin: (orchestrator: Orchestrator) => void = () => {},
): Promise<number> {
  return withRun({ host, ...system }, workers, (orchestrator) => {
    begin(orchestrator);
    return rateOf(orchestrator, options);
  });
}

/** 100 agents in a circle, and 100 messages of 8 bytes that go round. */
async function ring(workers: number): Promise<number> {
  const module = await agentModule('ring', 100);
  const agents = { ring: { module, count: 100, capabilities: ['send'] as const } };
  return rate({ run: { seed: 1 }, agents }, workers, messageRounds, (orchestrator) => {
    for (let i = 1; i <= 100; i++) orchestrator.send(`0.${i}`, { payload: new Uint8Array(8) });
  });
}

/** One agent publishes 8 bytes a tick to 100 subscribers. */
async function fanOut(workers: number): Promise<number> {
  const capabilities = ['publish'] as const;
  const agents = {
    publisher: { module: await agentModule('publisher'), everyTick: true, capabilities },
    sink: { module: await agentModule('sink'), count: 100, subscriptions: ['all'] },
  };
  return rate({ run: { seed: 1 }, agents, topics: { all: {} } }, workers, messageRounds);
}

/** Milliseconds of a tick in which every agent runs one short step: the median of single ticks. */
async function tickMs(agentCount: number, ticks: number, workers: number): Promise<number> {
  const agents = {
    counter: { module: await agentModule('counter'), count: agentCount, everyTick: true },
  };
  const options: RateOptions = { counted: 'ticks', warmUpTicks: ticks / 4, roundTicks: 1, rounds: ticks };
  return 1000 / (await rate({ run: { seed: 1, agentsMax: agentCount }, agents }, workers, options));
}

/** An agent that spawns 250 others in each tick; their init is part of it. One long round: collections count too. */
async function spawns(workers: number): Promise<number> {
  const module = await agentModule('spawner', 250);
  const agents = {
    spawner: { module, everyTick: true, capabilities: ['spawn'] as const },
    sink: { module: await agentModule('sink'), count: 0 },
  };
  const options: RateOptions = { counted: 'agents', warmUpTicks: 4, roundTicks: 32, rounds: 1 };
  return rate({ run: { seed: 1, agentsMax: 10_000 }, agents }, workers, options);
}

const measurements: readonly Measurement[] = [
  {
    what: 'messages, ring of 100 with 100 tokens',
    unit: '1/s',
    bounds: messageBounds,
    runs: 3,
    measure: ring,
  },
  { what: 'messages, fan-out 1 to 100', unit: '1/s', bounds: messageBounds, runs: 3, measure: fanOut },
  {
    what: 'tick of 50 agents',
    unit: 'ms',
    bounds: { must: 1, aim: 0.1, low: true },
    runs: 3,
    measure: (workers) => tickMs(50, 4000, workers),
  },
  {
    what: 'tick of 10,000 agents',
    unit: 'ms',
    bounds: { must: 60, aim: 20, low: true },
    runs: 1,
    measure: (workers) => tickMs(10_000, 40, workers),
  },
  {
    what: 'spawns',
    unit: '1/s',
    bounds: { must: 10_000, aim: 25_000, low: false },
    runs: 5,
    inlineOnly: true,
    measure: spawns,
  },
];

const count = wholeNumber(0, 64);
const anotherCount = (text: string, previous: readonly number[] = []): readonly number[] => [
  ...previous,
  count(text),
];
const options = programOf('bench engine', "The engine's own speed.")
  .option('--only <text>', 'the measurements with this in their names', '')
  .option('--workers <counts...>', 'numbers of workers; 0 and 2 unless given', anotherCount)
  .parse()
  .opts<{ readonly only: string; readonly workers?: readonly number[] }>();
console.log(`node ${process.version}, ${process.platform} ${process.arch}; medians`);
for (const workers of options.workers ?? [0, 2]) {
  for (const { what, unit, bounds, runs, inlineOnly, measure } of measurements) {
    if (workers > 0 && inlineOnly === true) continue;
    if (!what.includes(options.only)) continue;
    const value = await medianOf(runs, () => measure(workers));
    report(`${what}, workers ${workers}`, value, unit, bounds);
  }
}
