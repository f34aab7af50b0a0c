// Replay: a record executed again from its start, with any number of workers.

import { encodeHex } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { readEvents } from '../../log/index.ts';
import { dueRequests } from '../../scheduler/index.ts';
import { hostDefaults } from '../config/system-config.ts';
import type { InferenceDesk } from '../models/inference-desk.ts';
import { findModelFolders } from '../models/model-folders.ts';
import { mayAsk } from '../models/model-list.ts';
import { Recompute, type RecomputeSummary, recordedBuilds } from '../models/recompute.ts';
import { prepareModules } from '../modules/prepare-modules.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { type LoadedRun, loadRun } from '../record/load-run.ts';
import { newestSnapshot } from '../record/recorded-snapshots.ts';
import { gatherRun } from '../record/run-facts.ts';
import { sha256 } from '../sha256.ts';
import { type ExecutedTick, Machine } from '../turns/machine.ts';
import { reExecute, reExecuteChannels } from './re-execute.ts';
import { checkTick } from './rewind.ts';

export interface ReplayOptions {
  /** Worker threads; 0 (the default): in the caller's thread. */
  readonly workers?: number;
  /** Whether the caller's thread may sleep while workers run; false by default. */
  readonly blocking?: boolean;
  /** Agents whose instances may be alive at once; 4,096 by default. */
  readonly residentAgentsMax?: number;
  /** The tick to begin at: execution begins at the newest snapshot before it, and at the start where there is none. */
  readonly from?: number;
  /** Runs the models again, too, and compares what they say with the record. */
  readonly recompute?: boolean;
  /** For `recompute`: a folder that holds the folder NAME of each model; by default where the run had them. */
  readonly modelsDirectory?: string;
  /** Progress, after each tick that agrees. */
  readonly onTick?: (tick: ReplayedTick) => void;
}

export interface ReplayedTick {
  readonly tick: number;
  readonly tasks: number;
  readonly messages: number;
}

export interface ReplaySummary {
  /** The last logical tick. */
  readonly ticks: number;
  /** Ticks that were executed again; each digest agreed. */
  readonly executed: number;
  /** Lower-case hexadecimal digest of the last tick. */
  readonly digest: string;
  /** False where the run is still going or was cut off: what is there agrees. */
  readonly complete: boolean;
  /** What came of `recompute`. */
  readonly recomputed?: RecomputeSummary;
}

/** A tick that the record does not have is no place to begin at. */
function checkFrom({ directory: { path }, base }: LoadedRun, from: number | undefined, last: number): void {
  if (from !== undefined) checkTick(from, `replay "${path}" from a tick`);
  const first = (base?.tick ?? 0) + 1;
  if (from === undefined || (from >= first && from <= last)) return;
  const found = from < first ? `begins with tick ${first}` : `ends with tick ${last}`;
  const text = `Cannot replay "${path}" from tick ${from}: its record ${found}`;
  throw new EngineError('input-invalid', text, { from, first, last });
}

/** Of a redacted record, at least the log is checked: chain, sizes, order. */
async function loadExecutable(path: string, ports: Ports): Promise<LoadedRun> {
  try {
    return await loadRun(path, ports);
  } catch (error) {
    if (!(error instanceof EngineError) || error.details.redacted === undefined) throw error;
    const { ticks, digest } = gatherRun(path);
    const whole = `Its log is whole, up to tick ${ticks} with digest ${digest}; nothing of it was executed`;
    throw new EngineError(error.code, `${error.message}. ${whole}`, { ...error.details, ticks, digest });
  }
}

function openRecomputing(
  { directory, config }: LoadedRun,
  { recompute, modelsDirectory }: ReplayOptions,
  ports: Ports,
): InferenceDesk | undefined {
  if (recompute !== true || !mayAsk(config)) return undefined;
  const modelFolders = findModelFolders(directory, config, modelsDirectory);
  return ports.openInference({ config, host: { ...hostDefaults, modelFolders } });
}

/**
 * Executes the record of a run again and compares every digest.
 * @throws EngineError `replay-diverged` at the first difference, `record-damaged`, `run-directory-invalid`; with
 *   `recompute` what loading a model throws
 */
export async function replayRun(
  path: string,
  options: ReplayOptions = {},
  ports: Ports = nodePorts,
): Promise<ReplaySummary> {
  const run = await loadExecutable(path, ports);
  checkFrom(run, options.from, Number.MAX_SAFE_INTEGER);
  const { directory, config, modules } = run;
  const prepared = await prepareModules(config, modules);
  const pool = ports.openPool(config, { workers: options.workers ?? 0, blocking: options.blocking ?? false });
  const { residentAgentsMax = hostDefaults.residentAgentsMax } = options;
  const desk = openRecomputing(run, options, ports);
  try {
    const snapshot = newestSnapshot(run, (options.from ?? 1) - 1);
    const { journalEntriesMax } = ports;
    const machineOptions = { config, modules: prepared, pool, sha256, residentAgentsMax, journalEntriesMax };
    const machine = new Machine(machineOptions, snapshot);
    await desk?.prepare(machine.state.requests.models);
    const reader = readEvents(directory, { channels: reExecuteChannels });
    const { onTick } = options;
    const recompute = desk === undefined ? undefined : new Recompute(config, desk, recordedBuilds(directory));
    recompute?.made([], machine.state.requests.models);
    const observe = ({ tick, committed }: ExecutedTick): void => {
      recompute?.made(machine.state.requests.made, machine.state.requests.models);
      onTick?.({ tick, tasks: committed.taskCount, messages: committed.messageCount });
    };
    const recorded = await reExecute({
      reader,
      machine,
      onTick: observe,
      ...(recompute && {
        onInputs: (tick, inputs) => recompute.compare(tick, dueRequests(machine.state, tick), inputs),
      }),
      clock: ports.clock,
    });
    checkFrom(run, options.from, machine.state.tick);
    return {
      ticks: machine.state.tick,
      executed: recorded.executed,
      digest: encodeHex(machine.digest),
      complete: recorded.ended !== undefined && reader.end.complete,
      ...(recompute && { recomputed: recompute.summary }),
    };
  } finally {
    await desk?.close();
    await pool.close();
  }
}
