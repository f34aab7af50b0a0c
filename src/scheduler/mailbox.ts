// One agent's waiting tasks, ordered by (priority descending, sequence). Never drops by itself: bounds are the caller's.

import type { Task } from './state.ts';

/** Tasks from `first` on are waiting; slots before it are free. */
export interface Mailbox {
  tasks: (Task | null)[];
  first: number;
}

export function createMailbox(): Mailbox {
  return { tasks: [], first: 0 };
}

/** Adds a task behind all that go before it: appending is the common case, since sequences rise. */
export function insertTask(mailbox: Mailbox, task: Task): void {
  const { tasks } = mailbox;
  let at = tasks.length;
  while (at > mailbox.first && goesBefore(task, tasks[at - 1]!)) at--;
  if (at === tasks.length) tasks.push(task);
  else tasks.splice(at, 0, task);
}

/** The task to run next, skipping cancelled ones; null when nothing waits. */
export function firstTask(mailbox: Mailbox): Task | null {
  const { tasks } = mailbox;
  while (mailbox.first < tasks.length) {
    const task = tasks[mailbox.first]!;
    if (!task.taken) return task;
    removeFirst(mailbox);
  }
  return null;
}

/** Removes the first task. */
export function removeFirst(mailbox: Mailbox): void {
  const { tasks } = mailbox;
  tasks[mailbox.first++] = null;
  if (mailbox.first === tasks.length) {
    tasks.length = 0;
    mailbox.first = 0;
  } else if (mailbox.first >= 64 && mailbox.first * 2 >= tasks.length) {
    tasks.splice(0, mailbox.first);
    mailbox.first = 0;
  }
}

/** Every waiting task, in order. */
export function listTasks(mailbox: Mailbox): Task[] {
  return mailbox.tasks.slice(mailbox.first).filter((task) => task !== null && !task.taken) as Task[];
}

/** Removes and returns every waiting task, in order. */
export function drainMailbox(mailbox: Mailbox): Task[] {
  const waiting = listTasks(mailbox);
  mailbox.tasks.length = 0;
  mailbox.first = 0;
  return waiting;
}

function goesBefore(a: Task, b: Task): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.sequence < b.sequence;
}
