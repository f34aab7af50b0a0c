// Which agent's first task goes next. Holds at most one live entry per agent: the first task of its mailbox.

import { createHeap, type Heap, popHeap, pushHeap } from './heap.ts';
import type { Task } from './state.ts';

/** fifo: lowest sequence first; priority: higher first, then lowest sequence. */
export type Policy = 'fifo' | 'priority';

/**
 * Entries that arrive in order wait in `run`, a plain queue; the others in `heap`. Most arrive in order, since sequences
 * rise, so that taking one costs no search.
 */
export interface RunQueue {
  readonly before: (a: Task, b: Task) => boolean;
  readonly run: Task[];
  runFirst: number;
  readonly heap: Heap<Task>;
}

const orders: Readonly<Record<Policy, (a: Task, b: Task) => boolean>> = {
  fifo: (a, b) => a.sequence < b.sequence,
  priority: (a, b) => (a.priority === b.priority ? a.sequence < b.sequence : a.priority > b.priority),
};

export function createRunQueue(policy: Policy): RunQueue {
  const before = orders[policy];
  return { before, run: [], runFirst: 0, heap: createHeap(before) };
}

/** Adds a task that is the first of its agent; one that is there already stays where it is. */
export function enqueueFirst(queue: RunQueue, task: Task): void {
  if (task.queued) return;
  task.queued = true;
  const { run } = queue;
  if (queue.runFirst === run.length || queue.before(run[run.length - 1]!, task)) run.push(task);
  else pushHeap(queue.heap, task);
}

/** The next entry in order, removed; it may be stale, which the caller checks. */
export function dequeue(queue: RunQueue): Task | undefined {
  const { run, heap } = queue;
  const top = heap.items[0];
  let task: Task | undefined;
  if (queue.runFirst < run.length && (top === undefined || queue.before(run[queue.runFirst]!, top))) {
    task = run[queue.runFirst++]!;
    if (queue.runFirst === run.length) {
      run.length = 0;
      queue.runFirst = 0;
    } else if (queue.runFirst >= 4096 && queue.runFirst * 2 >= run.length) {
      run.splice(0, queue.runFirst);
      queue.runFirst = 0;
    }
  } else {
    task = popHeap(heap);
  }
  if (task !== undefined) task.queued = false;
  return task;
}

/** The next entry in order, left in place. */
export function peek(queue: RunQueue): Task | undefined {
  const top = queue.heap.items[0];
  const first = queue.run[queue.runFirst];
  if (first === undefined) return top;
  return top === undefined || queue.before(first, top) ? first : top;
}
