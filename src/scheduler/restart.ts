// What becomes of an agent that failed: how long it waits, what it begins with again, and when its restart image is
// taken. Where the image is kept is no matter of the scheduler.

import { Recovery, TaskKind } from '../abi/envelope.ts';
import { dropUrgent, enqueueUrgent, refreshHead } from './deliver.ts';
import { EventKind } from './event.ts';
import { faultNotice, noteFault } from './fault-notice.ts';
import { popHeap, pushHeap } from './heap.ts';
import {
  clearTimers,
  declaredTopics,
  end,
  enqueueInit,
  subscribeDeclared,
  unsubscribe,
} from './life-cycle.ts';
import { dropAnswers } from './requests.ts';
import {
  type Agent,
  type Declaration,
  isAlive,
  type Restart,
  type SchedulerState,
  type Task,
} from './state.ts';

/** Whether the agent will be restarted if it fails now. */
export function isRestartable(agent: Agent): boolean {
  const { policy, restartsMax } = agent.declaration.restart;
  return policy !== 'never' && agent.incarnation < restartsMax && agent.phase !== 'stopping';
}

/** An agent that is not restarted ends; `unfinished` are planned tasks of it that did not run. */
export function failForGood(
  state: SchedulerState,
  agent: Agent,
  code: number,
  unfinished: readonly Task[],
): void {
  end(state, agent, 'failed', code, unfinished);
  noteFault(state, { agent, code, recovery: Recovery.none, restartTick: 0 });
}

/**
 * Puts a failed agent aside until its restart. The mailbox stays; timers and subscriptions of its own making go. From
 * an image it goes on with a notice of its fault, since nothing else would tell it what it has lost.
 */
export function backOff(state: SchedulerState, agent: Agent, code: number): void {
  const recovery = agent.imageTick > 0 ? Recovery.fromImage : Recovery.fromInit;
  const restartTick = state.tick + backoffTicksOf(agent);
  const fault = { agent, code, recovery, restartTick };
  const ownNotice = faultNotice(state, fault);
  agent.phase = 'backing-off';
  state.released.push(agent);
  state.unimaged.delete(agent);
  state.events.push({ kind: EventKind.backingOff, agent, other: null, reason: code });
  forgetInstance(state, agent);
  pushHeap(state.restarts, { dueTick: restartTick, agent });
  if (recovery === Recovery.fromImage) enqueueUrgent(state, agent, [TaskKind.fault], ownNotice);
  noteFault(state, fault);
  agent.incarnation++;
}

/**
 * Makes an agent begin again with what waits for it, at the next tick: one of another module cannot go on with what it
 * held. `counted` is what its instance has counted, where it had one. Call it between two ticks.
 */
export function beginAnew(
  state: SchedulerState,
  agent: Agent,
  counted: Pick<Agent, 'nextTimer' | 'nextChild' | 'nextRequest'> | undefined,
): void {
  if (!isAlive(agent)) return;
  agent.imageTick = 0;
  state.unimaged.delete(agent);
  if (counted !== undefined) {
    agent.nextTimer = counted.nextTimer;
    agent.nextChild = counted.nextChild;
    agent.nextRequest = counted.nextRequest;
  }
  if (agent.phase === 'backing-off') dropUrgent(state, agent);
  // Nothing of a stopping agent is left to do but a shutdown, which needs what it held.
  if (agent.phase === 'stopping') end(state, agent, 'stopped', 0, []);
  if (agent.phase !== 'active' && !(agent.phase === 'starting' && counted !== undefined)) return;
  forgetInstance(state, agent);
  agent.incarnation++;
  agent.phase = 'starting';
  enqueueInit(state, agent);
}

/** The mailbox stays; what an instance made for itself goes. */
function forgetInstance(state: SchedulerState, agent: Agent): void {
  dropUrgent(state, agent);
  clearTimers(state, agent);
  dropAnswers(state, agent);
  const declared = new Set(declaredTopics(state, agent));
  for (const topic of [...agent.topics]) if (!declared.has(topic)) unsubscribe(state, agent, topic);
  subscribeDeclared(state, agent);
}

/** Twice as long with each restart. */
function backoffTicksOf({ declaration, incarnation }: Agent): number {
  const { backoffTicks, backoffTicksMax } = declaration.restart;
  if (backoffTicks === 0) return 1;
  return Math.max(Math.min(backoffTicks * 2 ** incarnation, backoffTicksMax), 1);
}

/** The restart that comes next; those of agents that have ended meanwhile are forgotten. */
export function nextRestart({ restarts }: SchedulerState): Restart | undefined {
  while (restarts.items.length > 0 && restarts.items[0]!.agent.phase !== 'backing-off') popHeap(restarts);
  return restarts.items[0];
}

/** Restarts the agents whose back-off ends, by (due tick, creation number). */
export function restartDue(state: SchedulerState): void {
  for (let next = nextRestart(state); next !== undefined && next.dueTick <= state.tick; ) {
    const { agent } = popHeap(state.restarts)!;
    next = nextRestart(state);
    const fromImage = agent.imageTick > 0;
    agent.phase = fromImage ? 'active' : 'starting';
    state.events.push({ kind: EventKind.restarted, agent, other: null, reason: fromImage ? 1 : 0 });
    if (fromImage) refreshHead(state, agent);
    else enqueueInit(state, agent);
  }
}

/** Says that the agent ran in the current tick: its image, if it is to have one, is old. */
export function noteRun(state: SchedulerState, agent: Agent): void {
  if (agent.declaration.restart.policy === 'from-image') state.unimaged.add(agent);
}

/**
 * Chooses the agents whose images are taken after the tick: those that ran since their last one, where the tick is the
 * first at or after a multiple of `imageTicks`. One that has not had its configuration yet is taken the next time.
 */
export function chooseImages(state: SchedulerState): void {
  const { unimaged, tick, previousTick } = state;
  const isDue = ({ restart: { imageTicks } }: Declaration): boolean =>
    Math.floor(tick / imageTicks) > Math.floor(previousTick / imageTicks);
  if (!state.config.declarations.some(isDue)) return;
  for (const agent of unimaged) {
    if (!isDue(agent.declaration) || agent.phase !== 'active' || agent.urgent.length > 0) continue;
    unimaged.delete(agent);
    agent.imageTick = tick;
    state.imaged.push(agent);
  }
  state.imaged.sort((a, b) => a.number - b.number);
}
