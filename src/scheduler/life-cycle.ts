// How agents begin and end. Identities are never used again, so ended agents stay known as such.

import { TaskKind } from '../abi/envelope.ts';
import { dropMailbox, enqueueUnbounded, enqueueUrgent, type Payload } from './deliver.ts';
import { EventKind } from './event.ts';
import type { Agent, SchedulerState, Task, Topic } from './state.ts';
import { createAgent, createTopic, isAlive } from './state.ts';

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
  const name = `${declaration.name}/${parent.number}.${counter}`;
  const agent = createAgent(state, { origin: parent.number, counter }, name, declarationIndex);
  parent.children.set(counter, agent);
  begin(state, agent, parent, payload.length > 0 ? payload : null);
  return agent;
}

function begin(state: SchedulerState, agent: Agent, parent: Agent | null, payload: Payload | null): void {
  const { declaration } = agent;
  state.aliveCount++;
  state.events.push({ kind: EventKind.spawned, agent, other: parent, reason: 0 });
  enqueueUrgent(state, agent, TaskKind.init);
  const { configuration } = declaration;
  const first = payload ?? { bytes: configuration, offset: 0, length: configuration.length };
  if (first.length > 0) enqueueUnbounded(state, agent, TaskKind.configuration, first);
  for (const index of declaration.subscriptions) subscribe(agent, state.topics[index]!);
  for (const channel of declaration.channels) subscribe(agent, channelOf(state, channel));
  if (declaration.everyTick) state.everyTick.add(agent);
}

/** The channel of a name, created on first use. */
export function channelOf(state: SchedulerState, name: string): Topic {
  let channel = state.channels.get(name);
  if (channel === undefined) {
    channel = createTopic(name, true, null);
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

/** Asks an agent to end: shutdown becomes its only task. One that has not begun just ends. */
export function terminate(state: SchedulerState, agent: Agent): void {
  if (agent.phase === 'starting' && agent.urgent !== null) {
    end(state, agent, 'stopped', 0, []);
  } else if (agent.phase === 'starting' || agent.phase === 'active') {
    agent.phase = 'stopping';
    state.events.push({ kind: EventKind.stopping, agent, other: null, reason: 0 });
    enqueueUrgent(state, agent, TaskKind.shutdown);
  }
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
  state.aliveCount--;
  state.released.push(agent);
  const kind = phase === 'failed' ? EventKind.failed : EventKind.stopped;
  state.events.push({ kind, agent, other: null, reason });
  if (agent.urgent !== null) agent.urgent.taken = true;
  agent.urgent = null;
  agent.notice = null;
  for (const timer of agent.timers.values()) timer.cancelled = true;
  agent.timers.clear();
  for (const topic of [...agent.topics]) unsubscribe(state, agent, topic);
  state.everyTick.delete(agent);
  dropMailbox(state, agent, unfinished);
}
