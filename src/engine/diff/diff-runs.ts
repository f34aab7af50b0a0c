// The first place where two recorded runs differ: the tick, then the input, the agent's task and effect, or the memory.

import { bytesEqual } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { decodeEvent, type Input, readEvents } from '../../log/index.ts';
import { hostDefaults, type SystemConfig } from '../config/system-config.ts';
import { type LoadedRun, loadRun, newestSnapshot } from '../load-run.ts';
import { Machine } from '../machine.ts';
import { openPool } from '../open-pool.ts';
import { prepareModules } from '../prepare-modules.ts';
import { sha256 } from '../sha256.ts';
import { firstDifference, inputDifference, type TickDifference } from './first-difference.ts';
import { readTranscript, type TranscriptContent } from './transcript-reader.ts';

export interface RunDifference {
  /** Whether anything differs, where both runs have a record. */
  readonly equal: boolean;
  /** The last tick whose digest both runs have; for a fork, at least the tick it began from. 0: they differ at once. */
  readonly lastEqualTick: number;
  /** Parts of the configuration that differ, such as `run.seed`. */
  readonly configuration: readonly string[];
  /** The first tick that differs in what happened. */
  readonly first: TickDifference | undefined;
  /** Where one record ends and the other goes on with equal ticks before: the longer one. */
  readonly longer: 'a' | 'b' | undefined;
}

/** The recorded ticks of a run, in order. */
interface Timeline {
  readonly ticks: readonly number[];
  readonly digests: readonly Uint8Array[];
  readonly inputs: ReadonlyMap<number, readonly Input[]>;
}

/**
 * Compares two runs. Equal digests are trusted; what lies behind the last equal one is executed again, side by side.
 * @throws EngineError what `replayRun` throws
 */
export async function diffRuns(pathA: string, pathB: string): Promise<RunDifference> {
  const runs = [await loadRun(pathA), await loadRun(pathB)] as const;
  // What lies before the snapshot that a fork began from is the other run's own.
  const start = Math.max(runs[0].base?.tick ?? 0, runs[1].base?.tick ?? 0);
  const whole = [readTimeline(runs[0]), readTimeline(runs[1])] as const;
  const [a, b] = [behind(whole[0], start), behind(whole[1], start)];
  const configuration = differingPaths(runs[0].config, runs[1].config);
  const common = Math.min(a.ticks.length, b.ticks.length);
  let equal = 0;
  while (equal < common && sameTick(a, b, equal)) equal++;
  const lastEqualTick = equal === 0 ? start : a.ticks[equal - 1]!;
  const facts = { lastEqualTick, configuration };
  if (equal === common && a.ticks.length === b.ticks.length) {
    return { ...facts, equal: configuration.length === 0, first: undefined, longer: undefined };
  }
  if (equal === common) {
    const longer = a.ticks.length > b.ticks.length ? 'a' : 'b';
    return { ...facts, equal: false, first: undefined, longer };
  }
  const first = await executeSideBySide(runs, whole, lastEqualTick);
  return { ...facts, equal: false, first, longer: undefined };
}

/** The part of a timeline behind a tick. */
function behind({ ticks, digests, inputs }: Timeline, start: number): Timeline {
  const first = ticks.filter((tick) => tick <= start).length;
  return { ticks: ticks.slice(first), digests: digests.slice(first), inputs };
}

function readTimeline({ directory }: LoadedRun): Timeline {
  const ticks: number[] = [];
  const digests: Uint8Array[] = [];
  const inputs = new Map<number, readonly Input[]>();
  for (const { channel, tick, payload } of readEvents(directory, { channels: ['inputs', 'digests'] })) {
    if (channel === 'inputs') inputs.set(tick, decodeEvent('inputs', payload).inputs);
    else {
      ticks.push(tick);
      digests.push(decodeEvent('digests', payload).digest);
    }
  }
  return { ticks, digests, inputs };
}

