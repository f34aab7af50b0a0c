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
  /** Timers in the heap that were cancelled. */
  cancelledCount: number;
}

export function createTimerQueue(): TimerQueue {
  return {
    heap: createHeap((a, b) => {
      if (a.dueTick !== b.dueTick) return a.dueTick < b.dueTick;
      if (a.agent !== b.agent) return a.agent.number < b.agent.number;
      return a.number < b.number;
    }),
    cancelledCount: 0,
  };
}

export function addTimer(queue: TimerQueue, timer: Timer): void {
  timer.agent.timers.set(timer.number, timer);
  pushHeap(queue.heap, timer);
}

/** The earliest pending due tick, or undefined. */
export function earliestDueTick(queue: TimerQueue): number | undefined {
  const { items } = queue.heap;
  while (items.length > 0 && items[0]!.cancelled) {
    popHeap(queue.heap);
    queue.cancelledCount--;
  }
  return items[0]?.dueTick;
}

/** Removes and returns the next timer due at `tick` or before. */
export function takeDueTimer(queue: TimerQueue, tick: number): Timer | undefined {
  const due = earliestDueTick(queue);
  return due !== undefined && due <= tick ? popHeap(queue.heap) : undefined;
}

/** Cancels a timer and answers it, so that its firing can go too where that waits. Unknown numbers are ignored. */
export function cancelTimer(queue: TimerQueue, agent: Agent, number: number): Timer | undefined {
  const timer = agent.timers.get(number);
  if (timer === undefined) return undefined;
  agent.timers.delete(number);
  timer.cancelled = true;
  if (timer.task === null) forgetTimer(queue);
  return timer;
}

/** Cancels and answers all timers of an agent. */
export function cancelTimers(queue: TimerQueue, agent: Agent): Timer[] {
  const timers = [...agent.timers.values()];
  for (const { number } of timers) cancelTimer(queue, agent, number);
  return timers;
}

/** Cancelled timers are cleared away before they outnumber the others, however late they are due. */
function forgetTimer(queue: TimerQueue): void {
  const { heap } = queue;
  queue.cancelledCount++;
  if (queue.cancelledCount < 64 || queue.cancelledCount * 2 < heap.items.length) return;
  const pending = heap.items.filter(({ cancelled }) => !cancelled);
  heap.items.length = 0;
  queue.cancelledCount = 0;
  for (const timer of pending) pushHeap(heap, timer);
}
