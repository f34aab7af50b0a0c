// A recovery that is only looked at: where a run that lies on a disk would go on, and whether it keeps what was promised.

import { EngineError, Orchestrator, type RunSummary } from '../../src/engine/index.ts';
import type { SimDisk } from './disk.ts';
import type { Witness } from './embedder.ts';
import { live } from './process.ts';
import { plainProcess } from './record.ts';

export interface Recovery {
  /** On which the recovery leaves what it does. */
  readonly disk: SimDisk;
  readonly path: string;
  /** What was done to the disk, in words. */
  readonly what: string;
  /** The tick that must be reached at least. */
  readonly guaranteed: number;
  readonly witness: Witness;
  /** The tick behind which nobody knows the digests. */
  readonly ownBehind?: number;
  /** Whether the run has ended for good, which somebody was told. */
  readonly hasEnded?: boolean;
  /** Codes of the errors by which it may be refused. */
  readonly refusals: readonly string[];
}

/** Answers the error by which the recovery was refused, where it was. */
export async function checkRecovery(recovery: Recovery): Promise<EngineError | undefined> {
  const { disk, path, what, guaranteed, witness, refusals } = recovery;
  let reached: Reached | 'dead' | 'stuck';
  try {
    reached = await recover(disk, path);
  } catch (error) {
    if (error instanceof EngineError && refusals.includes(error.code)) return error;
    witness.violate(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
    return undefined;
  }
  if (typeof reached === 'string') {
    witness.violate(`${what}: the recovery is ${reached}`);
    return undefined;
  }
  const { tick, digest, ended } = reached;
  if (recovery.hasEnded === true && !ended) witness.violate(`${what}: the run had ended, and goes on`);
  const known = witness.digests.get(tick);
  const mustBeKnown = tick > 0 && tick <= (recovery.ownBehind ?? tick);
  if (known === undefined ? mustBeKnown : known !== digest)
    witness.violate(`${what}: tick ${tick} has another digest`);
  if (tick < guaranteed)
    witness.violate(`${what}: outputs of tick ${guaranteed} were given, and the run is at ${tick}`);
  return undefined;
}

interface Reached {
  readonly tick: number;
  readonly digest: string;
  readonly ended: boolean;
}

/** Where a run that has ended is, is said by the refusal. */
async function recover(disk: SimDisk, path: string): Promise<Reached | 'dead' | 'stuck'> {
  const process = plainProcess(disk);
  const open = async (): Promise<Reached> => {
    const run = await Orchestrator.resume({ runDirectory: path, workers: 0 }, process.ports);
    await run.close();
    return { tick: run.tick, digest: run.digest, ended: false };
  };
  try {
    return await live(process, open());
  } catch (error) {
    const summary = endOf(error);
    if (summary === undefined) throw error;
    return { tick: summary.ticks, digest: summary.digest, ended: true };
  }
}

/** How a run has ended that is not gone on with because it has; undefined for any other failure. */
export function endOf(error: unknown): RunSummary | undefined {
  if (!(error instanceof EngineError) || error.code !== 'run-directory-invalid') return undefined;
  return error.details.summary as RunSummary | undefined;
}
