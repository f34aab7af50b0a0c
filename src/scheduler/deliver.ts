// Putting tasks into mailboxes, within their bounds; what does not fit becomes a dead letter, and its sender is told.

import { DropReason, noticeOffset, noticeSize, TaskKind } from '../abi/envelope.ts';
import { EffectKind } from '../abi/record.ts';
import { EventKind } from './event.ts';
import { drainMailbox, firstTask, insertTask, listTasks } from './mailbox.ts';
import { enqueueFirst } from './run-queue.ts';
import type { Agent, SchedulerState, Task, Topic } from './state.ts';
import { isAlive } from './state.ts';

export const noBytes: Uint8Array = new Uint8Array(0);

/** Bytes within a larger buffer that nobody writes again. */
export interface Payload {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

const noPayload: Payload = { bytes: noBytes, offset: 0, length: 0 };

/** The task that the agent would run next, or null. */
export function headOf(agent: Agent): Task | null {
  if (agent.urgent !== null) return agent.urgent;
  if (agent.phase === 'stopping' || !isAlive(agent)) return null;
  return firstTask(agent.mailbox);
}

/** Everything that waits for the agent, in the order of its mailbox. */
export function waitingTasks(agent: Agent): Task[] {
  const waiting = listTasks(agent.mailbox);
  return agent.urgent === null ? waiting : [agent.urgent, ...waiting];
}

/** Makes sure that the run queue knows the agent's next task. */
export function refreshHead(state: SchedulerState, agent: Agent): void {
  const head = headOf(agent);
  if (head !== null) enqueueFirst(state.runQueue, head);
}

function createTask(
  state: SchedulerState,
  agent: Agent,
  kind: TaskKind,
  priority: number,
  sender: Agent | null,
  payload: Payload,
  topic: Topic | null,
  detail: number,
  tag: number,
): Task {
  return {
    kind,
    agent,
    sequence: ++state.sequence,
    priority,
    sender,
    detail,
    tag,
    topic,
    bytes: payload.bytes,
    offset: payload.offset,
    length: payload.length,
    queued: false,
    taken: false,
    position: -1,
    next: null,
  };
}

/** Enqueues a task that no bound counts: steps, timers, configuration. */
export function enqueueUnbounded(
  state: SchedulerState,
  agent: Agent,
  kind: TaskKind,
  payload: Payload = noPayload,
  detail = 0,
  tag = 0,
): Task {
  const task = createTask(state, agent, kind, 0, null, payload, null, detail, tag);
  insertTask(agent.mailbox, task);
  refreshHead(state, agent);
  return task;
}

/** Enqueues init or shutdown, which go before everything else. */
export function enqueueUrgent(state: SchedulerState, agent: Agent, kind: TaskKind): void {
  if (agent.urgent !== null) agent.urgent.taken = true;
  agent.urgent = createTask(state, agent, kind, 0, null, noPayload, null, 0, 0);
  enqueueFirst(state.runQueue, agent.urgent);
}

/** Why the agent cannot take a message now, or 0. */
export function refusal(agent: Agent, topic: Topic | null): DropReason | 0 {
  if (agent.phase !== 'active' && agent.phase !== 'starting') return DropReason.receiverStopped;
  if (agent.slotsUsed >= agent.declaration.limits.mailboxMessagesMax) return DropReason.mailboxFull;
  if (topic !== null && topic.maxWaiting !== null) {
    if ((agent.topicSlotsUsed?.get(topic) ?? 0) >= topic.maxWaiting) return DropReason.topicBound;
  }
  return 0;
}

/** Puts a message or scheduled task, which take a slot each, into a mailbox that has room. */
export function deliver(
  state: SchedulerState,
  agent: Agent,
  kind: TaskKind,
  priority: number,
  sender: Agent | null,
  payload: Payload,
  topic: Topic | null,
): void {
  agent.slotsUsed++;
  if (topic !== null && topic.maxWaiting !== null) {
    agent.topicSlotsUsed ??= new Map();
    agent.topicSlotsUsed.set(topic, (agent.topicSlotsUsed.get(topic) ?? 0) + 1);
  }
  state.deliveredCount++;
  const task = createTask(state, agent, kind, priority, sender, payload, topic, 0, 0);
  insertTask(agent.mailbox, task);
  refreshHead(state, agent);
}

/** Whether a task of this kind holds a slot of the mailbox. */
export function holdsSlot(kind: TaskKind): boolean {
  return kind === TaskKind.message || kind === TaskKind.topic || kind === TaskKind.scheduled;
}

/** Frees what a task held, once it is done or dropped. */
export function releaseSlot(task: Task): void {
  if (!holdsSlot(task.kind)) return;
  const { agent, topic } = task;
  agent.slotsUsed--;
  if (topic !== null && topic.maxWaiting !== null) {
    agent.topicSlotsUsed!.set(topic, agent.topicSlotsUsed!.get(topic)! - 1);
  }
}

/** Which effect a drop is about: its position in the sender's turn, and where it was meant to go. */
export interface DroppedEffect {
  readonly kind: EffectKind;
  readonly index: number;
  readonly receiverOrigin: number;
  readonly receiverCounter: number;
}

/** Records a drop, and tells the sender where that is an agent that still lives. */
export function drop(
  state: SchedulerState,
  receiver: Agent | null,
  sender: Agent | null,
  reason: DropReason,
  effect: DroppedEffect,
): void {
  state.events.push({ kind: EventKind.dropped, agent: receiver, other: sender, reason });
  if (sender !== null) notify(state, sender, reason, effect);
}

function notify(state: SchedulerState, sender: Agent, reason: DropReason, effect: DroppedEffect): void {
  if (sender.phase !== 'active' && sender.phase !== 'starting') return;
  const pending = sender.notice;
  if (pending !== null) {
    pending.count++;
    writeWord(pending.task.bytes, noticeOffset.count, pending.count);
    return;
  }
  const bytes = new Uint8Array(noticeSize);
  writeWord(bytes, noticeOffset.count, 1);
  writeWord(bytes, noticeOffset.reason, reason);
  writeWord(bytes, noticeOffset.tick, state.tick % 2 ** 32);
  writeWord(bytes, noticeOffset.tick + 4, Math.floor(state.tick / 2 ** 32));
  writeWord(bytes, noticeOffset.effectIndex, effect.index);
  writeWord(bytes, noticeOffset.effectKind, effect.kind);
  writeWord(bytes, noticeOffset.receiverOrigin, effect.receiverOrigin);
  writeWord(bytes, noticeOffset.receiverCounter, effect.receiverCounter);
  const task = enqueueUnbounded(state, sender, TaskKind.notice, { bytes, offset: 0, length: noticeSize });
  sender.notice = { task, count: 1 };
}

function writeWord(bytes: Uint8Array, offset: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(offset, value, true);
}

/** Turns everything that waits into dead letters. Notices about them reach the senders. */
export function dropMailbox(state: SchedulerState, agent: Agent, first: readonly Task[]): void {
  for (const task of [...first, ...drainMailbox(agent.mailbox)]) {
    task.taken = true;
    releaseSlot(task);
    if (!holdsSlot(task.kind)) continue;
    drop(state, agent, task.sender, DropReason.receiverStopped, {
      kind: task.topic === null ? EffectKind.send : EffectKind.publish,
      index: 0,
      receiverOrigin: agent.origin,
      receiverCounter: agent.counter,
    });
  }
}
