// Putting a run together: modules, pool, machine and record, for a new run or for one that goes on.

import { encodeHex } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { decodeEvent, type RunDirectory, readEvents, readHead } from '../../log/index.ts';
import type { Pool } from '../../sandbox/index.ts';
import { type Durability, hostDefaults, type System } from '../config/system-config.ts';
import type { InferenceDesk } from '../models/inference-desk.ts';
import { findModelFolders } from '../models/model-folders.ts';
import { mayAsk } from '../models/model-list.ts';
import { prepareModules } from '../modules/prepare-modules.ts';
import { isBehind } from '../output-place.ts';
import type { Ports } from '../ports.ts';
import { parseHostOptions } from '../record/host-options.ts';
import { type LoadedRun, loadRun } from '../record/load-run.ts';
import { beginRecord, continueRecord, mendRecord, type OpenRecord } from '../record/open-record.ts';
import { firstBehindBase, lostBeginning, newestSnapshot } from '../record/recorded-snapshots.ts';
import type { OutputRecord } from '../record/recorder.ts';
import { type Recorded, reExecute, reExecuteChannels } from '../replay/re-execute.ts';
import { RunTotals } from '../run-totals.ts';
import type { OrchestratorOptions, ResumeOptions, RunSummary } from '../run-types.ts';
import { sha256 } from '../sha256.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import { type ExecutedTick, Machine, type Snapshot } from '../turns/machine.ts';

export interface OpenRun {
  readonly system: System;
  readonly machine: Machine;
  readonly pool: Pool;
  readonly record: OpenRecord;
  /** Where the system has models. */
  readonly inference: InferenceDesk | undefined;
  readonly totals: RunTotals;
  /** What the record came to, where the run goes on. */
  readonly recorded: Recorded | undefined;
  /** The tick of the snapshot that the run went on from, or that it began from. */
  readonly snapshotTick: number | undefined;
  /** Outputs of the record that are given again, where the run goes on. */
  readonly again: readonly OutputRecord[];
}

/** What a run works with beside its record. */
type Opened = Pick<OpenRun, 'machine' | 'pool' | 'inference'>;

type MachineChoice = Pick<OrchestratorOptions, 'workers' | 'blocking'>;

