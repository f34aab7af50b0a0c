// All the deliberate mistakes that the simulator must find.

import type { PlantedBug } from './plant.ts';
import { record, run, wholeRuns } from './record-bugs.ts';
import { executors, models, state } from './state-bugs.ts';

export const plantedBugs: readonly PlantedBug[] = [
  ...record,
  ...run,
  ...state,
  ...executors,
  ...models,
  ...wholeRuns,
];
