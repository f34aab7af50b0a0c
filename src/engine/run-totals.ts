// The totals of a run, counted tick by tick, whether the ticks are live or executed again.

import type { TickDigest } from '../log/index.ts';
import { EventKind, type SchedulerEvent, type SchedulerState } from '../scheduler/index.ts';
import type { RunProgress } from './run-types.ts';
import type { ExecutedTick } from './turns/machine.ts';

export class RunTotals {
  readonly #state: SchedulerState;
  readonly progress: { -readonly [K in keyof RunProgress]: number };

  constructor(state: SchedulerState) {
    this.#state = state;
    this.progress = {
      ticks: state.tick,
      executed: 0,
      agents: state.agents.length - 1,
      messages: 0,
      tasks: 0,
      fuel: 0,
      faults: 0,
      dropped: 0,
      outputs: 0,
      badLines: 0,
    };
  }

  /** Counts the tick that the machine has just executed. */
  add({ tick, committed }: ExecutedTick): void {
    const { progress } = this;
    progress.ticks = tick;
    progress.executed++;
    progress.agents = this.#state.agents.length - 1;
    progress.messages += committed.messageCount;
    progress.tasks += committed.taskCount;
    progress.fuel += committed.fuel;
    progress.faults += committed.faults.length;
    progress.outputs += committed.sink.outputs.length;
    progress.dropped += droppedCount(this.#state.events);
  }

  /** Counts a tick of the record that is not executed again. */
  addRecorded({ tick, messages, tasks, fuel, faults, outputs, dropped }: TickDigest): void {
    const { progress } = this;
    progress.ticks = tick;
    progress.executed++;
    progress.messages += messages;
    progress.tasks += tasks;
    progress.fuel += fuel;
    progress.faults += faults;
    progress.outputs += outputs;
    progress.dropped += dropped;
  }
}

/** Messages of a tick that reached nobody. */
export function droppedCount(events: readonly SchedulerEvent[]): number {
  let count = 0;
  for (const { kind } of events) if (kind === EventKind.dropped) count++;
  return count;
}
