// The timer queue against a sorted array.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Agent } from './state.ts';
import {
  addTimer,
  cancelTimer,
  cancelTimers,
  createTimerQueue,
  earliestDueTick,
  type Timer,
  takeDueTimer,
} from './timer-queue.ts';

function createAgents(count: number): Agent[] {
  return Array.from({ length: count }, (_, i) => ({ number: i + 1, timers: new Map() }) as unknown as Agent);
}

function timer(agent: Agent, number: number, dueTick: number): Timer {
  return { agent, number, dueTick, tag: 0, cancelled: false, task: null };
}

const inOrder = (a: Timer, b: Timer): number =>
  a.dueTick - b.dueTick || a.agent.number - b.agent.number || a.number - b.number;

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ agent: fc.nat(2), delay: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ cancel: fc.nat(1000) }) },
    { weight: 1, arbitrary: fc.record({ advance: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ end: fc.nat(2) }) },
  ),
  { maxLength: 200, size: 'max' },
);

test('timers come due by (due tick, agent, number), like a sorted array', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const queue = createTimerQueue();
      const agents = createAgents(3);
      let pending: Timer[] = [];
      let tick = 0;
      list.forEach((step, index) => {
        if ('delay' in step) {
          const added = timer(agents[step.agent]!, index, tick + step.delay);
          addTimer(queue, added);
          pending.push(added);
        } else if ('cancel' in step) {
          const cancelled = pending[step.cancel % Math.max(pending.length, 1)];
          if (cancelled !== undefined) cancelTimer(queue, cancelled.agent, cancelled.number);
          pending = pending.filter((kept) => kept !== cancelled);
        } else if ('end' in step) {
          cancelTimers(queue, agents[step.end]!);
          pending = pending.filter((kept) => kept.agent !== agents[step.end]);
        } else {
          tick += step.advance;
          const due = pending.filter(({ dueTick }) => dueTick <= tick).sort(inOrder);
          for (const wanted of due) assert.equal(takeDueTimer(queue, tick), wanted);
          assert.equal(takeDueTimer(queue, tick), undefined);
          for (const fired of due) fired.agent.timers.delete(fired.number);
          pending = pending.filter(({ dueTick }) => dueTick > tick);
        }
        assert.equal(earliestDueTick(queue), pending.sort(inOrder)[0]?.dueTick);
      });
    }),
    { numRuns: 50 },
  );
});

test('timers that are set and cancelled again and again leave nothing behind', () => {
  const queue = createTimerQueue();
  const [agent, other] = createAgents(2);
  addTimer(queue, timer(other!, 0, 2 ** 32));
  for (let number = 0; number < 10_000; number++) {
    addTimer(queue, timer(agent!, number, 2 ** 32));
    cancelTimer(queue, agent!, number);
  }
  assert.ok(queue.heap.items.length < 200, `${queue.heap.items.length} entries for one timer`);
  assert.equal(earliestDueTick(queue), 2 ** 32);
});

test('cancelling a number that is not pending does nothing', () => {
  const queue = createTimerQueue();
  const [agent] = createAgents(1);
  addTimer(queue, timer(agent!, 4, 9));
  assert.equal(cancelTimer(queue, agent!, 5), undefined);
  assert.equal(earliestDueTick(queue), 9);
});
