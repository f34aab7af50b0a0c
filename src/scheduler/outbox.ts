// Effects that wait for a receiver. They are retried in the order of their sequence before new effects are applied; a
// circle of agents that wait for each other is broken at its lowest sequence.

import { DropReason } from '../abi/envelope.ts';
import { EffectKind } from '../abi/record.ts';
import { assert } from '../base/errors.ts';
import { admit, drop, refreshHead } from './deliver.ts';
import type { EffectSink } from './effect-sink.ts';
import { applyEffect, type EffectSource } from './effects.ts';
import { EventKind } from './event.ts';
import { type Agent, agentOf, type SchedulerState, type Topic, type WaitingEffect } from './state.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Applies an effect, or puts it behind those of its agent that wait. */
export function applyOrWait(
  state: SchedulerState,
  agent: Agent,
  source: EffectSource,
  at: number,
  sink: EffectSink,
): void {
  const kind = source.words[at]! & 0xff;
  if ((agent.outbox === null || !isAskedFor(kind)) && applyEffect(state, agent, source, at, sink)) return;
  const words = source.words.slice(at, at + (source.words[at]! >>> 8));
  if (agent.outbox === null) {
    agent.outbox = [];
    state.blocked.add(agent);
    state.events.push({ kind: EventKind.blocked, agent, other: null, reason: 0 });
  }
  const { tick, index, incarnation, failed } = source;
  const bytes = new Uint8Array(words.buffer);
  agent.outbox.push({ sequence: ++state.sequence, words, bytes, tick, index, incarnation, failed });
}

/** Whether the guest asked for an effect of this kind; the others are what the sandbox says of the task. */
export function isAskedFor(kind: number): boolean {
  return kind !== EffectKind.refusal && kind !== EffectKind.counters;
}

/** One pass over the waiting outboxes, then circles are broken until none is left. */
export function retryOutboxes(state: SchedulerState, sink: EffectSink): void {
  if (state.blocked.size === 0) return;
  const waiting = [...state.blocked].sort((a, b) => headSequence(a) - headSequence(b));
  for (const agent of waiting) drain(state, agent, sink);
  for (let agent = lowestInCircle(state); agent !== undefined; agent = lowestInCircle(state)) {
    dropHead(state, agent);
    drain(state, agent, sink);
  }
}

function headOutbox(agent: Agent): WaitingEffect {
  const head = agent.outbox?.[0];
  assert(head !== undefined, 'a blocked agent has a waiting effect');
  return head;
}

function headSequence(agent: Agent): number {
  return headOutbox(agent).sequence;
}

/** Applies waiting effects until one has to wait on; with the last one gone the agent may be planned again. */
function drain(state: SchedulerState, agent: Agent, sink: EffectSink): void {
  const outbox = agent.outbox!;
  let done = 0;
  while (done < outbox.length && applyEffect(state, agent, outbox[done]!, 0, sink)) done++;
  outbox.splice(0, done);
  if (outbox.length > 0) return;
  agent.outbox = null;
  state.blocked.delete(agent);
  state.events.push({ kind: EventKind.unblocked, agent, other: null, reason: 0 });
  refreshHead(state, agent);
}

function dropHead(state: SchedulerState, agent: Agent): void {
  const { words, tick, index } = agent.outbox!.shift()!;
  const direct = (words[0]! & 0xff) === EffectKind.send;
  drop(state, null, agent, DropReason.blockedCycle, {
    kind: (words[0]! & 0xff) as EffectKind,
    tick,
    index,
    receiverOrigin: direct ? words[1]! : 0,
    receiverCounter: direct ? words[2]! : 0,
  });
}

/** The blocked agents that the agent's first waiting effect waits for. */
function waitsFor(state: SchedulerState, agent: Agent): Agent[] {
  const { words, bytes } = headOutbox(agent);
  const kind = words[0]! & 0xff;
  const isFull = (receiver: Agent, topic: Topic | null): boolean =>
    receiver.outbox !== null && admit(state, receiver, topic, agent) === 'block';
  if (kind === EffectKind.send) {
    const receiver = agentOf(state, words[1]!, words[2]!);
    return receiver !== undefined && isFull(receiver, null) ? [receiver] : [];
  }
  const topic =
    kind === EffectKind.publish
      ? state.topics[words[1]!]
      : state.channels.get(decoder.decode(bytes.subarray(12, 12 + words[1]!)));
  if (topic === undefined) return [];
  return [...topic.subscribers].filter((receiver) => isFull(receiver, topic));
}

/**
 * Of all agents that lie on a circle, the one whose first waiting effect has the lowest sequence. An agent lies on a
 * circle when it can reach itself; strongly connected components by Tarjan (1972), without recursion.
 */
function lowestInCircle(state: SchedulerState): Agent | undefined {
  if (state.blocked.size < 2) return undefined;
  const edges = new Map<Agent, Agent[]>();
  for (const agent of state.blocked) edges.set(agent, waitsFor(state, agent));
  let lowest: Agent | undefined;
  for (const component of components(edges)) {
    if (component.length < 2) continue;
    for (const agent of component) {
      if (lowest === undefined || headSequence(agent) < headSequence(lowest)) lowest = agent;
    }
  }
  return lowest;
}

function components(edges: ReadonlyMap<Agent, readonly Agent[]>): Agent[][] {
  const found: Agent[][] = [];
  const order = new Map<Agent, number>();
  const low = new Map<Agent, number>();
  const stack: Agent[] = [];
  const onStack = new Set<Agent>();
  for (const root of edges.keys()) {
    if (order.has(root)) continue;
    const path: { readonly agent: Agent; next: number }[] = [{ agent: root, next: 0 }];
    while (path.length > 0) {
      const frame = path.at(-1)!;
      const { agent } = frame;
      if (frame.next === 0) {
        order.set(agent, order.size);
        low.set(agent, order.get(agent)!);
        stack.push(agent);
        onStack.add(agent);
      }
      const target = edges.get(agent)?.[frame.next++];
      if (target !== undefined) {
        if (!order.has(target)) path.push({ agent: target, next: 0 });
        else if (onStack.has(target)) low.set(agent, Math.min(low.get(agent)!, order.get(target)!));
        continue;
      }
      path.pop();
      const parent = path.at(-1)?.agent;
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent)!, low.get(agent)!));
      if (low.get(agent) === order.get(agent)) found.push(popComponent(stack, onStack, agent));
    }
  }
  return found;
}

function popComponent(stack: Agent[], onStack: Set<Agent>, root: Agent): Agent[] {
  const component: Agent[] = [];
  for (;;) {
    const agent = stack.pop()!;
    onStack.delete(agent);
    component.push(agent);
    if (agent === root) return component;
  }
}
