// Putting tasks into mailboxes, within their bounds; what does not fit becomes a dead letter, and its sender is told.

import { DropReason, noticeOffset, noticeSize, TaskKind } from '../abi/envelope.ts';
import { EffectKind } from '../abi/record.ts';
import { EventKind } from './event.ts';
import {
  drainMailbox,
  firstTask,
  hasOlderThan,
  insertTask,
  listTasks,
  oldestTask,
  removeTask,
} from './mailbox.ts';
import { enqueueFirst, forgetHead } from './run-queue.ts';
import type { Agent, Payload, SchedulerState, Task, Topic } from './state.ts';
import { isAlive } from './state.ts';

export const noBytes: Uint8Array = new Uint8Array(0);

const noPayload: Payload = { bytes: noBytes, offset: 0, length: 0 };

/** The task that the agent would run next, or null. */
export function headOf(state: SchedulerState, agent: Agent): Task | null {
  const { phase, urgent } = agent;
  if (phase === 'stopping') return urgent[0] ?? null;
  if (phase !== 'active' && phase !== 'starting') return null;
  if (agent.outbox !== null || (agent.paused && agent.stepTick !== state.tick)) return null;
  if (urgent.length > 0) return urgent[0]!;
  return firstTask(agent.mailbox, { tick: state.tick, ageTicks: state.config.ageTicks });
}

/** Everything that waits for the agent: urgent tasks, then the mailbox by (priority descending, sequence). */
export function waitingTasks(agent: Agent): Task[] {
  return [...agent.urgent, ...listTasks(agent.mailbox)];
}

/** Makes sure that the run queue knows the agent's next task. */
export function refreshHead(state: SchedulerState, agent: Agent): void {
  const head = headOf(state, agent);
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
  sentTick: number,
  effectIndex: number,
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
    bytes: payload.length === 0 ? noBytes : payload.bytes,
    offset: payload.offset,
    length: payload.length,
    enqueuedTick: state.tick,
    sentTick,
    effectIndex,
    slotHeld: false,
    attempts: 0,
    queued: false,
    taken: false,
    position: -1,
    next: null,
    model: -1,
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
  const task = createTask(state, agent, kind, 0, null, payload, null, detail, tag, state.tick, 0);
  insertTask(agent.mailbox, task);
  refreshHead(state, agent);
  return task;
}

/** The same with an agent to name as its sender. */
export function enqueueFromAgent(
  state: SchedulerState,
  agent: Agent,
  kind: TaskKind,
  sender: Agent,
  payload: Payload,
): Task {
  const task = createTask(state, agent, kind, 0, sender, payload, null, 0, 0, state.tick, 0);
  insertTask(agent.mailbox, task);
  refreshHead(state, agent);
  return task;
}

/** Makes these the agent's next tasks, before everything else and in this order; urgent ones of before are dropped. */
export function enqueueUrgent(
  state: SchedulerState,
  agent: Agent,
  kinds: readonly TaskKind[],
  payload: Payload = noPayload,
): void {
  dropUrgent(state, agent);
  agent.urgent = kinds.map((kind) => {
    const own = kind === TaskKind.configuration || kind === TaskKind.fault ? payload : noPayload;
    const sender = kind === TaskKind.fault ? agent : null;
    return createTask(state, agent, kind, 0, sender, own, null, 0, 0, state.tick, 0);
  });
  refreshHead(state, agent);
}

export function dropUrgent(state: SchedulerState, agent: Agent): void {
  for (const task of agent.urgent) discard(state, task);
  agent.urgent = [];
}

/** Takes a waiting task out of its mailbox, as if it had never come. */
export function withdraw(state: SchedulerState, task: Task): void {
  removeTask(task.agent.mailbox, task);
  discard(state, task);
  refreshHead(state, task.agent);
}

/** What is left to do for a task that no queue will give out any more. */
function discard(state: SchedulerState, task: Task): void {
  task.taken = true;
  releaseSlot(task);
  if (state.runQueue.heads !== null) forgetHead(state.runQueue.heads, task);
}

/** What is to become of a message: delivered, held back by its sender, or dropped. */
export type Admission = 'deliver' | 'block' | DropReason;

/**
 * Whether the agent takes a message now. Makes room where the policy is to drop the oldest one.
 * @param sender the agent that sends; null for the outside
 */
export function admit(
  state: SchedulerState,
  agent: Agent,
  topic: Topic | null,
  sender: Agent | null,
): Admission {
  if (agent.phase !== 'active' && agent.phase !== 'starting' && agent.phase !== 'backing-off') {
    return DropReason.receiverStopped;
  }
  const reason = fullness(agent, topic);
  if (reason === 0) return 'deliver';
  switch (topic === null ? agent.declaration.overflow : topic.overflow) {
    case 'reject':
      return reason;
    case 'drop-newest':
      return DropReason.droppedNewest;
    case 'drop-oldest':
      return dropOldest(state, agent, topic) ? 'deliver' : reason;
    case 'block':
      // Whoever waits for these would wait for long, or for itself.
      return agent.paused || agent.phase === 'backing-off' || agent === sender ? reason : 'block';
  }
}

