// How agents begin and end. Identities are never used again, so ended agents stay known as such.

import { TaskKind } from '../abi/envelope.ts';
import { dropMailbox, dropUrgent, enqueueUrgent, moveOut, refreshHead, withdraw } from './deliver.ts';
import { nameOfSpawned } from './ended-agent.ts';
import { EventKind } from './event.ts';
import { dropAnswers } from './requests.ts';
import type { Agent, Payload, SchedulerState, Task, Topic } from './state.ts';
import { createAgent, createChannel, isAlive } from './state.ts';
import { cancelTimers } from './timer-queue.ts';

/** Creates the agents of the system file, in its order. */
export function createDeclaredAgents(state: SchedulerState): void {
  state.config.declarations.forEach((declaration, index) => {
    for (const name of declaredNames(declaration.name, declaration.count)) {
      spawnFromHost(state, ++state.hostCounter, name, index, null);
    }
  });
}

/** The names of the agents that a declaration creates at the start. */
export function declaredNames(name: string, count: number | null): string[] {
  if (count === null) return [name];
  return Array.from({ length: count }, (_, i) => `${name}/${i}`);
}

/** Creates an agent for the host. The counter must be new. */
export function spawnFromHost(
  state: SchedulerState,
  counter: number,
  name: string,
  declarationIndex: number,
  payload: Payload | null,
): Agent {
  const agent = createAgent(state, { origin: 0, counter }, name, declarationIndex);
  state.hostAgents[counter] = agent;
  if (counter > state.hostCounter) state.hostCounter = counter;
  begin(state, agent, null, payload);
  return agent;
}

/** Creates an agent for another one; the caller has checked the limit of agents. */
export function spawnFromAgent(
  state: SchedulerState,
  parent: Agent,
  counter: number,
  declarationIndex: number,
  payload: Payload,
): Agent {
  const declaration = state.config.declarations[declarationIndex]!;
  const name = nameOfSpawned(declaration, parent.number, counter);
  const agent = createAgent(state, { origin: parent.number, counter }, name, declarationIndex);
  parent.children ??= [];
  parent.children[counter] = agent;
  begin(state, agent, parent, payload.length > 0 ? payload : null);
  return agent;
}

function begin(state: SchedulerState, agent: Agent, parent: Agent | null, payload: Payload | null): void {
  const { declaration } = agent;
  state.aliveCount++;
  state.reservedPages += declaration.limits.memoryPagesMax;
  state.events.push({ kind: EventKind.spawned, agent, other: parent, reason: 0 });
  const { configuration } = declaration;
  // It is kept for restarts, as long as the agent lives.
  if (payload !== null) moveOut(payload);
  agent.configuration = payload ?? { bytes: configuration, offset: 0, length: configuration.length };
  enqueueInit(state, agent);
  subscribeDeclared(state, agent);
  if (declaration.everyTick) state.everyTick.add(agent);
}

export function enqueueInit(state: SchedulerState, agent: Agent): void {
  const { configuration } = agent;
  const kinds = configuration.length > 0 ? [TaskKind.init, TaskKind.configuration] : [TaskKind.init];
  enqueueUrgent(state, agent, kinds, configuration);
}

export function declaredTopics(state: SchedulerState, { declaration }: Agent): Topic[] {
  const topics = declaration.subscriptions.map((index) => state.topics[index]!);
  return [...topics, ...declaration.channels.map((name) => channelOf(state, name))];
}

export function subscribeDeclared(state: SchedulerState, agent: Agent): void {
  for (const topic of declaredTopics(state, agent)) subscribe(agent, topic);
}

/** The channel of a name, created on first use. */
export function channelOf(state: SchedulerState, name: string): Topic {
  let channel = state.channels.get(name);
  if (channel === undefined) {
    channel = createChannel(name);
    state.channels.set(name, channel);
  }
  return channel;
}

/** Subscribing twice keeps the first place in the order. */
export function subscribe(agent: Agent, topic: Topic): void {
  topic.subscribers.add(agent);
  agent.topics.add(topic);
}

export function unsubscribe(state: SchedulerState, agent: Agent, topic: Topic): void {
  topic.subscribers.delete(agent);
  agent.topics.delete(topic);
  if (topic.channel && topic.subscribers.size === 0) state.channels.delete(topic.name);
}

/** Asks an agent to end: shutdown becomes its only task. One that has no instance now just ends. */
export function terminate(state: SchedulerState, agent: Agent): void {
  const idle =
    agent.phase === 'backing-off' || (agent.phase === 'starting' && agent.urgent[0]?.kind === TaskKind.init);
  if (idle) {
    end(state, agent, 'stopped', 0, []);
  } else if (agent.phase === 'starting' || agent.phase === 'active') {
    agent.phase = 'stopping';
    state.events.push({ kind: EventKind.stopping, agent, other: null, reason: 0 });
    enqueueUrgent(state, agent, [TaskKind.shutdown]);
  }
}

/** Nothing is planned for a paused agent; what comes waits, and timers keep their due tick. */
export function pause(state: SchedulerState, agent: Agent): void {
  if (!isAlive(agent) || agent.phase === 'stopping' || agent.paused) return;
  agent.paused = true;
  state.events.push({ kind: EventKind.paused, agent, other: null, reason: 0 });
}

export function resume(state: SchedulerState, agent: Agent): void {
  if (!isAlive(agent) || !agent.paused) return;
  agent.paused = false;
  state.events.push({ kind: EventKind.resumed, agent, other: null, reason: 0 });
  refreshHead(state, agent);
}

/** Lets a paused agent run one task in this tick. */
export function step(state: SchedulerState, agent: Agent): void {
  if (!isAlive(agent) || !agent.paused) return;
  agent.stepTick = state.tick;
  refreshHead(state, agent);
}

export function clearTimers(state: SchedulerState, agent: Agent): void {
  for (const { task } of cancelTimers(state.timers, agent)) if (task !== null) withdraw(state, task);
}

/**
 * Ends an agent for good: what waits becomes dead letters, timers and subscriptions go.
 * `unfinished` are planned tasks that did not run; they come before the mailbox.
 */
export function end(
  state: SchedulerState,
  agent: Agent,
  phase: 'stopped' | 'failed',
  reason: number,
  unfinished: readonly Task[],
): void {
  if (!isAlive(agent)) return;
  agent.phase = phase;
  agent.imageTick = 0;
  state.aliveCount--;
  state.reservedPages -= agent.declaration.limits.memoryPagesMax;
  state.released.push(agent);
  state.unimaged.delete(agent);
  const kind = phase === 'failed' ? EventKind.failed : EventKind.stopped;
  state.events.push({ kind, agent, other: null, reason });
  dropUrgent(state, agent);
  agent.notice = null;
  agent.faultNotices = null;
  clearTimers(state, agent);
  dropAnswers(state, agent);
  for (const topic of [...agent.topics]) unsubscribe(state, agent, topic);
  state.everyTick.delete(agent);
  dropMailbox(state, agent, unfinished);
  state.retiring.push(agent);
}
