// Applying what a tick's tasks asked for: in plan order, one effect after another, never in order of arrival.

import { DropReason, noticeOffset, TaskKind } from '../abi/envelope.ts';
import { Outcome, recordHeadWords, recordWord } from '../abi/record.ts';
import { drop, droppedTask, enqueueUnbounded, holdsSlot, releaseSlot, withdraw } from './deliver.ts';
import type { EffectSink } from './effect-sink.ts';
import { countAnew } from './effects.ts';
import { retire } from './ended-agent.ts';
import { isFaultNotice, putBackFaultNotice } from './fault-notice.ts';
import { end, terminate } from './life-cycle.ts';
import { insertTask } from './mailbox.ts';
import { applyOrWait, isAskedFor, retryOutboxes } from './outbox.ts';
import { dropAnswer, isAnswer } from './requests.ts';
import { backOff, chooseImages, failForGood, isRestartable, noteRun } from './restart.ts';
import type { Agent, SchedulerState, Task } from './state.ts';
import { Transcript } from './transcript.ts';

/** Where the records of a plan lie. Index i belongs to task i; an offset of -1 says that the task did not run. */
export interface TaskRecords {
  readonly words: readonly Uint32Array[];
  /** Which of `words`. */
  readonly buffer: ArrayLike<number>;
  readonly offset: Int32Array;
}

/** What one executed task came to, beside its effects. */
export interface TaskFault {
  readonly agent: Agent;
  readonly taskKind: TaskKind;
  readonly code: number;
  readonly returned: number;
  readonly fuel: number;
}

/** What a committed tick hands to the record and to observers. */
export interface CommittedTick {
  /** Every byte that the tick's digest covers. */
  readonly transcript: Uint8Array<ArrayBuffer>;
  /** The transcript as words, and where in it the record of each planned task begins; size 0: it did not run. */
  readonly words: Uint32Array<ArrayBuffer>;
  readonly recordAt: Int32Array;
  readonly sink: EffectSink;
  readonly faults: readonly TaskFault[];
  /** Tasks that ran. */
  readonly taskCount: number;
  /** Messages delivered to mailboxes, by inputs and effects. */
  readonly messageCount: number;
  readonly fuel: number;
}

/**
 * Commits a tick: slots of finished tasks are freed first, waiting effects are retried, then new effects apply in (plan
 * position, effect index).
 * @param sealed the encoded inputs of the tick, as the digest covers them
 * @param previousDigest 32 bytes, the beginning of what the next digest covers
 */
export function commitTick(
  state: SchedulerState,
  plan: readonly Task[],
  records: TaskRecords,
  sealed: Uint8Array,
  previousDigest: Uint8Array,
): CommittedTick {
  const transcript = new Transcript(transcriptWords(plan, records, sealed));
  transcript.addRaw(previousDigest);
  transcript.addWide(state.tick);
  transcript.addBytes(sealed);
  transcript.addWord(plan.length);
  const starts = copyRecords(plan, records, transcript);
  const sink: EffectSink = { outputs: [], texts: [], refusals: [] };
  const faults: TaskFault[] = [];
  retryOutboxes(state, sink);
  let fuel = 0;
  let taskCount = 0;
  for (let i = 0; i < plan.length; i++) {
    if (records.offset[i]! < 0) continue;
    taskCount++;
    fuel += commitTask(state, plan[i]!, transcript, starts[i]!, sink, faults);
  }
  if (state.unimaged.size > 0) chooseImages(state);
  for (const task of plan) {
    task.agent.turnHead = null;
    task.agent.turnTail = null;
  }
  transcript.addEvents(state.events);
  return {
    transcript: transcript.bytes,
    words: transcript.words,
    recordAt: starts,
    sink,
    faults,
    taskCount,
    messageCount: state.deliveredCount,
    fuel,
  };
}

function transcriptWords(plan: readonly Task[], records: TaskRecords, sealed: Uint8Array): number {
  let words = 64 + sealed.length / 4 + plan.length * 4;
  for (let i = 0; i < plan.length; i++) {
    const at = records.offset[i]!;
    words += at < 0 ? 1 : records.words[records.buffer[i]!]![at]!;
  }
  return Math.ceil(words);
}

/** Copies all records in plan order and frees the slots of the tasks that ran and will not run again. */
function copyRecords(plan: readonly Task[], records: TaskRecords, transcript: Transcript): Int32Array {
  const starts = new Int32Array(plan.length);
  for (let i = 0; i < plan.length; i++) {
    const at = records.offset[i]!;
    const task = plan[i]!;
    starts[i] = transcript.addTask(task, at < 0 ? null : records.words[records.buffer[i]!]!, at);
    if (at >= 0 && !goesBack(task, transcript.words[starts[i]! + recordWord.outcome]!)) releaseSlot(task);
  }
  return starts;
}

/** Forgets what belonged to the tick alone. Call it once everything about the tick has been read. */
export function closeTick(state: SchedulerState): void {
  state.events = [];
  state.released = [];
  retire(state, state.retiring);
  state.retiring = [];
  state.imaged = [];
  state.deliveredCount = 0;
  state.refusedCalls = 0;
  state.requests.made = [];
}

