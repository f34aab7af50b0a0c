// Compacting a run: everything up to a snapshot is given up, what is behind it stays. After a crash between any two
// steps the run directory is the old run or the new one, whole.

import { EngineError } from '../../base/errors.ts';
import { beginLog, EventLogWriter, openRunDirectory, type RunDirectory, readHead } from '../../log/index.ts';
import type { OutputPlace } from '../output-place.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { type LoadedRun, loadRun } from '../record/load-run.ts';
import { newestSnapshot, recordedSnapshotTicks } from '../record/recorded-snapshots.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import type { Snapshot } from '../turns/machine.ts';
import { copyLogBehind, type LeftOut } from './copy-log.ts';

/** What compacting gives up. */
export interface Compaction extends LeftOut {
  /** The tick of the snapshot that the record begins from afterwards. */
  readonly baseTick: number;
  /** Older snapshots, which go. */
  readonly snapshots: readonly number[];
  /**
   * Snapshots that cannot be read, among those that stay. Where there are some the older ones stay, too: nobody knows
   * which of their pages these need.
   */
  readonly unreadableSnapshots: readonly number[];
}

export interface CompactOptions {
  /**
   * The last output that reached whoever reads them, where somebody kept count. Outputs behind it are given again when
   * the run goes on, so a record that still owes them is not compacted.
   */
  readonly outputsAfter?: OutputPlace | undefined;
  /** Gives up outputs that were not delivered, too. */
  readonly dropOutputs?: boolean;
}

/**
 * What compacting a run up to a tick would give up: everything up to its newest snapshot that is not later. Changes
 * nothing.
 * @throws EngineError `input-invalid` where there is no such snapshot; what `replayRun` throws
 */
export async function planCompaction(
  path: string,
  to: number,
  { outputsAfter }: Pick<CompactOptions, 'outputsAfter'> = {},
  ports: Ports = nodePorts,
): Promise<Compaction> {
  const run = await loadRun(path, ports);
  const { directory } = run;
  return planOf(directory, new SnapshotStore(directory, ports), snapshotUpTo(run, to), outputsAfter);
}

function planOf(
  directory: RunDirectory,
  store: SnapshotStore,
  base: Snapshot,
  outputsAfter: OutputPlace | undefined,
): Compaction {
  const leftOut = copyLogBehind(directory, base, { outputsAfter });
  const ticks = store.ticks();
  const unreadableSnapshots = ticks.filter((tick) => tick > base.tick && !store.isReadable(tick));
  const snapshots = unreadableSnapshots.length > 0 ? [] : ticks.filter((tick) => tick < base.tick);
  return { ...leftOut, baseTick: base.tick, snapshots, unreadableSnapshots };
}

function snapshotUpTo(run: LoadedRun, to: number): Snapshot {
  const snapshot = newestSnapshot(run, to);
  const start = run.base?.tick ?? 0;
  if (snapshot !== undefined && snapshot.tick > start) return snapshot;
  const { path } = run.directory;
  const ticks = recordedSnapshotTicks(run, Number.POSITIVE_INFINITY);
  let there = ticks.length === 0 ? 'it has none' : `the first is of tick ${ticks[0]}`;
  if (ticks.some((tick) => tick <= to)) there = 'those that it has are damaged or not its own';
  const behind = start === 0 ? '' : ` behind tick ${start}, where its record begins`;
  const text = `Cannot compact "${path}" up to tick ${to}: it needs a snapshot up to there${behind}, and ${there}`;
  throw new EngineError('input-invalid', text, { to, path });
}

/**
 * Gives up everything of a run up to its newest snapshot that is not later than a tick. Afterwards the record begins
 * there: replays, forks and states of later ticks are as they were, those of earlier ones are refused.
 * @throws EngineError what `planCompaction` throws; `run-directory-invalid` where somebody writes into it, or where
 *   outputs that were not delivered would go; `host-fault`
 */
export async function compactRun(
  path: string,
  to: number,
  { outputsAfter, dropOutputs = false }: CompactOptions = {},
  ports: Ports = nodePorts,
): Promise<Compaction> {
  const run = await loadRun(path, ports, { forWriting: true });
  const { directory } = run;
  try {
    const store = new SnapshotStore(directory, ports);
    const base = snapshotUpTo(run, to);
    const plan = planOf(directory, store, base, outputsAfter);
    if (plan.undelivered > 0 && !dropOutputs) throw owesOutputs(directory, plan);
    const { epoch } = readHead(directory);
    const begun = beginLog(directory, base.tick, epoch);
    const log = new EventLogWriter(begun.directory, { ...ports.logSizes, epoch });
    try {
      copyLogBehind(directory, base, { to: log });
      log.close();
    } catch (error) {
      log.abandon();
      throw error;
    }
    store.syncFolder();
    // The one step that counts: before it the old log does, behind it the new one.
    begun.commit();
    const compacted = openRunDirectory(path, ports.openStorage(path));
    new SnapshotStore(compacted, ports).remove(plan.snapshots);
    begun.removeOthers();
    return plan;
  } finally {
    directory.unlock();
  }
}

function owesOutputs({ path }: RunDirectory, { baseTick, undelivered }: Compaction): EngineError {
  const owed = `${undelivered} of the outputs up to tick ${baseTick} have not reached their reader`;
  const text = `Cannot compact "${path}": ${owed}; going on with the run gives them again`;
  return new EngineError('run-directory-invalid', text, { path, baseTick, undelivered });
}
