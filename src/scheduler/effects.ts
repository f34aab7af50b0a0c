// The effects of one task, applied in the order of the calls that made them. One that has to wait for a receiver holds
// back all that its agent does later.

import { DropReason, TaskKind } from '../abi/envelope.ts';
import { EffectKind } from '../abi/record.ts';
import { assert, unreachable } from '../base/errors.ts';
import { admit, type DroppedEffect, deliver, drop, withdraw } from './deliver.ts';
import type { EffectSink } from './effect-sink.ts';
import { channelOf, spawnFromAgent, subscribe, terminate, unsubscribe } from './life-cycle.ts';
import { addRequest, type GenerationState } from './requests.ts';
import {
  type Agent,
  agentOf,
  hasRoomFor,
  isAlive,
  type Payload,
  type SchedulerState,
  type Topic,
} from './state.ts';
import { addTimer, cancelTimer } from './timer-queue.ts';

/** Where an effect's words lie, and what is known of it beside them. */
export interface EffectSource {
  readonly words: Uint32Array;
  /** The same memory as bytes; payloads are views of it. */
  readonly bytes: Uint8Array;
  /** The tick of the call. */
  readonly tick: number;
  /** Position among the effects of the turn. */
  readonly index: number;
  /** The agent's incarnation at the call. */
  readonly incarnation: number;
  /** Whether the task that made it failed: then it is a log text. */
  readonly failed: boolean;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Applies the effect at word `at`; false where it has to wait for a receiver, and then nothing has happened. */
export function applyEffect(
  state: SchedulerState,
  agent: Agent,
  source: EffectSource,
  at: number,
  sink: EffectSink,
): boolean {
  const { words } = source;
  const effect = (words[at]! & 0xff) as EffectKind;
  switch (effect) {
    case EffectKind.send:
      return send(state, agent, source, at);
    case EffectKind.publish:
      return publish(state, agent, state.topics[words[at + 1]!]!, payloadAt(source, at + 2), source);
    case EffectKind.publishChannel:
      return publishChannel(state, agent, source, at);
    case EffectKind.subscribe:
    case EffectKind.unsubscribe:
    case EffectKind.join:
    case EffectKind.leave:
      changeSubscription(state, agent, effect, source, at);
      return true;
    case EffectKind.setTimer:
      setTimer(state, agent, source, at);
      return true;
    case EffectKind.cancelTimer:
      if (source.incarnation === agent.incarnation) cancelOne(state, agent, words[at + 1]!);
      return true;
    case EffectKind.log:
      sink.texts.push({
        agent,
        level: words[at + 1]!,
        text: payloadAt(source, at + 2),
        failed: source.failed,
      });
      return true;
    case EffectKind.output:
      sink.outputs.push({ agent, payload: payloadAt(source, at + 1) });
      return true;
    case EffectKind.spawn:
      spawn(state, agent, source, at);
      return true;
    case EffectKind.terminate: {
      const target = agentOf(state, words[at + 1]!, words[at + 2]!);
      if (target !== undefined) terminate(state, target);
      return true;
    }
    case EffectKind.refusal: {
      const [functionIndex, code, count] = [words[at + 1]!, words[at + 2]! | 0, words[at + 3]!];
      sink.refusals.push({ agent, functionIndex, code, count });
      return true;
    }
    case EffectKind.counters:
      agent.nextTimer = words[at + 1]!;
      agent.nextChild = words[at + 2]!;
      if (words[at]! >>> 8 > 3) agent.nextRequest = words[at + 3]!;
      return true;
    case EffectKind.infer:
      ask(state, agent, source, at, undefined);
      return true;
    case EffectKind.generate:
      ask(state, agent, source, at, { part: 0, tokens: [] });
      return true;
    default:
      return unreachable(effect);
  }
}

function cancelOne(state: SchedulerState, agent: Agent, number: number): void {
  const firing = cancelTimer(state.timers, agent, number)?.task;
  if (firing) withdraw(state, firing);
}

/** Whether the agent that made the call is still there to have timers and subscriptions of its own making. */
function isCurrent(agent: Agent, { incarnation }: EffectSource): boolean {
  return isAlive(agent) && incarnation === agent.incarnation;
}

/** A length word and the bytes behind it. */
function payloadAt({ words, bytes }: EffectSource, at: number): Payload {
  return { bytes, offset: (at + 1) * 4, length: words[at]! };
}

function textAt(source: EffectSource, at: number): string {
  const { bytes, offset, length } = payloadAt(source, at);
  return decoder.decode(bytes.subarray(offset, offset + length));
}

function changeSubscription(
  state: SchedulerState,
  agent: Agent,
  effect: EffectKind,
  source: EffectSource,
  at: number,
): void {
  if (!isCurrent(agent, source)) return;
  if (effect === EffectKind.subscribe) subscribe(agent, state.topics[source.words[at + 1]!]!);
  else if (effect === EffectKind.unsubscribe) unsubscribe(state, agent, state.topics[source.words[at + 1]!]!);
  else if (effect === EffectKind.join) join(state, agent, source, textAt(source, at + 1));
  else {
    const channel = state.channels.get(textAt(source, at + 1));
    if (channel !== undefined) unsubscribe(state, agent, channel);
  }
}

/** An agent is a member of so many channels at most; what goes beyond is a drop that it is told of. */
function join(state: SchedulerState, agent: Agent, source: EffectSource, name: string): void {
  let count = 0;
  for (const topic of agent.topics) if (topic.channel) count++;
  const isMember = state.channels.get(name)?.subscribers.has(agent) === true;
  if (isMember || count < agent.declaration.limits.channelsMax) {
    subscribe(agent, channelOf(state, name));
    return;
  }
  drop(state, null, agent, DropReason.channelLimit, {
    kind: EffectKind.join,
    tick: source.tick,
    index: source.index,
    receiverOrigin: 0,
    receiverCounter: 0,
  });
}

/** The delay counts from the call; a timer that was held back fires at the earliest in the tick after its release. */
function setTimer(state: SchedulerState, agent: Agent, source: EffectSource, at: number): void {
  if (!isCurrent(agent, source)) return;
  const { words, tick } = source;
  const dueTick = Math.max(tick + words[at + 2]!, state.tick + 1);
  const [number, tag] = [words[at + 1]!, words[at + 3]! | 0];
  addTimer(state.timers, { agent, number, dueTick, tag, cancelled: false, task: null });
}

/** Nobody waits for the answer of an instance that is gone, or of a run that stops. */
function ask(
  state: SchedulerState,
  agent: Agent,
  source: EffectSource,
  at: number,
  generation: GenerationState | undefined,
): void {
  if (!isCurrent(agent, source) || agent.phase === 'stopping' || state.stopping) return;
  const { words, tick, incarnation, index } = source;
  const [number, model, tag] = [words[at + 1]!, words[at + 2]!, words[at + 3]! | 0];
  const payload = payloadAt(source, at + 4);
  addRequest(state, { agent, incarnation, number, model, tag, tick, payload, generation }, index);
}

function send(state: SchedulerState, agent: Agent, source: EffectSource, at: number): boolean {
  const [receiverOrigin, receiverCounter] = [source.words[at + 1]!, source.words[at + 2]!];
  const receiver = agentOf(state, receiverOrigin, receiverCounter);
  const { tick, index } = source;
  const about = { kind: EffectKind.send, tick, index, receiverOrigin, receiverCounter };
  if (receiver === undefined) {
    drop(state, null, agent, DropReason.receiverUnknown, about);
    return true;
  }
  if (!takeFromBudget(state, agent)) {
    drop(state, receiver, agent, DropReason.deliveryBudget, about);
    return true;
  }
  const admission = admit(state, receiver, null, agent);
  if (admission === 'block') {
    agent.deliveries--;
    return false;
  }
  if (admission !== 'deliver') drop(state, receiver, agent, admission, about);
  else deliver(state, receiver, TaskKind.message, 0, agent, payloadAt(source, at + 3), null, tick, index);
  return true;
}

/** Counts from zero in each tick. */
export function countAnew(state: SchedulerState, agent: Agent): void {
  if (agent.countedTick === state.tick) return;
  agent.countedTick = state.tick;
  agent.deliveries = 0;
  agent.effects = 0;
}

/** Counts a delivery against what the sender's effects may cause in a tick. */
function takeFromBudget(state: SchedulerState, agent: Agent): boolean {
  countAnew(state, agent);
  return agent.deliveries++ < agent.declaration.limits.deliveriesPerTickMax;
}

/**
 * Reaches every subscriber, or nobody where one makes the sender wait. The budget ends it early: then one dead letter
 * speaks for all who are left, so that what a flood leaves behind is bounded too.
 */
function publish(
  state: SchedulerState,
  agent: Agent,
  topic: Topic,
  payload: Payload,
  { tick, index }: EffectSource,
): boolean {
  const kind = topic.channel ? EffectKind.publishChannel : EffectKind.publish;
  if (topic.accepts !== undefined && !topic.accepts(bytesOf(payload))) {
    const about = { kind, tick, index, receiverOrigin: 0, receiverCounter: 0 };
    drop(state, null, agent, DropReason.contractBroken, about);
    return true;
  }
  if (isBlocked(state, topic, agent)) return false;
  for (const receiver of topic.subscribers) {
    const about = { kind, tick, index, receiverOrigin: receiver.origin, receiverCounter: receiver.counter };
    if (!takeFromBudget(state, agent)) {
      drop(state, receiver, agent, DropReason.deliveryBudget, about);
      break;
    }
    deliverPublished(state, receiver, topic, agent, payload, 0, about);
  }
  return true;
}

function bytesOf({ bytes, offset, length }: Payload): Uint8Array {
  return bytes.subarray(offset, offset + length);
}

/** Whether a publisher has to wait for a subscriber. */
export function isBlocked(state: SchedulerState, topic: Topic, sender: Agent | null): boolean {
  if (topic.overflow !== 'block') return false;
  for (const receiver of topic.subscribers) {
    if (admit(state, receiver, topic, sender) === 'block') return true;
  }
  return false;
}

/** Delivers to one subscriber of a topic that blocks nobody now, or drops. */
export function deliverPublished(
  state: SchedulerState,
  receiver: Agent,
  topic: Topic,
  sender: Agent | null,
  payload: Payload,
  priority: number,
  about: DroppedEffect,
): void {
  const admission = admit(state, receiver, topic, sender);
  assert(admission !== 'block', 'a publication that would block does not begin');
  const { tick, index } = about;
  if (admission === 'deliver') {
    deliver(state, receiver, TaskKind.topic, priority, sender, payload, topic, tick, index);
  } else {
    drop(state, receiver, sender, admission, about);
  }
}

function publishChannel(state: SchedulerState, agent: Agent, source: EffectSource, at: number): boolean {
  const { words, bytes } = source;
  const nameLength = words[at + 1]!;
  const nameOffset = (at + 3) * 4;
  const name = decoder.decode(bytes.subarray(nameOffset, nameOffset + nameLength));
  const offset = nameOffset + ((nameLength + 3) & ~3);
  const channel = state.channels.get(name);
  if (channel?.subscribers.has(agent)) {
    return publish(state, agent, channel, { bytes, offset, length: words[at + 2]! }, source);
  }
  drop(state, null, agent, DropReason.notMember, {
    kind: EffectKind.publishChannel,
    tick: source.tick,
    index: source.index,
    receiverOrigin: 0,
    receiverCounter: 0,
  });
  return true;
}

function spawn(state: SchedulerState, agent: Agent, source: EffectSource, at: number): void {
  const [counter, declarationIndex] = [source.words[at + 1]!, source.words[at + 2]!];
  assert(declarationIndex < state.config.declarations.length, 'a spawn effect names a declaration');
  if (hasRoomFor(state, declarationIndex) && !state.stopping) {
    spawnFromAgent(state, agent, counter, declarationIndex, payloadAt(source, at + 3));
    return;
  }
  drop(state, null, agent, DropReason.spawnRefused, {
    kind: EffectKind.spawn,
    tick: source.tick,
    index: source.index,
    receiverOrigin: agent.number,
    receiverCounter: counter,
  });
}