/** Applies one record; returns the fuel it used. */
function commitTask(
  state: SchedulerState,
  task: Task,
  transcript: Transcript,
  at: number,
  sink: EffectSink,
  faults: TaskFault[],
): number {
  const { agent } = task;
  const { words } = transcript;
  const outcome = words[at + recordWord.outcome]! as Outcome;
  const failed = outcome === Outcome.failed;
  countAnew(state, agent);
  noteRun(state, agent);
  let effectAt = at + recordHeadWords;
  for (let count = words[at + recordWord.effects]!; count > 0; count--) {
    const [index, incarnation] = [agent.effects, agent.incarnation];
    const source = { words, bytes: transcript.buffer, tick: state.tick, index, incarnation, failed };
    applyOrWait(state, agent, source, effectAt, sink);
    if (isAskedFor(words[effectAt]! & 0xff)) agent.effects++;
    effectAt += words[effectAt]! >>> 8;
  }
  const fuel = words[at + recordWord.fuelLow]! + words[at + recordWord.fuelHigh]! * 2 ** 32;
  if (failed) {
    const code = words[at + recordWord.fault]!;
    faults.push({ agent, taskKind: task.kind, code, returned: words[at + recordWord.returned]! | 0, fuel });
    fail(state, task, code);
  } else {
    finish(state, task, outcome);
  }
  return fuel;
}

function finish(state: SchedulerState, task: Task, outcome: Outcome): void {
  const { agent } = task;
  if (task.kind === TaskKind.init && agent.phase === 'starting') agent.phase = 'active';
  if (task.kind === TaskKind.shutdown) {
    end(state, agent, 'stopped', 0, unfinishedAfter(task));
  } else if (outcome === Outcome.finished) {
    for (const back of unfinishedAfter(task)) putBack(state, back);
    terminate(state, agent);
  } else if (outcome === Outcome.again && !agent.againPending && agent.phase === 'active') {
    agent.againPending = true;
    enqueueUnbounded(state, agent, TaskKind.again);
  }
}

/** Whether a failed task will be tried again after its agent's restart. */
function goesBack(task: Task, outcome: number): boolean {
  const { attemptsMax } = task.agent.declaration.limits;
  if (outcome !== Outcome.failed || !holdsSlot(task.kind)) return false;
  return isRestartable(task.agent) && task.attempts + 1 < attemptsMax;
}

/** A failed agent is restarted, with its mailbox in order, or ends; a message that kills too often is a dead letter. */
function fail(state: SchedulerState, task: Task, code: number): void {
  const { agent } = task;
  const unfinished = unfinishedAfter(task);
  if (!isRestartable(agent)) {
    // They were counted as taken when they were planned.
    for (const each of unfinished) if (isAnswer(each)) dropAnswer(state, agent);
    failForGood(state, agent, code, [task, ...unfinished]);
    return;
  }
  if (goesBack(task, Outcome.failed)) {
    task.attempts++;
    putBack(state, task);
  } else if (holdsSlot(task.kind)) {
    drop(state, agent, task.sender, DropReason.poison, droppedTask(task));
  }
  for (const back of unfinished) putBack(state, back);
  backOff(state, agent, code);
}

/** How many effects a notice tells of. */
function noticeCount({ bytes }: Task): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(noticeOffset.count, true);
}

function writeNoticeCount({ bytes }: Task, count: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(noticeOffset.count, count, true);
}

/** There is one notice: what came since the plan is told by the one that goes back, which is the first. */
function putBackNotice(state: SchedulerState, task: Task): void {
  const { agent } = task;
  const newer = agent.notice;
  agent.notice = { task, count: noticeCount(task) };
  if (newer === null) return;
  withdraw(state, newer.task);
  agent.notice.count += newer.count;
  writeNoticeCount(task, agent.notice.count);
}

/** The planned tasks of the turn behind `task`, which did not run. */
function unfinishedAfter(task: Task): Task[] {
  const unfinished: Task[] = [];
  for (let next = task.next; next !== null; next = next.next) unfinished.push(next);
  return unfinished;
}

/** A planned task goes back to its place in the mailbox; its sequence says where. */
function putBack(state: SchedulerState, task: Task): void {
  const { agent } = task;
  task.taken = false;
  switch (task.kind) {
    case TaskKind.configuration:
      // Delivered anew after init.
      return;
    case TaskKind.timer:
      // Timers end with the instance that set them.
      return;
    case TaskKind.fault:
      // An agent's own comes anew with its next restart.
      if (!isFaultNotice(task)) return;
      putBackFaultNotice(state, task);
      break;
    case TaskKind.inference:
    case TaskKind.generation:
      // So do requests; the answer was counted as taken when it was planned.
      dropAnswer(state, agent);
      return;
    case TaskKind.notice:
      putBackNotice(state, task);
      break;
    case TaskKind.again:
      // An earlier task of the turn may have asked for a step, too: one is given.
      if (agent.againPending) return;
      agent.againPending = true;
      break;
    case TaskKind.everyTick:
      agent.everyTickPending = true;
      break;
    default:
      break;
  }
  insertTask(agent.mailbox, task);
}
