// Opening a tick and choosing its tasks.

import { TaskKind } from '../abi/envelope.ts';
import { assert } from '../base/errors.ts';
import type { Input } from '../log/input.ts';
import { enqueueUnbounded } from './deliver.ts';
import { isFaultNotice } from './fault-notice.ts';
import { applyInputs } from './inputs.ts';
import { removeFirst } from './mailbox.ts';
import { hasTask, pickTasks } from './pick.ts';
import { answerTaken, deferRequests, earliestRequestTick } from './requests.ts';
import { nextRestart, restartDue } from './restart.ts';
import type { Agent, SchedulerState, Task } from './state.ts';
import { earliestDueTick, takeDueTimer } from './timer-queue.ts';

/**
 * Opens a tick: inputs in list order, the answers that are due last (those that are not there come in the next tick),
 * then restarts whose back-off ends, then due timers by (due tick, agent, number), then every-tick steps in creation
 * order. All of these may run in the tick itself.
 */
export function openTick(state: SchedulerState, tick: number, inputs: readonly Input[]): void {
  assert(tick > state.tick, `tick ${tick} comes after tick ${state.tick}`);
  state.previousTick = state.tick;
  state.tick = tick;
  applyInputs(state, inputs);
  if (state.stopping) return;
  deferRequests(state);
  restartDue(state);
  for (let timer = takeDueTimer(state.timers, tick); timer !== undefined; ) {
    timer.task = enqueueUnbounded(state, timer.agent, TaskKind.timer, undefined, timer.number, timer.tag);
    timer = takeDueTimer(state.timers, tick);
  }
  for (const agent of state.everyTick) {
    if (agent.everyTickPending || agent.phase !== 'active' || agent.paused) continue;
    agent.everyTickPending = true;
    enqueueUnbounded(state, agent, TaskKind.everyTick);
  }
}

/** Takes at most `tasksPerTickMax` tasks in the order of the policy, and links each agent's tasks into a turn. */
export function planTick(state: SchedulerState): Task[] {
  const plan: Task[] = [];
  pickTasks(state, state.config.tasksPerTickMax, (task) => {
    take(state, task);
    task.position = plan.length;
    linkTurn(task.agent, task);
    plan.push(task);
  });
  return plan;
}

function take(state: SchedulerState, task: Task): void {
  const { agent } = task;
  task.taken = true;
  if (agent.urgent[0] === task) agent.urgent = agent.urgent.slice(1);
  else removeFirst(agent.mailbox, task);
  if (agent.paused) agent.stepTick = 0;
  switch (task.kind) {
    case TaskKind.notice:
      agent.notice = null;
      break;
    case TaskKind.fault:
      if (isFaultNotice(task)) agent.faultNotices!.delete(task.sender!);
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
    case TaskKind.inference:
    case TaskKind.generation:
      answerTaken(state, task);
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

/** Whether the next tick would do anything, every-tick steps aside: those do not keep a run open. */
export function hasRunnable(state: SchedulerState): boolean {
  const waiting = state.waitingInputs.length + state.waitingCalls.length + state.blocked.size;
  return waiting > 0 || hasTask(state);
}

/** The next tick in which a pending timer or an answer is due, or a back-off ends; undefined where nothing is. */
export function nextTimerTick(state: SchedulerState): number | undefined {
  const ticks = [
    earliestDueTick(state.timers),
    nextRestart(state)?.dueTick,
    earliestRequestTick(state.requests),
  ].filter((tick) => tick !== undefined);
  return ticks.length === 0 ? undefined : Math.min(...ticks);
}
