// Opening a tick and choosing its tasks.

import { TaskKind } from '../abi/envelope.ts';
import { assert } from '../base/errors.ts';
import type { Input } from '../log/input.ts';
import { enqueueUnbounded, headOf, refreshHead } from './deliver.ts';
import { applyInputs } from './inputs.ts';
import { removeFirst } from './mailbox.ts';
import { dequeue, peek } from './run-queue.ts';
import type { Agent, SchedulerState, Task } from './state.ts';
import { earliestDueTick, takeDueTimer } from './timer-queue.ts';

/**
 * Opens a tick: inputs in list order, then due timers by (due tick, agent, number), then every-tick steps in creation
 * order. All of these may run in the tick itself.
 */
export function openTick(state: SchedulerState, tick: number, inputs: readonly Input[]): void {
  assert(tick > state.tick, `tick ${tick} comes after tick ${state.tick}`);
  state.tick = tick;
  applyInputs(state, inputs);
  if (state.stopping) return;
  for (let timer = takeDueTimer(state.timers, tick); timer !== undefined; ) {
    timer.task = enqueueUnbounded(state, timer.agent, TaskKind.timer, undefined, timer.number, timer.tag);
    timer = takeDueTimer(state.timers, tick);
  }
  for (const agent of state.everyTick) {
    if (agent.everyTickPending || agent.phase !== 'active') continue;
    agent.everyTickPending = true;
    enqueueUnbounded(state, agent, TaskKind.everyTick);
  }
}

/** Takes at most `tasksPerTickMax` tasks in the order of the policy, and links each agent's tasks into a turn. */
export function planTick(state: SchedulerState): Task[] {
  const plan: Task[] = [];
  const max = state.config.tasksPerTickMax;
  while (plan.length < max) {
    const task = dequeue(state.runQueue);
    if (task === undefined) break;
    const { agent } = task;
    if (task.taken || headOf(agent) !== task) {
      refreshHead(state, agent);
      continue;
    }
    take(task);
    task.position = plan.length;
    linkTurn(agent, task);
    plan.push(task);
    refreshHead(state, agent);
  }
  return plan;
}

function take(task: Task): void {
  const { agent } = task;
  task.taken = true;
  if (agent.urgent === task) agent.urgent = null;
  else removeFirst(agent.mailbox);
  switch (task.kind) {
    case TaskKind.notice:
      agent.notice = null;
      break;
    case TaskKind.again:
      agent.againPending = false;
      break;
    case TaskKind.everyTick:
      agent.everyTickPending = false;
      break;
    case TaskKind.timer:
      agent.timers.delete(task.detail);
      break;
    default:
      break;
  }
}

function linkTurn(agent: Agent, task: Task): void {
  task.next = null;
  if (agent.turnTail === null) agent.turnHead = task;
  else agent.turnTail.next = task;
  agent.turnTail = task;
}

/** Whether a task could run in the next tick, every-tick steps aside: those do not keep a run open. */
export function hasRunnable(state: SchedulerState): boolean {
  for (;;) {
    const task = peek(state.runQueue);
    if (task === undefined) return state.waitingInputs.length > 0;
    if (!task.taken && headOf(task.agent) === task) return true;
    dequeue(state.runQueue);
    refreshHead(state, task.agent);
  }
}

/** The next tick at which a pending timer is due, or undefined. */
export function nextTimerTick(state: SchedulerState): number | undefined {
  return earliestDueTick(state.timers);
}