function sameTick(a: Timeline, b: Timeline, index: number): boolean {
  return a.ticks[index] === b.ticks[index] && bytesEqual(a.digests[index]!, b.digests[index]!);
}

/** Paths of the values that differ, in the order of the first configuration. */
function differingPaths(a: unknown, b: unknown, path = ''): string[] {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return a === b ? [] : [path];
  }
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) =>
    differingPaths(
      (a as Record<string, unknown>)[key],
      (b as Record<string, unknown>)[key],
      path === '' ? key : `${path}.${key}`,
    ),
  );
}

interface Side {
  readonly machine: Machine;
  readonly timeline: Timeline;
  readonly close: () => Promise<void>;
}

async function openSide(run: LoadedRun, timeline: Timeline, lastEqualTick: number): Promise<Side> {
  const { config, modules } = run as { config: SystemConfig; modules: LoadedRun['modules'] };
  const pool = openPool(config, { workers: 0, blocking: true });
  const { residentAgentsMax } = hostDefaults;
  const options = { config, modules: await prepareModules(config, modules), pool, sha256, residentAgentsMax };
  const machine = new Machine(options, newestSnapshot(run, lastEqualTick));
  return { machine, timeline, close: () => pool.close() };
}

/** Steps both runs until what happened in a tick differs. */
async function executeSideBySide(
  runs: readonly [LoadedRun, LoadedRun],
  timelines: readonly [Timeline, Timeline],
  lastEqualTick: number,
): Promise<TickDifference | undefined> {
  const a = await openSide(runs[0], timelines[0], lastEqualTick);
  const b = await openSide(runs[1], timelines[1], lastEqualTick);
  try {
    const ticksA = timelines[0].ticks.filter((tick) => tick > a.machine.state.tick);
    const ticksB = timelines[1].ticks.filter((tick) => tick > b.machine.state.tick);
    // A side that begins at a later snapshot has executed what the other still has to.
    const start = Math.max(a.machine.state.tick, b.machine.state.tick);
    const rest = [await advance(a, ticksA, start), await advance(b, ticksB, start)] as const;
    for (let i = 0; i < Math.max(rest[0].length, rest[1].length); i++) {
      const [tickA, tickB] = [rest[0][i], rest[1][i]];
      if (tickA === undefined || tickB === undefined || tickA !== tickB) {
        return {
          tick: Math.min(tickA ?? Number.MAX_SAFE_INTEGER, tickB ?? Number.MAX_SAFE_INTEGER),
          what: 'clock',
          a: tickText(tickA),
          b: tickText(tickB),
        };
      }
      const [contentA, contentB] = [await stepOnce(a, tickA), await stepOnce(b, tickB)];
      const inputs = (side: Side): readonly Input[] => side.timeline.inputs.get(tickA) ?? [];
      const found =
        inputDifference(tickA, inputs(a), inputs(b)) ??
        firstDifference(tickA, { ...a, content: contentA }, { ...b, content: contentB });
      if (found !== undefined) return found;
    }
    return undefined;
  } finally {
    await a.close();
    await b.close();
  }
}

function tickText(tick: number | undefined): string {
  return tick === undefined ? 'the record has ended' : `the next tick is ${tick}`;
}

async function advance(side: Side, ticks: readonly number[], until: number): Promise<readonly number[]> {
  const rest = ticks.filter((tick) => tick > until);
  for (const tick of ticks) if (tick <= until) await stepOnce(side, tick);
  return rest;
}

async function stepOnce({ machine, timeline }: Side, tick: number): Promise<TranscriptContent> {
  const executed = await machine.step(tick, timeline.inputs.get(tick) ?? []);
  const index = timeline.ticks.indexOf(tick);
  if (!bytesEqual(executed.digest, timeline.digests[index]!)) {
    throw new EngineError(
      'replay-diverged',
      `Cannot compare: tick ${tick} does not give its recorded digest`,
      { tick },
    );
  }
  return readTranscript(executed.committed.transcript);
}
