// The effects of one task, applied in the order of the calls that made them.

import { DropReason, TaskKind } from '../abi/envelope.ts';
import { EffectKind } from '../abi/record.ts';
import { assert, unreachable } from '../base/errors.ts';
import { deliver, drop, type Payload, refusal } from './deliver.ts';
import { channelOf, spawnFromAgent, subscribe, terminate, unsubscribe } from './life-cycle.ts';
import { type Agent, agentOf, type SchedulerState, type Topic } from './state.ts';
import { addTimer, cancelTimer } from './timer-queue.ts';
import type { Transcript } from './transcript.ts';

/** What leaves the engine, in commit order. Payloads are views into the transcript. */
export interface EffectSink {
  readonly outputs: { readonly agent: Agent; readonly payload: Payload }[];
  readonly texts: {
    readonly agent: Agent;
    readonly level: number;
    readonly text: Payload;
    /** Whether the task that wrote it failed. */
    readonly failed: boolean;
  }[];
  /** Host calls that the sandbox refused. */
  readonly refusals: {
    readonly agent: Agent;
    readonly functionIndex: number;
    readonly code: number;
    readonly count: number;
  }[];
}

const decoder = new TextDecoder();

/** Applies the effects that begin at word `at` of the transcript. */
export function applyEffects(
  state: SchedulerState,
  agent: Agent,
  transcript: Transcript,
  at: number,
  count: number,
  failed: boolean,
  sink: EffectSink,
): void {
  const words = transcript.words;
  for (let i = 0; i < count; i++) {
    const head = words[at]!;
    applyEffect(state, agent, transcript, at, head & 0xff, failed, sink);
    agent.effects++;
    at += head >>> 8;
  }
}

function applyEffect(
  state: SchedulerState,
  agent: Agent,
  transcript: Transcript,
  at: number,
  kind: number,
  failed: boolean,
  sink: EffectSink,
): void {
  const words = transcript.words;
  const effect = kind as EffectKind;
  switch (effect) {
    case EffectKind.send:
      send(state, agent, words[at + 1]!, words[at + 2]!, payloadAt(transcript, at + 3));
      return;
    case EffectKind.publish:
      publish(state, agent, state.topics[words[at + 1]!]!, payloadAt(transcript, at + 2));
      return;
    case EffectKind.publishChannel:
      publishChannel(state, agent, transcript, at);
      return;
    case EffectKind.subscribe:
      subscribe(agent, state.topics[words[at + 1]!]!);
      return;
    case EffectKind.unsubscribe:
      unsubscribe(state, agent, state.topics[words[at + 1]!]!);
      return;
    case EffectKind.join:
      subscribe(agent, channelOf(state, textAt(transcript, at + 1)));
      return;
    case EffectKind.leave: {
      const channel = state.channels.get(textAt(transcript, at + 1));
      if (channel !== undefined) unsubscribe(state, agent, channel);
      return;
    }
    case EffectKind.setTimer: {
      const dueTick = state.tick + words[at + 2]!;
      const [number, tag] = [words[at + 1]!, words[at + 3]! | 0];
      addTimer(state.timers, { agent, number, dueTick, tag, cancelled: false, task: null });
      return;
    }
    case EffectKind.cancelTimer:
      cancelTimer(agent, words[at + 1]!);
      return;
    case EffectKind.log:
      sink.texts.push({ agent, level: words[at + 1]!, text: payloadAt(transcript, at + 2), failed });
      return;
    case EffectKind.output:
      sink.outputs.push({ agent, payload: payloadAt(transcript, at + 1) });
      return;
    case EffectKind.spawn:
      spawn(state, agent, words[at + 1]!, words[at + 2]!, payloadAt(transcript, at + 3));
      return;
    case EffectKind.terminate: {
      const target = agentOf(state, words[at + 1]!, words[at + 2]!);
      if (target !== undefined) terminate(state, target);
      return;
    }
    case EffectKind.refusal:
      sink.refusals.push({
        agent,
        functionIndex: words[at + 1]!,
        code: words[at + 2]! | 0,
        count: words[at + 3]!,
      });
      return;
    default:
      unreachable(effect);
  }
}

/** A length word and the bytes behind it. */
function payloadAt(transcript: Transcript, at: number): Payload {
  return { bytes: transcript.buffer, offset: (at + 1) * 4, length: transcript.words[at]! };
}

function textAt(transcript: Transcript, at: number): string {
  const { bytes, offset, length } = payloadAt(transcript, at);
  return decoder.decode(bytes.subarray(offset, offset + length));
}

function send(state: SchedulerState, agent: Agent, origin: number, counter: number, payload: Payload): void {
  const receiver = agentOf(state, origin, counter);
  const reason = receiver === undefined ? DropReason.receiverUnknown : refusalFrom(agent, receiver, null);
  if (receiver !== undefined && reason === 0) {
    deliver(state, receiver, TaskKind.message, 0, agent, payload, null);
  } else if (reason !== 0) {
    drop(state, receiver ?? null, agent, reason, {
      kind: EffectKind.send,
      index: agent.effects,
      receiverOrigin: origin,
      receiverCounter: counter,
    });
  }
}

/** Counts the delivery against the sender's budget, then asks the receiver. */
function refusalFrom(agent: Agent, receiver: Agent, topic: Topic | null): DropReason | 0 {
  if (agent.deliveries >= agent.declaration.limits.deliveriesPerTickMax) return DropReason.deliveryBudget;
  agent.deliveries++;
  return refusal(receiver, topic);
}

function publish(state: SchedulerState, agent: Agent, topic: Topic, payload: Payload): void {
  for (const receiver of topic.subscribers) {
    const reason = refusalFrom(agent, receiver, topic);
    if (reason === 0) deliver(state, receiver, TaskKind.topic, 0, agent, payload, topic);
    else {
      drop(state, receiver, agent, reason, {
        kind: EffectKind.publish,
        index: agent.effects,
        receiverOrigin: receiver.origin,
        receiverCounter: receiver.counter,
      });
    }
  }
}

function publishChannel(state: SchedulerState, agent: Agent, transcript: Transcript, at: number): void {
  const { words, buffer } = transcript;
  const nameLength = words[at + 1]!;
  const nameOffset = (at + 3) * 4;
  const name = decoder.decode(buffer.subarray(nameOffset, nameOffset + nameLength));
  const payload: Payload = {
    bytes: buffer,
    offset: nameOffset + ((nameLength + 3) & ~3),
    length: words[at + 2]!,
  };
  const channel = state.channels.get(name);
  if (channel === undefined || !channel.subscribers.has(agent)) {
    drop(state, null, agent, DropReason.notMember, {
      kind: EffectKind.publishChannel,
      index: agent.effects,
      receiverOrigin: 0,
      receiverCounter: 0,
    });
    return;
  }
  publish(state, agent, channel, payload);
}

function spawn(
  state: SchedulerState,
  agent: Agent,
  counter: number,
  declarationIndex: number,
  payload: Payload,
): void {
  assert(declarationIndex < state.config.declarations.length, 'a spawn effect names a declaration');
  if (state.aliveCount < state.config.agentsMax && !state.stopping) {
    spawnFromAgent(state, agent, counter, declarationIndex, payload);
    return;
  }
  drop(state, null, agent, DropReason.spawnRefused, {
    kind: EffectKind.spawn,
    index: agent.effects,
    receiverOrigin: agent.number,
    receiverCounter: counter,
  });
}
