// Pending timers by (due tick, agent, timer number).

import { createHeap, type Heap, popHeap, pushHeap } from './heap.ts';
import type { Agent, Task } from './state.ts';

export interface Timer {
  readonly agent: Agent;
  readonly number: number;
  readonly dueTick: number;
  readonly tag: number;
  cancelled: boolean;
  /** The firing that waits in the mailbox, once due. */
  task: Task | null;
}

export interface TimerQueue {
  readonly heap: Heap<Timer>;
}

export function createTimerQueue(): TimerQueue {
  return {
    heap: createHeap((a, b) => {
      if (a.dueTick !== b.dueTick) return a.dueTick < b.dueTick;
      if (a.agent !== b.agent) return a.agent.number < b.agent.number;
      return a.number < b.number;
    }),
  };
}

export function addTimer(queue: TimerQueue, timer: Timer): void {
  timer.agent.timers.set(timer.number, timer);
  pushHeap(queue.heap, timer);
}

/** The earliest pending due tick, or undefined. */
export function earliestDueTick(queue: TimerQueue): number | undefined {
  const { items } = queue.heap;
  while (items.length > 0 && items[0]!.cancelled) popHeap(queue.heap);
  return items[0]?.dueTick;
}

/** Removes and returns the next timer due at `tick` or before. */
export function takeDueTimer(queue: TimerQueue, tick: number): Timer | undefined {
  const due = earliestDueTick(queue);
  return due !== undefined && due <= tick ? popHeap(queue.heap) : undefined;
}

/** Cancels a pending timer, or its firing where that waits unplanned. Unknown numbers are ignored. */
export function cancelTimer(agent: Agent, number: number): void {
  const timer = agent.timers.get(number);
  if (timer === undefined) return;
  agent.timers.delete(number);
  timer.cancelled = true;
  if (timer.task !== null) timer.task.taken = true;
}
