// Which tick comes next. A pure decision from the state and what the inputs say; no clock is read.

import { hasRunnable, nextTimerTick, type SchedulerState } from '../../scheduler/index.ts';

/**
 * The tick at which every run stops, 142,000 years of logical time from its beginning: numbers behind it would not be
 * exact any more. Agents with long timers get there soon, since the clock jumps.
 */
export function endOfTime(tickMs: number): number {
  return Math.floor(2 ** 52 / tickMs);
}

export interface NextTickFacts {
  readonly state: SchedulerState;
  /** Whether inputs are there for the tick after the last one. */
  readonly hasInputs: boolean;
  /** A tick that a line of the source waits for. */
  readonly heldTick: number | undefined;
  /** Whether something else than tasks keeps the run going: a source with more to give, or a last tick to reach. */
  readonly keptOpen: boolean;
}

/**
 * The tick to execute: the next one where there is work, else a jump to the earliest timer or held line; undefined
 * where nothing is left to do by itself. Every-tick agents have work in each tick, but do not keep a run open.
 */
export function nextTick({ state, hasInputs, heldTick, keptOpen }: NextTickFacts): number | undefined {
  const next = state.tick + 1;
  if (hasInputs || hasRunnable(state)) return next;
  const timerTick = nextTimerTick(state);
  const pending = Math.min(timerTick ?? Number.POSITIVE_INFINITY, heldTick ?? Number.POSITIVE_INFINITY);
  if (state.everyTick.size > 0 && (keptOpen || pending !== Number.POSITIVE_INFINITY)) return next;
  return pending === Number.POSITIVE_INFINITY ? undefined : Math.max(pending, next);
}
