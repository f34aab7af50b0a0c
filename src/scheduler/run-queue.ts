// Which agent's first task goes next. Where the order of first tasks never changes by itself, a queue of them is kept;
// where it does (ageing, round-robin) the agents with work are kept, and ordered tick by tick.

import { createHeap, type Heap, popHeap, pushHeap } from './heap.ts';
import type { Agent, Task } from './state.ts';

/**
 * fifo: lowest sequence first; priority: higher first, then lowest sequence; round-robin: one task of each agent in
 * turn, by creation number.
 */
export type Policy = 'fifo' | 'priority' | 'round-robin';

/**
 * Entries that arrive in order wait in `run`, a plain queue; the others in `heap`. Most arrive in order, since
 * sequences rise, so that taking one costs no search. An entry may be stale: the caller checks.
 */
export interface HeadQueue {
  readonly before: (a: Task, b: Task) => boolean;
  /** Entries from `runFirst` on; those before it are let go. */
  readonly run: (Task | undefined)[];
  runFirst: number;
  readonly heap: Heap<Task>;
  /** Entries whose tasks were dropped. */
  droppedCount: number;
}

export interface RunQueue {
  readonly policy: Policy;
  readonly ageTicks: number;
  /** First tasks in order; null where the order is made anew in each tick. */
  readonly heads: HeadQueue | null;
  /** Agents that may have work; used where `heads` is null. */
  readonly ready: Set<Agent>;
  /** Creation number of the agent that round-robin served last. */
  served: number;
}

const orders: Readonly<Record<'fifo' | 'priority', (a: Task, b: Task) => boolean>> = {
  fifo: (a, b) => a.sequence < b.sequence,
  priority: (a, b) => (a.priority === b.priority ? a.sequence < b.sequence : a.priority > b.priority),
};

export function createRunQueue(policy: Policy, ageTicks: number): RunQueue {
  const heads = policy === 'round-robin' || ageTicks > 0 ? null : createHeadQueue(orders[policy]);
  return { policy, ageTicks, heads, ready: new Set(), served: 0 };
}

export function createHeadQueue(before: (a: Task, b: Task) => boolean): HeadQueue {
  return { before, run: [], runFirst: 0, heap: createHeap(before), droppedCount: 0 };
}

/** Makes the agent's first task known; one that is known already stays where it is. */
export function enqueueFirst(queue: RunQueue, task: Task): void {
  if (queue.heads === null) queue.ready.add(task.agent);
  else addHead(queue.heads, task);
}

export function addHead(queue: HeadQueue, task: Task): void {
  if (task.queued) return;
  task.queued = true;
  const { run } = queue;
  if (queue.runFirst === run.length || queue.before(run[run.length - 1]!, task)) run.push(task);
  else pushHeap(queue.heap, task);
}

/** The next entry in order, removed. */
export function takeHead(queue: HeadQueue): Task | undefined {
  const { run, heap } = queue;
  const top = heap.items[0];
  let task: Task | undefined;
  if (queue.runFirst < run.length && (top === undefined || queue.before(run[queue.runFirst]!, top))) {
    task = run[queue.runFirst]!;
    run[queue.runFirst++] = undefined;
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
  if (task === undefined) return undefined;
  task.queued = false;
  if (task.taken) queue.droppedCount--;
  return task;
}

/** Tells of a task that was dropped while it waited: such entries are cleared away before they outnumber the others. */
export function forgetHead(queue: HeadQueue, task: Task): void {
  if (!task.queued) return;
  queue.droppedCount++;
  const { run, heap } = queue;
  if (queue.droppedCount < 64 || queue.droppedCount * 2 < run.length - queue.runFirst + heap.items.length)
    return;
  const entries = entriesOf(queue);
  run.length = 0;
  queue.runFirst = 0;
  heap.items.length = 0;
  queue.droppedCount = 0;
  for (const entry of entries) {
    entry.queued = false;
    if (!entry.taken) addHead(queue, entry);
  }
}

/** All entries, the run in its order. */
export function entriesOf({ run, runFirst, heap }: HeadQueue): Task[] {
  return [...(run.slice(runFirst) as Task[]), ...heap.items];
}

/** The next entry in order, left in place. */
export function peekHead(queue: HeadQueue): Task | undefined {
  const top = queue.heap.items[0];
  const first = queue.run[queue.runFirst];
  if (first === undefined) return top;
  return top === undefined || queue.before(first, top) ? first : top;
}
