// The mailbox against a sorted array.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  createMailbox,
  drainMailbox,
  effectivePriority,
  firstTask,
  insertTask,
  listTasks,
  oldestTask,
  removeFirst,
  removeTask,
} from './mailbox.ts';
import type { Task } from './state.ts';

const unaged = { tick: 0, ageTicks: 0 };

function task(sequence: number, priority: number, enqueuedTick = 0): Task {
  return { sequence, priority, enqueuedTick, taken: false } as Task;
}

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ insert: fc.integer({ min: -2, max: 2 }) }) },
    { weight: 2, arbitrary: fc.constant('take' as const) },
    { weight: 1, arbitrary: fc.record({ cancel: fc.nat(100) }) },
    { weight: 1, arbitrary: fc.constant('later' as const) },
  ),
  { maxLength: 300, size: 'max' },
);

for (const ageTicks of [0, 1, 3]) {
  test(`a mailbox gives tasks by (effective priority, sequence), like a sorted array; ageing by ${ageTicks}`, () => {
    fc.assert(
      fc.property(steps, (list) => {
        const mailbox = createMailbox();
        let waiting: Task[] = [];
        let tick = 0;
        const first = (): Task | null => {
          const priority = (of: Task): number => effectivePriority(of, { tick, ageTicks });
          const sorted = waiting.sort((a, b) => priority(b) - priority(a) || a.sequence - b.sequence);
          return sorted[0] ?? null;
        };
        list.forEach((step, index) => {
          let gone: Task | null | undefined;
          if (step === 'later') tick++;
          else if (step === 'take') {
            gone = firstTask(mailbox, { tick, ageTicks });
            assert.equal(gone, first());
            if (gone !== null) removeFirst(mailbox, gone);
          } else if ('insert' in step) {
            const inserted = task(index, step.insert, tick);
            insertTask(mailbox, inserted);
            waiting.push(inserted);
          } else {
            gone = waiting[step.cancel % Math.max(waiting.length, 1)];
            if (gone !== undefined) removeTask(mailbox, gone);
          }
          waiting = waiting.filter((kept) => kept !== gone);
          assert.equal(firstTask(mailbox, { tick, ageTicks }), first());
        });
        const inOrder = waiting.sort((a, b) => b.priority - a.priority || a.sequence - b.sequence);
        assert.deepEqual(listTasks(mailbox), inOrder);
        assert.deepEqual(drainMailbox(mailbox), inOrder);
        assert.equal(firstTask(mailbox, unaged), null);
      }),
      { numRuns: 50 },
    );
  });
}

test('a mailbox that is emptied as fast as it fills keeps no slot of the past', () => {
  const mailbox = createMailbox();
  insertTask(mailbox, task(0, 0));
  for (let i = 1; i < 10_000; i++) {
    insertTask(mailbox, task(i, 0));
    const first = firstTask(mailbox, unaged)!;
    assert.equal(first.sequence, i - 1);
    removeFirst(mailbox, first);
  }
  const kept = mailbox.buckets[0]!.tasks.length;
  assert.ok(kept <= 200, `${kept} slots for one task`);
});

test('a task that goes back finds its place by its sequence', () => {
  const mailbox = createMailbox();
  const tasks = [1, 2, 3, 4].map((sequence) => task(sequence, 0));
  for (const each of tasks) insertTask(mailbox, each);
  for (const each of tasks.slice(0, 2)) removeFirst(mailbox, each);
  insertTask(mailbox, tasks[0]!);
  insertTask(mailbox, tasks[1]!);
  assert.deepEqual(listTasks(mailbox), tasks);
});

test('oldestTask() finds the lowest sequence of those asked for, whatever its priority', () => {
  const mailbox = createMailbox();
  for (const [sequence, priority] of [
    [5, 1],
    [2, 0],
    [3, -1],
    [7, 1],
  ] as const) {
    insertTask(mailbox, task(sequence, priority));
  }
  assert.equal(oldestTask(mailbox, () => true)?.sequence, 2);
  assert.equal(oldestTask(mailbox, ({ priority }) => priority === 1)?.sequence, 5);
  assert.equal(
    oldestTask(mailbox, () => false),
    undefined,
  );
});