/** Which bound is reached: 0 for none. */
function fullness(agent: Agent, topic: Topic | null): DropReason | 0 {
  if (agent.slotsUsed >= agent.declaration.limits.mailboxMessagesMax) return DropReason.mailboxFull;
  if (topic === null || topic.maxWaiting === null) return 0;
  return (agent.topicSlotsUsed?.get(topic) ?? 0) >= topic.maxWaiting ? DropReason.topicBound : 0;
}

/** Drops the oldest waiting message of the topic, or of the direct ones; false where none waits. */
function dropOldest(state: SchedulerState, agent: Agent, topic: Topic | null): boolean {
  const oldest = oldestTask(agent.mailbox, (task) => holdsSlot(task.kind) && task.topic === topic);
  if (oldest === undefined) return false;
  withdraw(state, oldest);
  const { sender } = oldest;
  state.events.push({ kind: EventKind.dropped, agent, other: sender, reason: DropReason.droppedOldest });
  return true;
}

/**
 * Puts a message or scheduled task, which take a slot each, into a mailbox that has room.
 * @param sentTick with `effectIndex`, which of the sender's effects it is
 */
export function deliver(
  state: SchedulerState,
  agent: Agent,
  kind: TaskKind,
  priority: number,
  sender: Agent | null,
  payload: Payload,
  topic: Topic | null,
  sentTick: number,
  effectIndex: number,
): void {
  state.deliveredCount++;
  if (isBehind(state, agent)) moveOut(payload);
  const task = createTask(state, agent, kind, priority, sender, payload, topic, 0, 0, sentTick, effectIndex);
  holdSlot(task);
  insertTask(agent.mailbox, task);
  refreshHead(state, agent);
}

/** Whether what comes now may wait for long: the agent does not run, or has not even taken what came before. */
function isBehind({ tick }: SchedulerState, agent: Agent): boolean {
  return (
    agent.paused ||
    agent.outbox !== null ||
    agent.phase === 'backing-off' ||
    hasOlderThan(agent.mailbox, tick)
  );
}

/**
 * Gives a payload a buffer of its own, so that a few bytes do not keep all that a tick wrote; once for all
 * receivers.
 */
export function moveOut(payload: Payload): void {
  if (payload.bytes.length === payload.length) return;
  payload.bytes = payload.bytes.slice(payload.offset, payload.offset + payload.length);
  payload.offset = 0;
}

/** Whether a task of this kind holds a slot of the mailbox. */
export function holdsSlot(kind: TaskKind): boolean {
  return kind === TaskKind.message || kind === TaskKind.topic || kind === TaskKind.scheduled;
}

/** Takes the slots that the task needs. */
export function holdSlot(task: Task): void {
  const { agent, topic } = task;
  task.slotHeld = true;
  agent.slotsUsed++;
  if (topic === null || topic.maxWaiting === null) return;
  agent.topicSlotsUsed ??= new Map();
  agent.topicSlotsUsed.set(topic, (agent.topicSlotsUsed.get(topic) ?? 0) + 1);
}

/** Frees what a task held, once it is done or dropped. */
export function releaseSlot(task: Task): void {
  if (!task.slotHeld) return;
  const { agent, topic } = task;
  task.slotHeld = false;
  agent.slotsUsed--;
  if (topic !== null && topic.maxWaiting !== null) {
    agent.topicSlotsUsed!.set(topic, agent.topicSlotsUsed!.get(topic)! - 1);
  }
}

/** Which effect a drop is about: its tick, its position in the sender's turn, and where it was meant to go. */
export interface DroppedEffect {
  readonly kind: EffectKind;
  readonly tick: number;
  readonly index: number;
  readonly receiverOrigin: number;
  readonly receiverCounter: number;
}

/**
 * Records a drop. The sender is told where it is an agent that still lives, unless the receiver's policy is to drop
 * without a word.
 */
export function drop(
  state: SchedulerState,
  receiver: Agent | null,
  sender: Agent | null,
  reason: DropReason,
  effect: DroppedEffect,
): void {
  state.events.push({ kind: EventKind.dropped, agent: receiver, other: sender, reason });
  if (sender !== null && reason !== DropReason.droppedNewest) notify(state, sender, reason, effect);
}

function notify(state: SchedulerState, sender: Agent, reason: DropReason, effect: DroppedEffect): void {
  if (!isAlive(sender) || sender.phase === 'stopping') return;
  const pending = sender.notice;
  if (pending !== null) {
    pending.count++;
    writeWord(pending.task.bytes, noticeOffset.count, pending.count);
    return;
  }
  const bytes = new Uint8Array(noticeSize);
  writeWord(bytes, noticeOffset.count, 1);
  writeWord(bytes, noticeOffset.reason, reason);
  writeWord(bytes, noticeOffset.tick, effect.tick % 2 ** 32);
  writeWord(bytes, noticeOffset.tick + 4, Math.floor(effect.tick / 2 ** 32));
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
    discard(state, task);
    if (!holdsSlot(task.kind)) continue;
    drop(state, agent, task.sender, DropReason.receiverStopped, droppedTask(task));
  }
}

/** How a notice names a message that was in a mailbox already. */
export function droppedTask(task: Task): DroppedEffect {
  const { agent, topic, sentTick, effectIndex } = task;
  const published = topic?.channel === true ? EffectKind.publishChannel : EffectKind.publish;
  return {
    kind: topic === null ? EffectKind.send : published,
    tick: sentTick,
    index: effectIndex,
    receiverOrigin: agent.origin,
    receiverCounter: agent.counter,
  };
}
