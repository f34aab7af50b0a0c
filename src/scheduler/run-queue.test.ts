// The queue of first tasks against a sorted array.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addHead, createRunQueue, forgetHead, peekHead, takeHead } from './run-queue.ts';
import type { Task } from './state.ts';

const orders = {
  fifo: (a: Task, b: Task) => a.sequence - b.sequence,
  priority: (a: Task, b: Task) => b.priority - a.priority || a.sequence - b.sequence,
} as const;

const entries = fc.uniqueArray(
  fc.record({ sequence: fc.nat(1000), priority: fc.integer({ min: -2, max: 2 }) }),
  { selector: ({ sequence }) => sequence },
);

for (const policy of ['fifo', 'priority'] as const) {
  test(`first tasks under ${policy} come out like a sorted array, in whatever order they came`, () => {
    fc.assert(
      fc.property(entries, fc.array(fc.boolean(), { maxLength: 400 }), (list, steps) => {
        const queue = createRunQueue(policy, 0).heads!;
        const waiting = list.map((entry) => ({ ...entry, queued: false, taken: false }) as Task);
        const sorted: Task[] = [];
        for (const add of steps) {
          const added = add ? waiting.pop() : undefined;
          if (added !== undefined) {
            addHead(queue, added);
            addHead(queue, added);
            sorted.push(added);
            sorted.sort(orders[policy]);
          } else {
            assert.equal(peekHead(queue), sorted[0]);
            assert.equal(takeHead(queue), sorted.shift());
          }
        }
        while (sorted.length > 0) assert.equal(takeHead(queue), sorted.shift());
        assert.equal(takeHead(queue), undefined);
      }),
    );
  });
}

function createTasks(count: number): Task[] {
  return Array.from({ length: count }, (_, sequence) => ({ sequence, queued: false, taken: false }) as Task);
}

test('a run queue lets go of what was taken from it', () => {
  const queue = createRunQueue('fifo', 0).heads!;
  const tasks = createTasks(100);
  for (const task of tasks) addHead(queue, task);
  for (let i = 0; i < 99; i++) takeHead(queue);
  const kept = [...queue.run, ...queue.heap.items].filter((entry) => entry !== undefined);
  assert.deepEqual(kept, [tasks[99]]);
});

test('entries whose tasks were dropped do not pile up, and the others keep their order', () => {
  const queue = createRunQueue('fifo', 0).heads!;
  const tasks = createTasks(10_000).reverse();
  const live: Task[] = [];
  for (const task of tasks) {
    addHead(queue, task);
    if (task.sequence % 1000 === 0) {
      live.unshift(task);
      continue;
    }
    task.taken = true;
    forgetHead(queue, task);
  }
  const size = queue.run.length - queue.runFirst + queue.heap.items.length;
  assert.ok(size < 200, `${size} entries for ${live.length} tasks`);
  const taken: Task[] = [];
  for (let task = takeHead(queue); task !== undefined; task = takeHead(queue)) {
    if (!task.taken) taken.push(task);
  }
  assert.deepEqual(taken, live);
});
