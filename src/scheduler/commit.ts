// Applying what a tick's tasks asked for: in plan order, one effect after another, never in order of arrival.

import { TaskKind } from '../abi/envelope.ts';
import { Outcome, recordHeadWords, recordWord } from '../abi/record.ts';
import { enqueueUnbounded, releaseSlot } from './deliver.ts';
import { applyEffects, type EffectSink } from './effects.ts';
import { end, terminate } from './life-cycle.ts';
import type { Agent, SchedulerState, Task } from './state.ts';
import { Transcript } from './transcript.ts';

/** Where the records of a plan lie. Index i belongs to task i; an offset of -1 says that the task did not run. */
export interface TaskRecords {
  readonly words: readonly Uint32Array[];
  readonly buffer: Uint8Array;
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
 * Commits a tick: slots of finished tasks are freed first, then effects apply in (plan position, effect index).
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
  let fuel = 0;
  let taskCount = 0;
  for (let i = 0; i < plan.length; i++) {
    if (records.offset[i]! < 0) continue;
    taskCount++;
    fuel += commitTask(state, plan[i]!, transcript, starts[i]!, sink, faults);
  }
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

/** Copies all records in plan order and frees the slots of the tasks that ran. */
function copyRecords(plan: readonly Task[], records: TaskRecords, transcript: Transcript): Int32Array {
  const starts = new Int32Array(plan.length);
  for (let i = 0; i < plan.length; i++) {
    const at = records.offset[i]!;
    const task = plan[i]!;
    starts[i] = transcript.addTask(task, at < 0 ? null : records.words[records.buffer[i]!]!, at);
    if (at >= 0) releaseSlot(task);
  }
  return starts;
}

/** Forgets what belonged to the tick alone. Call it once everything about the tick has been read. */
export function closeTick(state: SchedulerState): void {
  state.events = [];
  state.released = [];
  state.deliveredCount = 0;
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
  const words = transcript.words;
  if (agent.countedTick !== state.tick) {
    agent.countedTick = state.tick;
    agent.deliveries = 0;
    agent.effects = 0;
  }
  const outcome = words[at + recordWord.outcome]! as Outcome;
  const fuel = words[at + recordWord.fuelLow]! + words[at + recordWord.fuelHigh]! * 2 ** 32;
  const effectCount = words[at + recordWord.effects]!;
  if (effectCount > 0) {
    const failed = outcome === Outcome.failed;
    applyEffects(state, agent, transcript, at + recordHeadWords, effectCount, failed, sink);
  }
  if (task.kind === TaskKind.init && outcome !== Outcome.failed && agent.phase === 'starting') {
    agent.phase = 'active';
  }
  if (outcome === Outcome.failed) {
    const code = words[at + recordWord.fault]!;
    const returned = words[at + recordWord.returned]! | 0;
    faults.push({ agent, taskKind: task.kind, code, returned, fuel });
    end(state, agent, 'failed', code, [task, ...unfinishedAfter(task)]);
  } else if (task.kind === TaskKind.shutdown) {
    end(state, agent, 'stopped', 0, unfinishedAfter(task));
  } else if (outcome === Outcome.finished) {
    putBack(agent, task);
    terminate(state, agent);
  } else if (outcome === Outcome.again && !agent.againPending && agent.phase === 'active') {
    agent.againPending = true;
    enqueueUnbounded(state, agent, TaskKind.again);
  }
  return fuel;
}

/** The planned tasks of the turn behind `task`, which did not run. */
function unfinishedAfter(task: Task): Task[] {
  const unfinished: Task[] = [];
  for (let next = task.next; next !== null; next = next.next) unfinished.push(next);
  return unfinished;
}

/** Planned tasks that did not run go back to the head of the mailbox, in their order. */
function putBack(agent: Agent, task: Task): void {
  const unfinished = unfinishedAfter(task);
  for (const back of unfinished) back.taken = false;
  const { mailbox } = agent;
  mailbox.tasks.splice(mailbox.first, 0, ...unfinished);
}
