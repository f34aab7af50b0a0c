// The first place where two recorded runs differ: the tick, then the input, the agent's task and effect, or what the
// agent holds.

import { bytesEqual, encodeHex } from '../../base/encoding.ts';
import { type LoadedRun, loadRun } from '../record/load-run.ts';
import { type ConfigDifference, configDifferences } from './config-difference.ts';
import { firstDifference, inputDifference, type TickDifference } from './first-difference.ts';
import { instanceDifference } from './instance-difference.ts';
import { Side } from './side.ts';
import { equalTicks, Timeline } from './timeline.ts';

export interface RunDifference {
  /** Whether nothing differs, in what both records have. */
  readonly equal: boolean;
  /** The last tick whose digest both runs have; for a fork, at least the tick it began from. 0: they differ at once. */
  readonly lastEqualTick: number;
  /** Values of the configuration that differ, seed and modules included. */
  readonly configuration: readonly ConfigDifference[];
  /** The first tick that differs in what happened. */
  readonly first: TickDifference | undefined;
  /** Where one record ends and the other goes on with equal ticks before: the longer one. */
  readonly longer: 'a' | 'b' | undefined;
}

/**
 * Compares two runs. Equal digests are trusted; what lies behind the last equal one is executed again, side by side.
 * @throws EngineError what `replayRun` throws
 */
export async function diffRuns(pathA: string, pathB: string): Promise<RunDifference> {
  const [a, b] = [await loadRun(pathA), await loadRun(pathB)];
  const [ticksA, ticksB] = [new Timeline(a), new Timeline(b)];
  const configuration = configDifferences(a.config, b.config);
  // What lies before the snapshot that a run began from is not in its record.
  const start = Math.max(a.base?.tick ?? 0, b.base?.tick ?? 0);
  const base = baseDifference(start, { run: a, ticks: ticksA }, { run: b, ticks: ticksB });
  if (base !== undefined) {
    return { equal: false, lastEqualTick: 0, configuration, first: base, longer: undefined };
  }
  const [fromA, fromB] = [ticksA.countUpTo(start), ticksB.countUpTo(start)];
  const equal = equalTicks(ticksA, fromA, ticksB, fromB);
  const lastEqualTick = equal === 0 ? start : ticksA.ticks[fromA + equal - 1]!;
  const facts = { lastEqualTick, configuration };
  const [restA, restB] = [ticksA.ticks.length - fromA - equal, ticksB.ticks.length - fromB - equal];
  if (restA === 0 || restB === 0) {
    const longer = restA > 0 ? 'a' : restB > 0 ? 'b' : undefined;
    const isEqual = longer === undefined && configuration.length === 0;
    return { ...facts, equal: isEqual, first: undefined, longer };
  }
  const first = await executeSideBySide(a, b, lastEqualTick);
  return { ...facts, equal: false, first, longer: undefined };
}

interface Recorded {
  readonly run: LoadedRun;
  readonly ticks: Timeline;
}

/** Where a run begins from a snapshot, the other must have been in the same state there. */
function baseDifference(start: number, a: Recorded, b: Recorded): TickDifference | undefined {
  if (start === 0) return undefined;
  const [digestA, digestB] = [digestAt(a, start), digestAt(b, start)];
  if (digestA !== undefined && digestB !== undefined && bytesEqual(digestA, digestB)) return undefined;
  const text = (digest: Uint8Array | undefined): string =>
    digest === undefined ? 'the record does not reach it' : `digest ${encodeHex(digest)}`;
  return { tick: start, what: 'base', a: text(digestA), b: text(digestB) };
}

/** The digest of the last tick up to `tick`; undefined where the record ends before. */
function digestAt({ run, ticks }: Recorded, tick: number): Uint8Array | undefined {
  const count = ticks.countUpTo(tick);
  if (count > 0)
    return ticks.ticks.length > count || ticks.ticks[count - 1] === tick
      ? ticks.digest(count - 1)
      : undefined;
  return run.base?.tick === tick ? run.base.digest : undefined;
}

/** Steps both runs until what happened in a tick differs. */
async function executeSideBySide(
  runA: LoadedRun,
  runB: LoadedRun,
  lastEqualTick: number,
): Promise<TickDifference | undefined> {
  const a = await Side.open(runA, lastEqualTick);
  try {
    const b = await Side.open(runB, lastEqualTick);
    try {
      return await stepBoth(a, b);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

async function stepBoth(a: Side, b: Side): Promise<TickDifference | undefined> {
  const before = await differingAgents(a, b);
  while (a.nextTick !== undefined || b.nextTick !== undefined) {
    const [tick, tickB] = [a.nextTick, b.nextTick];
    if (tick === undefined || tick !== tickB) {
      const earliest = Math.min(tick ?? Number.MAX_SAFE_INTEGER, tickB ?? Number.MAX_SAFE_INTEGER);
      return { tick: earliest, what: 'clock', a: tickText(tick), b: tickText(tickB) };
    }
    const [stepA, stepB] = [await a.step(), await b.step()];
    const inputs = inputDifference(tick, a, stepA.inputs, stepB.inputs);
    if (inputs !== undefined) return inputs;
    const executed = [
      { side: a, content: stepA.content },
      { side: b, content: stepB.content },
    ] as const;
    const found = await firstDifference(tick, ...executed);
    if (found !== undefined) return explained(found, a, b, before);
  }
  return undefined;
}

/** Adds what the agent holds, and whether that differed before. */
async function explained(
  found: TickDifference,
  a: Side,
  b: Side,
  before: ReadonlySet<string>,
): Promise<TickDifference> {
  const { agent } = found;
  const number = a.machine.state.agents.find((candidate) => candidate?.name === agent)?.number;
  if (agent === undefined || number === undefined) return found;
  const instance = found.instance ?? (await instanceDifference(a, b, number));
  return {
    ...found,
    ...(instance !== undefined && { instance }),
    ...(before.has(agent) && { earlier: true }),
  };
}

/** Names of agents that hold different things though no digest tells it: of another module, or a bug. */
async function differingAgents(a: Side, b: Side): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  if (a.machine.state.tick === 0) return names;
  for (const agent of a.machine.state.agents) {
    if (agent === undefined) continue;
    if ((await instanceDifference(a, b, agent.number)) !== undefined) names.add(agent.name);
  }
  return names;
}

function tickText(tick: number | undefined): string {
  return tick === undefined ? 'the record has ended' : `the next tick is ${tick}`;
}
