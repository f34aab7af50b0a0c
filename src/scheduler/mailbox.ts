// One agent's waiting tasks, ordered by (effective priority descending, sequence). Never drops by itself: bounds
// are the caller's.

import { assert } from '../base/errors.ts';
import type { Task } from './state.ts';

/** Tasks of one priority by sequence, from `first` on; slots before it are free. */
interface Bucket {
  readonly priority: number;
  readonly tasks: (Task | null)[];
  first: number;
}

/** Within a bucket the order never changes, whatever the tick; between buckets ageing may change it. */
export interface Mailbox {
  readonly buckets: Bucket[];
}

/** Ticks after which waiting raises the priority by one; 0: never. */
export interface Ageing {
  readonly tick: number;
  readonly ageTicks: number;
}

export function createMailbox(): Mailbox {
  return { buckets: [] };
}

/** Adds a task behind all of its priority with a lower sequence: appending is the common case, since sequences rise. */
export function insertTask(mailbox: Mailbox, task: Task): void {
  const { tasks, first } = bucketOf(mailbox, task.priority);
  let at = tasks.length;
  while (at > first && task.sequence < tasks[at - 1]!.sequence) at--;
  if (at === tasks.length) tasks.push(task);
  else tasks.splice(at, 0, task);
}

function bucketOf(mailbox: Mailbox, priority: number): Bucket {
  const { buckets } = mailbox;
  let at = 0;
  while (at < buckets.length && buckets[at]!.priority > priority) at++;
  const found = buckets[at];
  if (found?.priority === priority) return found;
  const bucket: Bucket = { priority, tasks: [], first: 0 };
  buckets.splice(at, 0, bucket);
  return bucket;
}

/** Priority plus one for each `ageTicks` ticks of waiting. */
export function effectivePriority(task: Task, { tick, ageTicks }: Ageing): number {
  return ageTicks === 0 ? task.priority : task.priority + Math.floor((tick - task.enqueuedTick) / ageTicks);
}

/** The task to run next, skipping taken ones; null when nothing waits. */
export function firstTask(mailbox: Mailbox, ageing: Ageing): Task | null {
  const { buckets } = mailbox;
  let best: Task | null = null;
  let bestPriority = 0;
  for (const bucket of buckets) {
    const front = frontOf(bucket);
    if (front === null) continue;
    if (ageing.ageTicks === 0) return front;
    const priority = effectivePriority(front, ageing);
    if (
      best === null ||
      priority > bestPriority ||
      (priority === bestPriority && front.sequence < best.sequence)
    ) {
      best = front;
      bestPriority = priority;
    }
  }
  return best;
}

function frontOf(bucket: Bucket): Task | null {
  const { tasks } = bucket;
  while (bucket.first < tasks.length) {
    const task = tasks[bucket.first]!;
    if (!task.taken) return task;
    removeFront(bucket);
  }
  return null;
}

function removeFront(bucket: Bucket): void {
  const { tasks } = bucket;
  if (tasks.length === 1) {
    // Keeps the room, where setting the length would give it back with every message.
    tasks.pop();
    return;
  }
  tasks[bucket.first++] = null;
  if (bucket.first === tasks.length) {
    tasks.length = 0;
    bucket.first = 0;
  } else if (bucket.first >= 64 && bucket.first * 2 >= tasks.length) {
    tasks.splice(0, bucket.first);
    bucket.first = 0;
  }
}

/** Removes the task that `firstTask` answered. */
export function removeFirst(mailbox: Mailbox, task: Task): void {
  let at = 0;
  while (mailbox.buckets[at]!.priority !== task.priority) at++;
  const bucket = mailbox.buckets[at]!;
  removeFront(bucket);
  if (bucket.tasks.length === 0 && mailbox.buckets.length > 1) mailbox.buckets.splice(at, 1);
}

/** Whether any task has waited since before the tick. */
export function hasOlderThan(mailbox: Mailbox, tick: number): boolean {
  for (const bucket of mailbox.buckets) {
    const front = frontOf(bucket);
    if (front !== null && front.enqueuedTick < tick) return true;
  }
  return false;
}

/** Takes a waiting task out, wherever it stands. */
export function removeTask(mailbox: Mailbox, task: Task): void {
  const { tasks, first } = mailbox.buckets.find(({ priority }) => priority === task.priority)!;
  let low = first;
  for (let high = tasks.length - 1; low < high; ) {
    const middle = (low + high) >>> 1;
    if (tasks[middle]!.sequence < task.sequence) low = middle + 1;
    else high = middle;
  }
  assert(tasks[low] === task, 'a task that waits is in its mailbox');
  if (low === first) removeFirst(mailbox, task);
  else tasks.splice(low, 1);
}

/** Every waiting task, by (priority descending, sequence). */
export function listTasks(mailbox: Mailbox): Task[] {
  return mailbox.buckets.flatMap(({ tasks, first }) =>
    tasks.slice(first).filter((task): task is Task => task !== null && !task.taken),
  );
}

/** Removes and returns every waiting task. */
export function drainMailbox(mailbox: Mailbox): Task[] {
  const waiting = listTasks(mailbox);
  mailbox.buckets.length = 0;
  return waiting;
}

/** The waiting task of the lowest sequence for which `matches` holds. */
export function oldestTask(mailbox: Mailbox, matches: (task: Task) => boolean): Task | undefined {
  let oldest: Task | undefined;
  for (const { tasks, first } of mailbox.buckets) {
    for (let i = first; i < tasks.length; i++) {
      const task = tasks[i]!;
      if (task.taken || !matches(task)) continue;
      if (oldest === undefined || task.sequence < oldest.sequence) oldest = task;
      break;
    }
  }
  return oldest;
}
