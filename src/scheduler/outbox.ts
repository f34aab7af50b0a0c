// Effects that wait for a receiver. They are retried in the order of their sequence before new effects are applied; a
// circle of agents that wait for each other is broken at its lowest sequence.

import { DropReason } from '../abi/envelope.ts';
import { EffectKind } from '../abi/record.ts';
import { Circles, headSequence } from './circles.ts';
import { drop, refreshHead } from './deliver.ts';
import type { EffectSink } from './effect-sink.ts';
import { applyEffect, type EffectSource } from './effects.ts';
import { EventKind } from './event.ts';
import { type Agent, isAlive, type SchedulerState, type WaitingEffect } from './state.ts';

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
  if (state.blocked.size < 2) return;
  const circles = new Circles(state);
  for (let agent = circles.lowest(); agent !== undefined; agent = circles.lowest()) {
    dropHead(state, agent);
    circles.update(agent, drain(state, agent, sink));
  }
}

/**
 * Applies waiting effects until one has to wait on; with the last one gone the agent may be planned again. Answers
 * those that were applied.
 */
function drain(state: SchedulerState, agent: Agent, sink: EffectSink): WaitingEffect[] {
  const outbox = agent.outbox!;
  let done = 0;
  while (done < outbox.length && applyEffect(state, agent, outbox[done]!, 0, sink)) done++;
  const applied = outbox.splice(0, done);
  if (outbox.length > 0) return applied;
  agent.outbox = null;
  state.blocked.delete(agent);
  if (!isAlive(agent)) state.retiring.push(agent);
  state.events.push({ kind: EventKind.unblocked, agent, other: null, reason: 0 });
  refreshHead(state, agent);
  return applied;
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
