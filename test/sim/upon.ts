// What somebody does with what a life left: compacts it, or, on a copy of the disk, goes on with it, compacts or forks it.
// That process may die or find the disk full; on the copy the power goes then: the run stands, and whatever rests on it.

import { compactRun, EngineError, Orchestrator } from '../../src/engine/index.ts';
import { runDirectory } from './embedder.ts';
import type { Fault, Work } from './faults.ts';
import { forkUpon } from './fork-upon.ts';
import { live } from './process.ts';
import { checkRecovery, endOf } from './recovery.ts';
import { type Ground, hasFailed, workProcess } from './work.ts';

const powerLosses = 2;

export async function checkUpon(
  fault: Extract<Fault, { kind: 'upon' }>,
  { disk: left, ...ground }: Ground,
): Promise<void> {
  const { chance, witness, guaranteed } = ground;
  const disk = left.copy();
  const what = `${fault.what} at ${fault.share} of the ticks, and a loss of power`;
  if (fault.what === 'compact') await compact(fault, { ...ground, disk });
  else if (fault.what === 'fork') await forkUpon(fault, { ...ground, disk }, what);
  else await recover(fault, { ...ground, disk }, what);
  // What is lost is chance, and costs little beside what led there.
  for (let i = 0; i < powerLosses; i++) {
    const copy = disk.copy();
    copy.losePower(chance.of(`power ${i}`));
    await checkRecovery({ disk: copy, path: runDirectory, what, guaranteed, witness, refusals: [] });
  }
}

/** Somebody goes on with the run, and interrupts it at once. */
async function recover({ faults }: Work, ground: Ground, what: string): Promise<void> {
  const { witness } = ground;
  const process = workProcess(ground, faults);
  const options = { runDirectory, workers: 0, outputsAfter: witness.last };
  try {
    await live(
      process,
      Orchestrator.resume(options, process.ports).then((run) => run.close()),
    );
  } catch (error) {
    if (!hasFailed(error, process) && endOf(error) === undefined)
      witness.violate(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
  }
  process.dead = true;
}

/** Compacts a record. Where that failed and the process lives, it is done again on a disk that works. */
export async function compact(work: Work, ground: Omit<Ground, 'guaranteed'>): Promise<void> {
  const { scenario, witness } = ground;
  const process = workProcess(ground, work.faults);
  const options = { outputsAfter: witness.last };
  try {
    const tick = Math.floor(scenario.ticks * work.share);
    await live(process, compactRun(runDirectory, tick, options, process.ports));
  } catch (error) {
    if (process.dead) return;
    if (hasFailed(error, process)) {
      process.dead = true;
      return compact({ ...work, faults: [] }, ground);
    }
    // There need not be a snapshot up to there, and the record may still owe outputs.
    const refused = error instanceof EngineError ? error : undefined;
    if (refused?.code === 'input-invalid' || refused?.details.undelivered !== undefined) return;
    witness.violate(
      `the record cannot be compacted: ${error instanceof Error ? error.stack : String(error)}`,
    );
  }
  process.dead = true;
}