async function openMachine(
  system: System,
  choice: MachineChoice,
  ports: Ports,
  from?: Snapshot,
): Promise<Pick<Opened, 'machine' | 'pool'>> {
  const { config, host } = system;
  const modules = await prepareModules(config, system.modules);
  const workers = choice.workers ?? host.workers ?? 0;
  const pool = ports.openPool(config, { workers, blocking: choice.blocking ?? false });
  try {
    const { residentAgentsMax } = host;
    const { journalEntriesMax } = ports;
    const machineOptions = { config, modules, pool, sha256, residentAgentsMax, journalEntriesMax };
    return { machine: new Machine(machineOptions, from), pool };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** Opens all that a live run works with, hands it on, and closes it again where that fails. */
export async function withOpened(
  system: System,
  choice: MachineChoice,
  ports: Ports,
  from: Snapshot | undefined,
  use: (opened: Opened) => Promise<OpenRun>,
): Promise<OpenRun> {
  const { machine, pool } = await openMachine(system, choice, ports, from);
  let inference: InferenceDesk | undefined;
  try {
    if (mayAsk(system.config)) inference = ports.openInference(system);
    return await use({ machine, pool, inference });
  } catch (error) {
    await inference?.close();
    await pool.close();
    throw error;
  }
}

/** A new run in a new or empty folder. */
export async function openNewRun(options: OrchestratorOptions, ports: Ports): Promise<OpenRun> {
  // A promise of one, above all: nothing but a type says that it is to be awaited.
  const given: Partial<System> | undefined = options.system;
  if (given?.config === undefined || given.modules === undefined) {
    const wanted = 'wanted what a promise of createSystem() or loadSystem() resolves to';
    throw new EngineError('config-invalid', `Cannot begin a run: no system was given; ${wanted}`);
  }
  const system = withWorkers(options.system, options);
  return withOpened(system, options, ports, undefined, async (opened) => {
    await opened.inference?.prepare();
    const record = await beginRecord(options.runDirectory, system, ports);
    return {
      system,
      ...opened,
      record,
      totals: new RunTotals(opened.machine.state),
      recorded: undefined,
      snapshotTick: undefined,
      again: [],
    };
  });
}

/** The last tick whose end the record tells, and what the run was last told of its machine. */
export function readLast(directory: RunDirectory): { readonly tick: number; readonly host: string } {
  let last = 0;
  let host = '';
  for (const { channel, tick, payload } of readEvents(directory, { channels: ['digests', 'run-started'] })) {
    if (channel === 'digests') last = tick;
    else host = decodeEvent('run-started', payload).host;
  }
  return { tick: last, host };
}

/** A system whose host options say how many workers there are. */
export function withWorkers(system: System, { workers = system.host.workers }: MachineChoice): System {
  return { ...system, host: { ...system.host, workers } };
}

/** `outputs`: how many were given again. */
function hasEnded(summary: RunSummary, outputs: number): EngineError {
  const { reason, runDirectory } = summary;
  const why = reason === 'ticks' ? 'it reached its last tick' : 'its inputs ended and nothing was left to do';
  return new EngineError(
    'run-directory-invalid',
    `Cannot go on with the run in "${runDirectory}": it has ended, ${why}`,
    { path: runDirectory, reason, summary, outputs },
  );
}

/** A run that was interrupted: its record is executed again and compared before it is appended to. */
export async function openExistingRun(options: ResumeOptions, ports: Ports): Promise<OpenRun> {
  const run = await loadRun(options.runDirectory, ports, { forWriting: true });
  try {
    return await goOn(run, options, ports);
  } catch (error) {
    run.directory.unlock();
    throw error;
  }
}

async function goOn(run: LoadedRun, options: ResumeOptions, ports: Ports): Promise<OpenRun> {
  const { runDirectory, onReplayedTick, outputsAfter } = options;
  const { directory, config, modules, base } = run;
  const durability = directory.manifest.durability as Durability;
  const modelFolders = findModelFolders(directory, config, options.modelsDirectory);
  const end = mendRecord(directory);
  if (end.cut !== undefined) options.onTailCut?.(end.cut);
  const last = readLast(directory);
  const host = { ...hostDefaults, ...parseHostOptions(last.host), ...options.host, durability, modelFolders };
  const system = withWorkers({ config, host, modules }, options);
  new SnapshotStore(directory, ports).removeAfter(Math.max(last.tick, base?.tick ?? 0));
  const snapshot = newestSnapshot(run, last.tick);
  if (base?.snapshot instanceof EngineError)
    options.onBeginningLost?.(lostBeginning(base.snapshot, firstBehindBase(run)?.tick));
  return withOpened(system, options, ports, snapshot, async (opened) => {
    const { machine } = opened;
    const totals = new RunTotals(machine.state);
    const again: OutputRecord[] = [];
    const onTick = (executed: ExecutedTick): void => {
      totals.add(executed);
      onReplayedTick?.(executed.tick);
    };
    const recorded = await reExecute({
      reader: readEvents(directory, {
        channels: outputsAfter === undefined ? reExecuteChannels : [...reExecuteChannels, 'outputs'],
      }),
      machine,
      onTick,
      onPassed: (digest) => totals.addRecorded(digest),
      onOutput: (output) => {
        if (outputsAfter !== undefined && isBehind(output, outputsAfter)) again.push(output);
      },
      clock: ports.clock,
    });
    totals.progress.badLines = recorded.cursor?.badLines ?? 0;
    const { ended: reason } = recorded;
    if (reason === 'quiescence' || reason === 'ticks') {
      // All of it is on the disk: what did not reach its reader may leave at once.
      for (const output of again) options.outputs?.write(output);
      const summary: RunSummary = {
        ...totals.progress,
        reason,
        digest: encodeHex(machine.digest),
        runDirectory,
      };
      throw hasEnded(summary, again.length);
    }
    await opened.inference?.prepare(machine.state.requests.models);
    const next = durability === 'none' ? recorded.epoch + 1 : recorded.epoch;
    // A repair raises it: what it gave up may have left.
    const epoch = Math.max(next, readHead(directory).epoch);
    const { tick } = machine.state;
    const record = continueRecord(
      directory,
      system,
      end,
      { epoch, tick, base, answers: recorded.answers },
      ports,
    );
    return { system, ...opened, record, totals, recorded, snapshotTick: snapshot?.tick, again };
  });
}
