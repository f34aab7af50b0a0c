// Applying the sealed inputs of a tick, in list order. What they cause may run in the tick itself.

import { DropReason, TaskKind } from '../abi/envelope.ts';
import { faultCodes } from '../abi/fault.ts';
import { EffectKind } from '../abi/record.ts';
import { assert } from '../base/errors.ts';
import { type Input, InputKind } from '../log/input.ts';
import { admit, deliver, drop } from './deliver.ts';
import { isBlocked } from './effects.ts';
import { nameOfSpawned } from './ended-agent.ts';
import { EventKind } from './event.ts';
import {
  channelOf,
  pause,
  resume,
  spawnFromHost,
  step,
  subscribe,
  terminate,
  unsubscribe,
} from './life-cycle.ts';
import { applyAnswer, declareModel, useModel } from './requests.ts';
import { failForGood } from './restart.ts';
import {
  type Agent,
  agentOf,
  hasRoomFor,
  isAlive,
  type Payload,
  type SchedulerState,
  type Topic,
} from './state.ts';

/** Retries calls, then lines, that wait for their receivers; then applies the new inputs. */
export function applyInputs(state: SchedulerState, inputs: readonly Input[]): void {
  const waiting = [...state.waitingCalls, ...state.waitingInputs];
  state.waitingCalls = [];
  state.waitingInputs = [];
  for (const input of waiting) applyInput(state, input);
  for (const input of inputs) applyInput(state, input);
}

function applyInput(state: SchedulerState, input: Input): void {
  switch (input.kind) {
    case InputKind.message:
      deliverInput(state, input, TaskKind.message);
      return;
    case InputKind.scheduledTask:
      deliverInput(state, input, TaskKind.scheduled);
      return;
    case InputKind.publish:
      publishInput(state, input);
      return;
    case InputKind.spawn:
      spawnInput(state, input);
      return;
    case InputKind.terminate: {
      const agent = agentOf(state, input.origin, input.counter);
      if (agent !== undefined) terminate(state, agent);
      return;
    }
    case InputKind.join: {
      const agent = agentOf(state, input.origin, input.counter);
      if (agent !== undefined && isAlive(agent)) subscribe(agent, channelOf(state, input.name));
      return;
    }
    case InputKind.leave: {
      const agent = agentOf(state, input.origin, input.counter);
      const channel = state.channels.get(input.name);
      if (agent !== undefined && channel !== undefined) unsubscribe(state, agent, channel);
      return;
    }
    case InputKind.pause:
    case InputKind.resume:
    case InputKind.step: {
      const agent = agentOf(state, input.origin, input.counter);
      if (agent !== undefined) changePause(state, agent, input.kind);
      return;
    }
    case InputKind.answer:
      applyAnswer(state, input);
      return;
    case InputKind.quarantine: {
      const agent = agentOf(state, input.origin, input.counter);
      if (agent !== undefined && isAlive(agent)) failForGood(state, agent, faultCodes.quarantined, []);
      return;
    }
    case InputKind.useModel:
      useModel(state, input);
      return;
    case InputKind.declareModel:
      declareModel(state, input.detail);
      return;
    case InputKind.stop:
      stop(state);
      return;
    default:
      assert(false, `input kind ${input.kind} is known`);
  }
}

function payloadOf(input: Input): Payload {
  return { bytes: input.payload, offset: 0, length: input.payload.length };
}

function changePause(state: SchedulerState, agent: Agent, kind: number): void {
  if (kind === InputKind.pause) pause(state, agent);
  else if (kind === InputKind.resume) resume(state, agent);
  else step(state, agent);
}

function deliverInput(state: SchedulerState, input: Input, kind: 1 | 16): void {
  const agent = agentOf(state, input.origin, input.counter);
  if (agent === undefined) {
    dropInput(state, input, null, DropReason.receiverUnknown);
    return;
  }
  if (isHeldBack(state, input)) {
    waitForReceiver(state, input, agent);
    return;
  }
  const admission = admit(state, agent, null, null);
  // Nobody but the host resumes a paused agent, and a source would wait for that without end.
  const isFull = admission === DropReason.mailboxFull && !agent.paused;
  const mayWait = admission === 'block' || (input.waits && isFull);
  if (admission === 'deliver') {
    deliver(state, agent, kind, input.priority, null, payloadOf(input), null, state.tick, 0);
  } else if (mayWait) waitForReceiver(state, input, agent);
  else dropInput(state, input, agent, admission);
}

/** What waits holds back what its producer gave behind it: lines of the source, or calls of the program. */
function isHeldBack(state: SchedulerState, input: Input): boolean {
  return (input.waits ? state.waitingInputs : state.waitingCalls).length > 0;
}

function waitForReceiver(state: SchedulerState, input: Input, agent: Agent | null): void {
  (input.waits ? state.waitingInputs : state.waitingCalls).push(input);
  state.events.push({ kind: EventKind.inputWaiting, agent, other: null, reason: 0 });
}

function publishInput(state: SchedulerState, input: Input): void {
  if (isHeldBack(state, input)) {
    waitForReceiver(state, input, null);
    return;
  }
  const topic = state.topicByName.get(input.name) ?? state.channels.get(input.name);
  if (topic === undefined) {
    dropInput(state, input, null, DropReason.receiverUnknown);
    return;
  }
  if (isBlocked(state, topic, null)) {
    waitForReceiver(state, input, null);
    return;
  }
  publish(state, topic, input);
}

function publish(state: SchedulerState, topic: Topic, input: Input): void {
  const payload = payloadOf(input);
  for (const agent of topic.subscribers) {
    const admission = admit(state, agent, topic, null);
    if (admission === 'deliver') {
      deliver(state, agent, TaskKind.topic, input.priority, null, payload, topic, state.tick, 0);
    } else dropInput(state, input, agent, admission === 'block' ? DropReason.mailboxFull : admission);
  }
}

function dropInput(state: SchedulerState, input: Input, agent: Agent | null, reason: DropReason): void {
  drop(state, agent, null, reason, {
    kind: EffectKind.send,
    tick: state.tick,
    index: 0,
    receiverOrigin: input.origin,
    receiverCounter: input.counter,
  });
}

function spawnInput(state: SchedulerState, input: Input): void {
  const index = state.config.declarations.findIndex((declaration) => declaration.name === input.name);
  assert(index >= 0, `a spawn input names a declaration, found "${input.name}"`);
  const name = nameOfSpawned(state.config.declarations[index]!, 0, input.counter);
  if (!hasRoomFor(state, index) || state.stopping) {
    // The identity was handed out, and is never used again.
    state.hostCounter = Math.max(state.hostCounter, input.counter);
    dropInput(state, input, null, DropReason.spawnRefused);
    return;
  }
  spawnFromHost(state, input.counter, name, index, input.payload.length > 0 ? payloadOf(input) : null);
}

/** All agents shut down, in creation order; nothing else runs any more. */
function stop(state: SchedulerState): void {
  state.stopping = true;
  for (const agent of state.agents) {
    if (agent === undefined || !isAlive(agent)) continue;
    terminate(state, agent);
  }
}
