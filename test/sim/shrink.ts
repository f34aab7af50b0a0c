// From a simulated run that goes wrong to a smaller one that does: fewer ticks, fewer faults, earlier ones.

import type { Fault } from './faults.ts';
import { type Case, type Outcome, simulate } from './simulate.ts';

export interface Shrunk {
  readonly ticks: number;
  readonly faults: readonly Fault[];
  readonly violation: string;
  readonly trail: readonly string[];
}

/** Runs that are tried at most. */
const triesMax = 120;

export async function shrink(failed: Case, outcome: Outcome): Promise<Shrunk> {
  const { violation = '', trail } = outcome;
  let best: Shrunk = { ticks: failed.ticks, faults: outcome.faults, violation, trail };
  let tries = 0;
  const fails = async (ticks: number, faults: readonly Fault[]): Promise<boolean> => {
    if (tries++ >= triesMax) return false;
    const tried = await simulate({ seed: failed.seed, ticks, faults });
    if (tried.violation === undefined || kindOf(tried.violation) !== kindOf(violation)) return false;
    best = { ticks, faults, violation: tried.violation, trail: tried.trail };
    return true;
  };
  for (let before = ''; before !== sizeOf(best); ) {
    before = sizeOf(best);
    for (let i = best.faults.length - 1; i >= 0; i--) await fails(best.ticks, without(best.faults, i));
    for (const share of [4, 2, 4 / 3, 10 / 9]) {
      const ticks = Math.max(1, Math.floor(best.ticks / share));
      // Positions within the run shrink with it, or stay.
      const nearer = best.faults.map((fault) =>
        'at' in fault ? { ...fault, at: Math.ceil(fault.at / share) } : fault,
      );
      if (ticks < best.ticks && ((await fails(ticks, best.faults)) || (await fails(ticks, nearer)))) break;
    }
  }
  return best;
}

function without(faults: readonly Fault[], index: number): Fault[] {
  return faults.filter((_, i) => i !== index);
}

/** What a violation says without its figures: shrinking stays with it. */
function kindOf(violation: string): string {
  return violation.replaceAll(/[0-9a-f]*\d[0-9a-f]*/g, '#').slice(0, 60);
}

function sizeOf({ ticks, faults }: Shrunk): string {
  return `${ticks} ${JSON.stringify(faults)}`;
}
