// Putting tasks into mailboxes, within their bounds; what does not fit becomes a dead letter, and its sender is told.

import { DropReason, noticeOffset, noticeSize, TaskKind } from '../abi/envelope.ts';
import { EffectKind } from '../abi/record.ts';
import { EventKind } from './event.ts';
import { drainMailbox, firstTask, insertTask, listTasks, oldestTask } from './mailbox.ts';
import { enqueueFirst } from './run-queue.ts';
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
    enqueuedTick: state.tick,
    attempts: 0,
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

/** Makes these the agent's next tasks, before everything else and in this order; urgent ones of before are dropped. */
export function enqueueUrgent(
  state: SchedulerState,
  agent: Agent,
  kinds: readonly TaskKind[],
  payload: Payload = noPayload,
): void {
  for (const task of agent.urgent) task.taken = true;
  agent.urgent = kinds.map((kind) => {
    const own = kind === TaskKind.configuration ? payload : noPayload;
    return createTask(state, agent, kind, 0, null, own, null, 0, 0);
  });
  refreshHead(state, agent);
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
  oldest.taken = true;
  releaseSlot(oldest);
  state.events.push({
    kind: EventKind.dropped,
    agent,
    other: oldest.sender,
    reason: DropReason.droppedOldest,
  });
  refreshHead(state, agent);
  return true;
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
  state.deliveredCount++;
  const task = createTask(state, agent, kind, priority, sender, payload, topic, 0, 0);
  holdSlot(task);
  insertTask(agent.mailbox, task);
  refreshHead(state, agent);
}

/** Whether a task of this kind holds a slot of the mailbox. */
export function holdsSlot(kind: TaskKind): boolean {
  return kind === TaskKind.message || kind === TaskKind.topic || kind === TaskKind.scheduled;
}

/** Takes the slots that the task needs. */
function holdSlot({ agent, topic }: Task): void {
  agent.slotsUsed++;
  if (topic === null || topic.maxWaiting === null) return;
  agent.topicSlotsUsed ??= new Map();
  agent.topicSlotsUsed.set(topic, (agent.topicSlotsUsed.get(topic) ?? 0) + 1);
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
    drop(state, agent, task.sender, DropReason.receiverStopped, droppedTask(task));
  }
}

/** How a notice names a message that was in a mailbox already. */
export function droppedTask(task: Task): DroppedEffect {
  const { agent, topic } = task;
  return {
    kind: topic === null ? EffectKind.send : EffectKind.publish,
    index: 0,
    receiverOrigin: agent.origin,
    receiverCounter: agent.counter,
  };
}
