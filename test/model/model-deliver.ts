// How a message reaches a mailbox of the model, or does not: room, overflow, dead letters, notices.

import assert from 'node:assert/strict';
import { DropReason, faultNoticeSize, noticeSize, TaskKind } from '../../src/abi/envelope.ts';
import { EffectKind } from '../../src/abi/record.ts';
import {
  type Bytes,
  drawSequence,
  type Identity,
  type Model,
  type ModelAgent,
  type ModelOverflow,
  type ModelTask,
  type ModelTopic,
  removeFrom,
  report,
  takesSlot,
} from './model-state.ts';

/** Where a message comes from: which effect of whom, or the outside. */
export interface Origin {
  readonly sender: ModelAgent | null;
  readonly tick: number;
  readonly index: number;
  readonly effectKind: number;
}

export interface Letter {
  readonly kind: TaskKind;
  readonly topic: ModelTopic | null;
  readonly payload: Bytes;
  readonly priority: number;
}

/** Puts a task into a list of the agent, with a fresh sequence number. */
export function enqueue(
  model: Model,
  list: ModelTask[],
  agent: ModelAgent,
  kind: TaskKind,
  more: Partial<ModelTask> = {},
): ModelTask {
  const task: ModelTask = {
    kind,
    agent,
    sequence: drawSequence(model),
    priority: 0,
    sender: null,
    topic: null,
    payload: '',
    detail: 0,
    tag: 0,
    enqueuedTick: model.tick,
    sentTick: 0,
    effectIndex: 0,
    attempts: 0,
    count: 0,
    model: -1,
    ...more,
  };
  list.push(task);
  return task;
}

function slotsUsed(agent: ModelAgent): number {
  return [...agent.mailbox, ...agent.held].filter((task) => takesSlot(task.kind)).length;
}

function topicSlotsUsed(agent: ModelAgent, topic: ModelTopic): number {
  return [...agent.mailbox, ...agent.held].filter((task) => task.topic === topic).length;
}

/** Why the mailbox has no room for one more letter; 0 where it has. */
export function fullReason(agent: ModelAgent, topic: ModelTopic | null): DropReason | 0 {
  if (slotsUsed(agent) >= agent.declaration.mailboxMessagesMax) return DropReason.mailboxFull;
  if (topic !== null && topic.maxWaiting !== null && topicSlotsUsed(agent, topic) >= topic.maxWaiting)
    return DropReason.topicBound;
  return 0;
}

export function overflowOf(agent: ModelAgent, topic: ModelTopic | null): ModelOverflow {
  return topic === null ? agent.declaration.overflow : topic.overflow;
}

export function takesLetters(agent: ModelAgent): boolean {
  return agent.phase === 'starting' || agent.phase === 'active' || agent.phase === 'backing-off';
}

/** Whether a sender has to wait for this receiver. */
export function blocks(receiver: ModelAgent, topic: ModelTopic | null, sender: ModelAgent | null): boolean {
  return (
    takesLetters(receiver) &&
    fullReason(receiver, topic) !== 0 &&
    overflowOf(receiver, topic) === 'block' &&
    !receiver.paused &&
    receiver.phase !== 'backing-off' &&
    receiver !== sender
  );
}

/** Counts a delivery of the sender's effects in this tick, whatever becomes of it; false where it has none left. */
export function mayDeliver(sender: ModelAgent): boolean {
  if (sender.deliveries >= sender.declaration.deliveriesPerTickMax) return false;
  sender.deliveries++;
  return true;
}

/** Delivers, or does what the overflow policy says. Nobody waits here: whoever would block is rejected. */
export function deliver(model: Model, receiver: ModelAgent, letter: Letter, origin: Origin): void {
  if (!takesLetters(receiver)) {
    drop(model, receiver, receiver, DropReason.receiverStopped, origin);
    return;
  }
  const full = fullReason(receiver, letter.topic);
  if (full !== 0) {
    const overflow = overflowOf(receiver, letter.topic);
    if (overflow === 'drop-newest') {
      drop(model, receiver, receiver, DropReason.droppedNewest, origin);
      return;
    }
    const oldest = overflow === 'drop-oldest' ? oldestOf(receiver, letter.topic) : undefined;
    if (oldest === undefined) {
      drop(model, receiver, receiver, full, origin);
      return;
    }
    removeFrom(receiver.mailbox, oldest);
    drop(model, receiver, receiver, DropReason.droppedOldest, originOf(oldest));
  }
  model.deliveredCount++;
  enqueue(model, receiver.mailbox, receiver, letter.kind, {
    priority: letter.priority,
    sender: origin.sender,
    topic: letter.topic,
    payload: letter.payload,
    sentTick: origin.tick,
    effectIndex: origin.index,
  });
}

