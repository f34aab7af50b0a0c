// What the record costs a run: the same ticks by a run that records them with durability `batch`, by one that keeps
// nothing, and by a machine without the loop of a run. All compute digests. They take turns, within one process; and
// there are several of each, since where their objects happen to lie in memory is worth some per cent.

import type { SystemDescription } from '../../src/engine/index.ts';
import { createInput } from '../../src/engine/input/host-inputs.ts';
import { InputKind } from '../../src/log/index.ts';
import { agentModule } from '../support/agents.ts';
import { inFolder } from '../support/folder.ts';
import { median, report } from '../support/measure.ts';
import { withRun } from '../support/run.ts';
import { now } from '../support/times.ts';
import { unrecordedRun } from '../support/unrecorded.ts';

const pairs = 5;
/** Of a pair: many short ones, since what else the machine does hits both. */
const rounds = 100;
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

/** What the ticks of one round are measured against. */
const bases = ['the run without a record', 'a machine alone'] as const;
type Base = (typeof bases)[number];
type Kind = 'wall' | 'thread';
type Ratios = Record<Base, Record<Kind, number[]>>;

/** By how much the recorded ticks take longer, round by round. */
async function measure({ system, messages, roundTicks }: Case, ratios: Ratios): Promise<void> {
  const payload = new Uint8Array(8);
  const start = Array.from({ length: messages }, (_, i) =>
    createInput(InputKind.message, { counter: i + 1, payload }),
  );
  await inFolder(async (folder) => {
    const { machine, run } = await unrecordedRun(system, start, folder);
    const others: Record<Base, () => Promise<void>> = {
      'the run without a record': () => run(roundTicks),
      'a machine alone': async () => {
        for (let i = 0; i < roundTicks; i++) machine.step(machine.state.tick + 1, []);
      },
    };
    await withRun(system, 0, async (orchestrator) => {
      for (let i = 1; i <= messages; i++) orchestrator.send(`0.${i}`, { payload });
      let begun = now();
      const onTick = async (round: number): Promise<void> => {
        const recorded = now();
        const base = bases[round % bases.length]!;
        await others[base]();
        const bare = now();
        for (const kind of ['wall', 'thread'] as const) {
          const ratio = (recorded[kind] - begun[kind]) / (bare[kind] - recorded[kind]);
          if (round > warmUpRounds) ratios[base][kind].push(ratio);
        }
        begun = now();
      };
      await orchestrator.run({
        ticks: (rounds + warmUpRounds) * roundTicks + 1,
        onTick: ({ ticks }) => (ticks % roundTicks === 0 ? onTick(ticks / roundTicks) : undefined),
      });
    });
  });
}

export async function reportCost(): Promise<void> {
  for (const each of await cases()) {
    const ratios = Object.fromEntries(
      bases.map((base) => [base, { wall: [], thread: [] }]),
    ) as never as Ratios;
    for (let i = 0; i < pairs; i++) await measure(each, ratios);
    console.log(each.what);
    const [wall, thread] = (['wall', 'thread'] as const).map((kind) =>
      bases.map((base) => (median(ratios[base][kind]) - 1) * 100),
    );
    const wanted = { must: 10, aim: 5, low: true } as const;
    report('  the log adds, by the clock', wall![0]!, '%', wanted);
    report('  the log adds, time of the thread', thread![0]!, '%', wanted);
    report('  with the loop of a run, by the clock', wall![1]!, '%');
  }
}
