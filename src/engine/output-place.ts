// The order in which a run's outputs leave. It never looks at what an output holds.

/** What tells an output from all others of its run. */
export interface OutputPlace {
  readonly epoch: number;
  readonly tick: number;
  readonly index: number;
}

/** Whether an output leaves after the one at a place. */
export function isBehind(output: OutputPlace, place: OutputPlace): boolean {
  if (output.epoch !== place.epoch) return output.epoch > place.epoch;
  if (output.tick !== place.tick) return output.tick > place.tick;
  return output.index > place.index;
}
