// A repair of a damaged disk, whose process may die or find the disk full, and the power may go: what it said that it
// keeps is there afterwards, and where it was cut short it can be begun again.

import { EngineError, planRepair, type RepairPlan, repairRun } from '../../src/engine/index.ts';
import type { Chance } from './chance.ts';
import type { SimDisk } from './disk.ts';
import { runDirectory, type Witness } from './embedder.ts';
import { drawTrouble, type Fault } from './faults.ts';
import { SimProcess } from './process.ts';
import { plainProcess } from './record.ts';
import { checkRecovery } from './recovery.ts';

interface Ground {
  readonly witness: Witness;
  readonly chance: Chance;
}

export async function checkRepair(disk: SimDisk, damage: string, { witness, chance }: Ground): Promise<void> {
  const own = chance.of('repair');
  // What cannot be repaired is said before anything is done.
  if (!isRepairable(disk)) return;
  const what = `${damage}, and repaired`;
  const faults = own.oneIn(3) ? [] : [drawTrouble(own)];
  let plan = repair(disk, own, faults, what, witness);
  if (own.oneIn(2)) disk.losePower(own.of('power'));
  if (plan === 'failed') plan = repair(disk, own, [], what, witness);
  if (plan === 'failed') return;
  // Where an attempt was cut short there may be nothing left to do.
  const guaranteed = plan?.keptTick ?? 0;
  await checkRecovery({ disk, path: runDirectory, what, guaranteed, witness, refusals: [] });
}

function isRepairable(disk: SimDisk): boolean {
  try {
    return planRepair(runDirectory, plainProcess(disk).ports) !== undefined;
  } catch (error) {
    if (error instanceof EngineError && ['record-damaged', 'run-directory-invalid'].includes(error.code))
      return false;
    throw error;
  }
}

/** `failed`: by what went wrong with the process. */
function repair(
  disk: SimDisk,
  chance: Chance,
  faults: readonly Fault[],
  what: string,
  witness: Witness,
): RepairPlan | undefined | 'failed' {
  const process = new SimProcess({ chance, disk, workers: 0, faults });
  try {
    return repairRun(runDirectory, process.ports);
  } catch (error) {
    const code = error instanceof EngineError ? error.code : undefined;
    if (process.dead || (process.refusals > 0 && code === 'host-fault')) return 'failed';
    witness.violate(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
    return 'failed';
  } finally {
    process.dead = true;
  }
}
