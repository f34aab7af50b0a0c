// A recorded run executed again up to a tick: what inspecting, comparing and forking begin with. It reads the record
// and never changes it.

import { EngineError } from '../../base/errors.ts';
import { type RunDirectory, readEvents } from '../../log/index.ts';
import { type CallWatch, createInlinePool, type Pool } from '../../sandbox/index.ts';
import { hostDefaults } from '../config/system-config.ts';
import { systemTables } from '../modules/genesis.ts';
import { type PreparedModules, prepareModules } from '../modules/prepare-modules.ts';
import { nodePorts, type Ports } from '../ports.ts';
import type { LoadedRun } from '../record/load-run.ts';
import { newestSnapshot } from '../record/recorded-snapshots.ts';
import { sha256 } from '../sha256.ts';
import type { Offers } from '../snapshot/offer.ts';
import { type ExecutedTick, Machine, type Snapshot } from '../turns/machine.ts';
import { type Recorded, reExecute, reExecuteChannels } from './re-execute.ts';

export interface RewindOptions {
  /** Worker threads; 0 (the default): in the caller's thread. */
  readonly workers?: number;
  /** Sees the calls and traps of guests; only without workers. */
  readonly watch?: CallWatch;
  /** After each tick that was executed again. */
  readonly onTick?: (tick: number) => void;
  /** Get what the snapshot offers where the execution began. */
  readonly offers?: Offers;
}

/** A machine that stands where the run stood after its last tick up to the one asked for. */
export interface Rewound {
  readonly machine: Machine;
  readonly modules: PreparedModules;
  readonly recorded: Recorded;
  /** Where the execution began; undefined: from the start of the run. */
  readonly snapshot: Snapshot | undefined;
  close(): Promise<void>;
}

/**
 * Executes a recorded run again from the newest snapshot that serves, up to a tick. Digests are compared on the way.
 * @throws EngineError `input-invalid` where the record does not have the tick; what `replayRun` throws
 */
export async function rewind(
  run: LoadedRun,
  tick: number,
  options: RewindOptions = {},
  ports: Ports = nodePorts,
): Promise<Rewound> {
  const { config, directory } = run;
  checkTick(tick, `go to a tick of "${directory.path}"`);
  const first = run.base?.tick ?? 0;
  if (tick < first) throw outside(directory, tick, first, undefined);
  const snapshot = newestSnapshot(run, tick, options.offers);
  const modules = await prepareModules(config, run.modules);
  const { residentAgentsMax } = hostDefaults;
  const pool = openWatched(run, options, ports);
  try {
    const machine = new Machine({ config, modules, pool, sha256, residentAgentsMax }, snapshot);
    const reader = readEvents(directory, { channels: reExecuteChannels });
    const onTick = (executed: ExecutedTick): void => options.onTick?.(executed.tick);
    const recorded = await reExecute({ reader, machine, lastTick: tick, onTick, clock: ports.clock });
    if (!recorded.more && machine.state.tick < tick) {
      throw outside(directory, tick, first, machine.state.tick);
    }
    return { machine, modules, recorded, snapshot, close: () => pool.close() };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** @throws EngineError `input-invalid` where it is no tick that any record could have */
export function checkTick(tick: number, what: string): void {
  if (Number.isSafeInteger(tick)) return;
  const found = typeof tick === 'number' ? String(tick) : JSON.stringify(tick);
  throw new EngineError('input-invalid', `Cannot ${what}: found ${found}, wanted a whole number`, { tick });
}

function openWatched({ config }: LoadedRun, { workers = 0, watch }: RewindOptions, ports: Ports): Pool {
  if (watch !== undefined && workers === 0) return createInlinePool(systemTables(config), watch);
  return ports.openPool(config, { workers, blocking: false });
}

/** `last` is left out where it is not known. */
function outside(
  directory: RunDirectory,
  tick: number,
  first: number,
  last: number | undefined,
): EngineError {
  const until = last === undefined ? '' : ` to tick ${last}`;
  const span = `its record goes from tick ${first === 0 ? 1 : first}${until}`;
  return new EngineError('input-invalid', `Cannot go to tick ${tick} of "${directory.path}": ${span}`, {
    tick,
    first,
    ...(last !== undefined && { last }),
  });
}
