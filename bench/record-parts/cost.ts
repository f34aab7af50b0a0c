// What the record costs a run: the same ticks by a machine alone, and by a run that records them with durability
// `batch`. Both compute digests. The two take turns, within one process; and there are several pairs of them, since
// where the objects of each happen to lie in memory is worth some per cent.

import { createSystem, type SystemDescription } from '../../src/engine/index.ts';
import { createInput } from '../../src/engine/input/host-inputs.ts';
import { prepareModules } from '../../src/engine/modules/prepare-modules.ts';
import { sha256 } from '../../src/engine/sha256.ts';
import { Machine } from '../../src/engine/turns/machine.ts';
import { openPool } from '../../src/engine/turns/open-pool.ts';
import { InputKind } from '../../src/log/index.ts';
import { agentModule } from '../support/agents.ts';
import { median, report } from '../support/measure.ts';
import { withRun } from '../support/run.ts';
import { now } from '../support/times.ts';

const pairs = 5;
/** Of a pair: many short ones, since what else the machine does hits both. */
const rounds = 50;
const warmUpRounds = 10;
const host = { durability: 'batch' } as const;

interface Case {
  readonly what: string;
  readonly system: SystemDescription;
  /** Messages at the start, one to an agent. */
  readonly messages: number;
  readonly roundTicks: number;
}

async function cases(): Promise<readonly Case[]> {
  const ring = { module: await agentModule('ring', 100), count: 100, capabilities: ['send'] as const };
  const summer = { module: await agentModule('busy'), count: 50, everyTick: true };
  return [
    {
      what: 'agents that do next to nothing: ring of 100',
      system: { run: { seed: 1 }, host, agents: { ring } },
      messages: 100,
      roundTicks: 300,
    },
    {
      what: 'agents that work: 50, each sums 16 KiB a tick',
      system: { run: { seed: 1 }, host, agents: { summer } },
      messages: 0,
      roundTicks: 30,
    },
  ];
}

async function createMachine(description: SystemDescription): Promise<Machine> {
  const { config, modules } = await createSystem(description);
  const pool = openPool(config, { workers: 0, blocking: true });
  const prepared = await prepareModules(config, modules);
  return new Machine({ config, modules: prepared, pool, sha256, residentAgentsMax: 4096 });
}

type Ratios = Record<'wall' | 'thread', number[]>;

/** By how much the run takes longer than the machine, by the clock and in time of its thread, round by round. */
async function measure({ system, messages, roundTicks }: Case, ratios: Ratios): Promise<void> {
  const machine = await createMachine(system);
  const payload = new Uint8Array(8);
  const start = Array.from({ length: messages }, (_, i) =>
    createInput(InputKind.message, { counter: i + 1, payload }),
  );
  machine.step(1, start);
  await withRun(system, 0, async (orchestrator) => {
    for (let i = 1; i <= messages; i++) orchestrator.send(`0.${i}`, { payload });
    let begun = now();
    const onTick = ({ ticks }: { readonly ticks: number }): void => {
      if (ticks % roundTicks !== 0) return;
      const recorded = now();
      for (let i = 0; i < roundTicks; i++) machine.step(machine.state.tick + 1, []);
      const bare = now();
      for (const kind of ['wall', 'thread'] as const) {
        const ratio = (recorded[kind] - begun[kind]) / (bare[kind] - recorded[kind]);
        if (ticks > warmUpRounds * roundTicks) ratios[kind].push(ratio);
      }
      begun = now();
    };
    await orchestrator.run({ ticks: (rounds + warmUpRounds) * roundTicks + 1, onTick });
  });
}

export async function reportCost(): Promise<void> {
  for (const each of await cases()) {
    const ratios: Ratios = { wall: [], thread: [] };
    for (let i = 0; i < pairs; i++) await measure(each, ratios);
    console.log(each.what);
    const [wall, thread] = [ratios.wall, ratios.thread].map((list) => (median(list) - 1) * 100);
    report('  the log adds, by the clock', wall!, '%', { must: 10, aim: 5, low: true });
    report('  the log adds, time of the thread', thread!, '%', { must: 10, aim: 5, low: true });
  }
}
