// Putting a run together: modules, pool, machine and record, for a new run or for one that goes on.

import { readEvents } from '../log/index.ts';
import type { Pool } from '../sandbox/index.ts';
import { type Durability, hostDefaults, type System } from './config/system-config.ts';
import { loadRun } from './load-run.ts';
import { type ExecutedTick, Machine } from './machine.ts';
import { openPool } from './open-pool.ts';
import { beginRecord, continueRecord, mendRecord, type OpenRecord, refuseEnded } from './open-record.ts';
import { prepareModules } from './prepare-modules.ts';
import { type Recorded, reExecute, reExecuteChannels } from './re-execute.ts';
import { RunTotals } from './run-totals.ts';
import type { OrchestratorOptions, ResumeOptions } from './run-types.ts';
import { sha256 } from './sha256.ts';

export interface OpenRun {
  readonly system: System;
  readonly machine: Machine;
  readonly pool: Pool;
  readonly record: OpenRecord;
  readonly totals: RunTotals;
  /** What the record came to, where the run goes on. */
  readonly recorded: Recorded | undefined;
}

type MachineChoice = Pick<OrchestratorOptions, 'workers' | 'blocking'>;

async function openMachine(system: System, choice: MachineChoice): Promise<{ machine: Machine; pool: Pool }> {
  const { config, host } = system;
  const modules = await prepareModules(config, system.modules);
  const workers = choice.workers ?? host.workers ?? 0;
  const pool = openPool(config, { workers, blocking: choice.blocking ?? false });
  try {
    const { residentAgentsMax } = host;
    return { machine: new Machine({ config, modules, pool, sha256, residentAgentsMax }), pool };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** A new run in a new or empty folder. */
export async function openNewRun(options: OrchestratorOptions): Promise<OpenRun> {
  const { system } = options;
  const { machine, pool } = await openMachine(system, options);
  try {
    const record = beginRecord(options.runDirectory, system);
    return { system, machine, pool, record, totals: new RunTotals(machine.state), recorded: undefined };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** A run that was interrupted: its record is executed again and compared before it is appended to. */
export async function openExistingRun(options: ResumeOptions): Promise<OpenRun> {
  const { runDirectory, onReplayedTick } = options;
  const { directory, config, modules } = await loadRun(runDirectory);
  const durability = directory.manifest.durability as Durability;
  const system: System = { config, host: { ...hostDefaults, durability }, modules };
  mendRecord(directory);
  const { machine, pool } = await openMachine(system, options);
  try {
    const totals = new RunTotals(machine.state);
    const onTick = (executed: ExecutedTick): void => {
      totals.add(executed);
      onReplayedTick?.(executed.tick);
    };
    const recorded = await reExecute({
      reader: readEvents(directory, { channels: reExecuteChannels }),
      machine,
      onTick,
    });
    refuseEnded(runDirectory, recorded.ended);
    const epoch = durability === 'none' ? recorded.epoch + 1 : recorded.epoch;
    const record = continueRecord(directory, system, epoch, machine.state.tick);
    return { system, machine, pool, record, totals, recorded };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
