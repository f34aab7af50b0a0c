// Work with a record between two lives of its run, by a process of its own that may come to nothing.

import { EngineError } from '../../src/engine/index.ts';
import type { Chance } from './chance.ts';
import type { SimDisk } from './disk.ts';
import type { Witness } from './embedder.ts';
import type { Fault } from './faults.ts';
import { SimProcess } from './process.ts';
import { readGoing } from './reader.ts';
import type { Scenario } from './scenario.ts';

export interface Ground {
  readonly disk: SimDisk;
  readonly chance: Chance;
  readonly scenario: Scenario;
  readonly witness: Witness;
  /** The tick that a recovery must reach at least, also when the power has gone. */
  readonly guaranteed: number;
}

/** Whether work came to nothing by what went wrong with its process. */
export function hasFailed(error: unknown, process: SimProcess): boolean {
  return (
    process.dead || (process.refusals > 0 && error instanceof EngineError && error.code === 'host-fault')
  );
}

export function workProcess(
  { disk, chance, scenario, witness }: Omit<Ground, 'guaranteed'>,
  faults: readonly Fault[],
  others?: ReadonlyMap<string, SimDisk>,
): SimProcess {
  const { logSizes } = scenario;
  const more = others === undefined ? {} : { others };
  const look = (): void => readGoing(disk, witness);
  return new SimProcess({ chance, disk, workers: 0, logSizes, faults, look, ...more });
}
