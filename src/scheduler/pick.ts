// The policies: in which order first tasks are taken into a plan. Ties are always broken by sequence or creation
// number.

import { TaskKind } from '../abi/envelope.ts';
import { headOf, refreshHead } from './deliver.ts';
import { createHeap, popHeap, pushHeap } from './heap.ts';
import { effectivePriority, listTasks } from './mailbox.ts';
import { entriesOf, type HeadQueue, peekHead, takeHead } from './run-queue.ts';
import type { Agent, SchedulerState, Task } from './state.ts';

/** Takes tasks, in the order of the policy, until `take` has been given `max` of them or none is left. */
export function pickTasks(state: SchedulerState, max: number, take: (task: Task) => void): void {
  const { runQueue } = state;
  if (runQueue.heads !== null) pickHeads(state, runQueue.heads, max, take);
  else if (runQueue.policy === 'round-robin') pickInTurn(state, max, take);
  else pickAged(state, max, take);
}

function pickHeads(state: SchedulerState, heads: HeadQueue, max: number, take: (task: Task) => void): void {
  for (let count = 0; count < max; ) {
    const task = takeHead(heads);
    if (task === undefined) return;
    if (!task.taken && headOf(state, task.agent) === task) {
      take(task);
      count++;
    }
    refreshHead(state, task.agent);
  }
}

/** Orders the first tasks anew, with the priorities that they have in this tick. */
function pickAged(state: SchedulerState, max: number, take: (task: Task) => void): void {
  const { ready, policy, ageTicks } = state.runQueue;
  const ageing = { tick: state.tick, ageTicks };
  const heap = createHeap<{ readonly task: Task; readonly priority: number }>((a, b) =>
    a.priority === b.priority ? a.task.sequence < b.task.sequence : a.priority > b.priority,
  );
  const add = (agent: Agent): void => {
    const task = headOf(state, agent);
    if (task === null) ready.delete(agent);
    else pushHeap(heap, { task, priority: policy === 'fifo' ? 0 : effectivePriority(task, ageing) });
  };
  for (const agent of [...ready]) add(agent);
  for (let count = 0; count < max; count++) {
    const next = popHeap(heap);
    if (next === undefined) return;
    take(next.task);
    add(next.task.agent);
  }
}

/** One task of each agent by creation number, from the one behind the agent served last; rounds repeat. */
function pickInTurn(state: SchedulerState, max: number, take: (task: Task) => void): void {
  const { runQueue } = state;
  let round = [...runQueue.ready].sort((a, b) => a.number - b.number);
  const behind = round.findIndex((agent) => agent.number > runQueue.served);
  if (behind > 0) round = [...round.slice(behind), ...round.slice(0, behind)];
  for (let count = 0; count < max && round.length > 0; ) {
    const rest: Agent[] = [];
    for (const agent of round) {
      const task = headOf(state, agent);
      if (task === null) {
        runQueue.ready.delete(agent);
        continue;
      }
      if (count === max) return;
      take(task);
      count++;
      runQueue.served = agent.number;
      rest.push(agent);
    }
    round = rest;
  }
}

/** Whether any agent has a task that could be taken now, every-tick steps aside. */
export function hasTask(state: SchedulerState): boolean {
  const { heads, ready } = state.runQueue;
  if (heads === null) {
    for (const agent of [...ready]) {
      if (hasWork(state, agent)) return true;
      if (headOf(state, agent) === null) ready.delete(agent);
    }
    return false;
  }
  for (let task = peekHead(heads); task !== undefined; task = peekHead(heads)) {
    if (!task.taken && headOf(state, task.agent) === task) {
      return hasWork(state, task.agent) || entriesOf(heads).some(({ agent }) => hasWork(state, agent));
    }
    takeHead(heads);
    refreshHead(state, task.agent);
  }
  return false;
}

function hasWork(state: SchedulerState, agent: Agent): boolean {
  const head = headOf(state, agent);
  // A step lets a paused agent run in its own tick alone.
  if (head === null || (agent.paused && agent.phase !== 'stopping')) return false;
  return (
    head.kind !== TaskKind.everyTick ||
    listTasks(agent.mailbox).some(({ kind }) => kind !== TaskKind.everyTick)
  );
}