/** What drop-oldest may drop: of a topic its own messages, else direct messages and scheduled tasks. */
export function oldestOf(receiver: ModelAgent, topic: ModelTopic | null): ModelTask | undefined {
  return receiver.mailbox
    .filter((task) => takesSlot(task.kind) && task.topic === topic)
    .sort((a, b) => a.sequence - b.sequence)[0];
}

export function originOf(task: ModelTask): Origin {
  return {
    sender: task.sender,
    tick: task.sentTick,
    index: task.effectIndex,
    effectKind:
      task.kind === TaskKind.message
        ? EffectKind.send
        : task.topic?.channel === true
          ? EffectKind.publishChannel
          : EffectKind.publish,
  };
}

/** Policies that drop tell nobody; everything else tells the sender. */
function isTold(reason: DropReason): boolean {
  return reason !== DropReason.droppedNewest && reason !== DropReason.droppedOldest;
}

/** Every drop is an event; the sender, where it is an agent that can hear, gets a notice. */
export function drop(
  model: Model,
  receiver: ModelAgent | null,
  named: Identity,
  reason: DropReason,
  origin: Origin,
): void {
  report(model, 'dropped', receiver, origin.sender, reason);
  if (origin.sender !== null && isTold(reason)) notify(model, origin.sender, named, reason, origin);
}

function notify(model: Model, sender: ModelAgent, named: Identity, reason: DropReason, origin: Origin): void {
  if (!takesLetters(sender)) return;
  const pending = sender.mailbox.find((task) => task.kind === TaskKind.notice);
  if (pending !== undefined) {
    pending.count++;
    return;
  }
  const { origin: receiverOrigin, counter: receiverCounter } = named;
  const fields = [reason, origin.tick, 0, origin.index, origin.effectKind, receiverOrigin, receiverCounter];
  enqueue(model, sender.mailbox, sender, TaskKind.notice, { payload: fields.map(word).join(''), count: 1 });
}

/** What an agent is told of another's fault, after the count. */
export function faultFields(model: Model, agent: ModelAgent, fault: number, restartTick: number): Bytes {
  const { origin, counter, incarnation, imageTick } = agent;
  const isRestarted = restartTick > 0;
  const recovery = !isRestarted ? 0 : imageTick === 0 ? 1 : 2;
  const ticks = [restartTick, 0, isRestarted ? imageTick : 0, 0];
  return [fault, model.tick, 0, origin, counter, incarnation, recovery, ...ticks].map(word).join('');
}

/** One notice waits for each agent that failed, and tells of its last fault; so many wait as the mailbox has slots. */
export function tellOfFault(model: Model, failed: ModelAgent, payload: Bytes): void {
  const { onFault } = failed.declaration;
  const watcher = model.agents.find(({ origin, counter }) => origin === 0 && counter === onFault);
  if (watcher === undefined || watcher === failed || !takesLetters(watcher)) return;
  const waiting = watcher.mailbox.filter(({ kind }) => kind === TaskKind.fault);
  const same = waiting.find(({ sender }) => sender === failed);
  if (same !== undefined) {
    same.count++;
    same.payload = payload;
  } else if (waiting.length >= watcher.declaration.mailboxMessagesMax) {
    report(model, 'dropped', watcher, failed, DropReason.mailboxFull);
  } else {
    enqueue(model, watcher.mailbox, watcher, TaskKind.fault, { sender: failed, payload, count: 1 });
  }
}

function word(value: number): Bytes {
  return String.fromCharCode(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
}

/** What the receiver sees; of a notice the count goes before the rest. */
export function payloadOf(task: ModelTask): Bytes {
  if (task.kind !== TaskKind.notice && task.kind !== TaskKind.fault) return task.payload;
  const bytes = word(task.count) + task.payload;
  assert.equal(bytes.length, task.kind === TaskKind.notice ? noticeSize : faultNoticeSize);
  return bytes;
}
