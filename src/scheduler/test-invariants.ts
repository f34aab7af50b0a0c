// For tests only: what must hold of the scheduler's state between any two ticks.

import assert from 'node:assert/strict';
import { headOf, holdsSlot, waitingTasks } from './deliver.ts';
import { listTasks } from './mailbox.ts';
import type { Agent, SchedulerState } from './state.ts';
import { isAlive } from './state.ts';

export function checkInvariants(state: SchedulerState): void {
  const agents = state.agents.filter((agent) => agent !== undefined);
  const alive = agents.filter(isAlive);
  assert.equal(state.aliveCount, alive.length, 'aliveCount counts the living');
  for (const agent of agents) checkAgent(agent);
  for (const topic of [...state.topics, ...state.channels.values()]) {
    for (const agent of topic.subscribers) {
      assert.ok(isAlive(agent) && agent.topics.has(topic), `${agent.name} knows that it has ${topic.name}`);
    }
  }
  for (const channel of state.channels.values()) {
    assert.ok(channel.subscribers.size > 0, `channel ${channel.name} has members`);
  }
  for (const agent of state.everyTick) assert.ok(isAlive(agent), `${agent.name} lives`);
  for (const agent of state.blocked)
    assert.ok(agent.outbox !== null, `${agent.name} is blocked by something`);
  checkRunQueue(state, alive);
}

function checkRunQueue(state: SchedulerState, alive: readonly Agent[]): void {
  const { heads, ready } = state.runQueue;
  if (heads === null) {
    for (const agent of alive)
      assert.ok(headOf(state, agent) === null || ready.has(agent), `${agent.name} is ready`);
    return;
  }
  const { run, runFirst, heap } = heads;
  const list = [...run.slice(runFirst), ...heap.items];
  const entries = new Set(list);
  assert.equal(entries.size, list.length, 'no task is twice in the run queue');
  for (const task of entries) assert.ok(task?.queued, 'an entry of the run queue says so');
  for (const agent of alive) {
    const head = headOf(state, agent);
    assert.ok(head === null || entries.has(head), `the run queue knows the head of ${agent.name}`);
  }
  const waiting = alive.reduce((count, agent) => count + waitingTasks(agent).length, 0);
  assert.ok(list.length <= 2 * waiting + 128, `${list.length} entries for ${waiting} waiting tasks`);
}

function checkAgent(agent: Agent): void {
  const waiting = listTasks(agent.mailbox);
  const slots = waiting.filter(({ kind }) => holdsSlot(kind));
  assert.equal(agent.slotsUsed, slots.length, `${agent.name} holds a slot per waiting message`);
  for (const [topic, used] of agent.topicSlotsUsed ?? []) {
    assert.equal(used, slots.filter((task) => task.topic === topic).length, `${agent.name} at ${topic.name}`);
  }
  const { mailboxMessagesMax, timersMax } = agent.declaration.limits;
  assert.ok(slots.length <= mailboxMessagesMax, `${agent.name} stays within its mailbox`);
  assert.ok(agent.timers.size <= timersMax, `${agent.name} stays within its timers`);
  for (const task of waiting) assert.equal(task.agent, agent);
  const kept = agent.mailbox.buckets.reduce((count, { tasks }) => count + tasks.length, 0);
  assert.ok(kept <= 2 * waiting.length + 128, `${agent.name} keeps ${kept} tasks for ${waiting.length}`);
  assert.equal(agent.turnHead, null);
  assert.equal(agent.turnTail, null);
  if (isAlive(agent)) return;
  assert.equal(
    waiting.length + agent.topics.size + agent.timers.size,
    0,
    `${agent.name} left nothing behind`,
  );
  assert.equal(agent.urgent.length, 0);
  assert.equal(agent.notice, null);
}
