// Repairing a damaged record: what would be given up, and giving it up. A record that a crash merely cut off needs no
// repair.

import { bytesEqual } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { type OpenOptions, openRunDirectory, type RunDirectory } from '../../log/index.ts';
import { type LogRepair, planLogRepair, repairLog } from '../../log/repair/repair-log.ts';
import { type Survey, surveyLog } from '../../log/repair/survey.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import { checkBase } from './load-run.ts';

/** What a repair gives up. Copies of all of it are kept in the run directory. */
export interface RepairPlan {
  /** What is wrong, with `file` and `offset` in its details. */
  readonly damage: readonly EngineError[];
  /** The last tick that stays; 0 where none does. */
  readonly keptTick: number;
  /** The last tick that the record is known to have had. */
  readonly lastTick: number;
  /** Files, and from which byte on; 0 is the whole file. */
  readonly files: readonly { readonly file: string; readonly fromByte: number; readonly bytes: number }[];
  /** Events of the log: inputs and outputs among them are those that can still be read in the copies. */
  readonly events: {
    /** How many there were, as far as is known. */
    readonly count: number;
    readonly readable: number;
    readonly inputs: number;
    readonly outputs: number;
  };
  /** In which the run goes on, where the log is repaired: outputs that come then are no repeats of those before. */
  readonly epoch: number | undefined;
  /** Whether the head record is damaged: then nobody knows whether the log once went further. */
  readonly headLost: boolean;
  /** Ticks of snapshots that are of no use any more. */
  readonly snapshots: readonly number[];
}

/**
 * What repairing a run would give up; undefined where nothing has to be repaired. Changes nothing.
 * @throws EngineError `record-damaged` where it cannot be repaired
 */
export function planRepair(path: string, ports: Ports = nodePorts): RepairPlan | undefined {
  return examine(openDamaged(path, ports, {}))?.plan;
}

/**
 * Repairs a run: afterwards it can be replayed and gone on with. Answers what was given up.
 * @throws EngineError what `planRepair` throws; `run-directory-invalid` where somebody writes into it; `host-fault`
 */
export function repairRun(path: string, ports: Ports = nodePorts): RepairPlan | undefined {
  const directory = openDamaged(path, ports, { forWriting: true });
  try {
    const found = examine(directory);
    if (found === undefined) return undefined;
    const { plan, log } = found;
    const store = new SnapshotStore(directory, ports);
    // What stays may refer to pages of earlier ones. So may what the record begins from, which is later than those that
    // a compaction has not come to remove.
    const lastKept = Math.max(plan.keptTick, directory.manifest.baseTick ?? 0);
    // The newest first: what is left refers to nothing that is gone.
    for (const tick of plan.snapshots.toReversed()) store.setAside(tick, tick > lastKept);
    if (log !== undefined) repairLog(directory, log);
    return plan;
  } finally {
    directory.unlock();
  }
}

/** What is wrong with the log, its head record included, is looked at afterwards. */
function openDamaged(path: string, ports: Ports, options: Pick<OpenOptions, 'forWriting'>): RunDirectory {
  return openRunDirectory(path, ports.openStorage(path), { ignoreHead: true, ...options });
}

function examine(
  directory: RunDirectory,
): { readonly plan: RepairPlan; readonly log: LogRepair | undefined } | undefined {
  const log = planLogRepair(directory);
  const keptTick = log?.lastTick ?? Number.POSITIVE_INFINITY;
  const survey = surveyLog(directory, new Set(new SnapshotStore(directory).ticks()));
  const { snapshots, damage } = examineSnapshots(directory, keptTick, survey);
  if (log === undefined && damage.length === 0) return undefined;
  const { head, readable } = log ?? {};
  const missing = log === undefined || head === undefined ? 0 : head.messages - log.end.messages;
  const ownTick = survey.lastTick;
  const lastTick = Math.max(ownTick, head?.tick ?? 0, readable?.lastTick ?? 0);
  const plan: RepairPlan = {
    damage: log === undefined ? damage : [log.damage, ...damage],
    keptTick: ownTick,
    lastTick,
    files: log?.files ?? [],
    events: {
      count: Math.max(0, missing, readable?.events ?? 0),
      readable: readable?.events ?? 0,
      inputs: readable?.inputs ?? 0,
      outputs: readable?.outputs ?? 0,
    },
    epoch: log?.epoch,
    headLost: log !== undefined && head === undefined,
    snapshots,
  };
  return { plan, log };
}

/**
 * Snapshots behind the kept ticks, those that cannot be read, and those that are not of this log. That of a fork's
 * beginning cannot be given up; where a later one serves, it does not keep the log from being repaired.
 */
function examineSnapshots(
  directory: RunDirectory,
  keptTick: number,
  survey: Survey,
): { readonly snapshots: readonly number[]; readonly damage: readonly EngineError[] } {
  const store = new SnapshotStore(directory);
  const snapshots: number[] = [];
  const damage: EngineError[] = [];
  const { baseTick = 0 } = directory.manifest;
  let first: number | undefined;
  for (const tick of store.ticks()) {
    if (tick === baseTick) continue;
    const wrong = tick > keptTick ? undefined : problemOf(store, tick, baseTick, survey);
    if (wrong !== undefined) damage.push(wrong);
    if (wrong !== undefined || tick > keptTick) snapshots.push(tick);
    else if (tick > baseTick && tick <= survey.lastTick) first ??= tick;
  }
  if (baseTick > 0 && (first === undefined || keptTick === Number.POSITIVE_INFINITY))
    checkOwnBase(directory, store, baseTick, first);
  return { snapshots, damage };
}

/** @param first the tick of the oldest snapshot that serves without it */
function checkOwnBase(
  directory: RunDirectory,
  store: SnapshotStore,
  baseTick: number,
  first: number | undefined,
): void {
  try {
    checkBase(directory, store.read(baseTick), { ignoreHead: true });
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'record-damaged') throw error;
    const rest =
      first === undefined
        ? 'and nothing is left without it'
        : `and compacting up to tick ${first}, of which there is another one, gives up what needs it`;
    const why = `its record begins from the snapshot of tick ${baseTick}, ${rest}`;
    const text = `Cannot repair "${directory.path}": ${why}: ${error.message}`;
    throw new EngineError(error.code, text, error.details, error);
  }
}

/** What is wrong with a snapshot; undefined where nothing is. */
function problemOf(
  store: SnapshotStore,
  tick: number,
  baseTick: number,
  { lastTick, digests }: Survey,
): EngineError | undefined {
  try {
    const { digest } = store.read(tick);
    // Whoever goes on with the run removes those of ticks that a crash took; compacting, those before its base.
    if (tick < baseTick || tick > lastTick) return undefined;
    const recorded = digests.get(tick);
    if (recorded !== undefined && bytesEqual(digest, recorded)) return undefined;
    return store.notOfLog({ tick, digest }, recorded);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    // Another version of the engine can read it.
    if (error.details.format !== undefined) return undefined;
    if (error.code === 'record-damaged') return error;
    throw error;
  }
}
