// Compacting a run: everything up to a snapshot is given up, what is behind it stays. After a crash between any two
// steps the run directory is the old run or the new one, whole.

import { EngineError } from '../../base/errors.ts';
import {
  beginLog,
  EventLogWriter,
  openRunDirectory,
  type RunDirectory,
  readEvents,
} from '../../log/index.ts';
import { loadRun } from '../load-run.ts';
import type { Snapshot } from '../machine.ts';
import type { OutputPlace } from '../output-place.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import { copyLogBehind, type LeftOut } from './copy-log.ts';

/** What compacting gives up. */
export interface Compaction extends LeftOut {
  /** The tick of the snapshot that the record begins from afterwards. */
  readonly baseTick: number;
  /** Older snapshots, which go. */
  readonly snapshots: readonly number[];
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
  const { directory } = await loadRun(path, ports);
  const store = new SnapshotStore(directory, ports);
  return planOf(directory, store, snapshotUpTo(directory, store, to), outputsAfter);
}

function planOf(
  directory: RunDirectory,
  store: SnapshotStore,
  base: Snapshot,
  outputsAfter: OutputPlace | undefined,
): Compaction {
  const leftOut = copyLogBehind(directory, base, { outputsAfter });
  return { ...leftOut, baseTick: base.tick, snapshots: store.ticks().filter((tick) => tick < base.tick) };
}

function snapshotUpTo(directory: RunDirectory, store: SnapshotStore, to: number): Snapshot {
  const start = directory.manifest.baseTick ?? 0;
  // After a crash there may be snapshots of ticks that the log lost; whoever goes on with the run removes them.
  const last = lastRecordedTick(directory);
  const ticks = store.ticks().filter((tick) => tick > start && tick <= last);
  const tick = ticks.findLast((candidate) => candidate <= to);
  if (tick !== undefined) return store.read(tick);
  const there = ticks.length === 0 ? 'it has none' : `the first is of tick ${ticks[0]}`;
  const behind = start === 0 ? '' : ` behind tick ${start}, where its record begins`;
  const text = `Cannot compact "${directory.path}" up to tick ${to}: it needs a snapshot up to there${behind}, and ${there}`;
  throw new EngineError('input-invalid', text, { to, path: directory.path });
}

function lastRecordedTick(directory: RunDirectory): number {
  let last = 0;
  for (const { tick } of readEvents(directory, { channels: ['digests'] })) last = tick;
  return last;
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
  const { directory } = await loadRun(path, ports, { forWriting: true });
  try {
    const store = new SnapshotStore(directory, ports);
    const base = snapshotUpTo(directory, store, to);
    const plan = planOf(directory, store, base, outputsAfter);
    if (plan.undelivered > 0 && !dropOutputs) throw owesOutputs(directory, plan);
    const begun = beginLog(directory, base.tick);
    const log = new EventLogWriter(begun.directory, { ...ports.logSizes });
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
