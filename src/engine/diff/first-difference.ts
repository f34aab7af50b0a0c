// What differs first between two executions of one tick, in the order of causes.

import { outcomeNames, recordWord } from '../../abi/record.ts';
import { bytesEqual } from '../../base/encoding.ts';
import { encodeInput, type Input, type InputKind, inputKindName } from '../../log/index.ts';
import { type EventKind, eventKindNames } from '../../scheduler/index.ts';
import { agentName, effectText, payloadText, viewEffect } from '../inspect/effect-view.ts';
import { entryPoint, eventReason, faultName } from '../record/fault-text.ts';
import { type InstanceDifference, instanceDifference, sameWords } from './instance-difference.ts';
import type { Side } from './side.ts';
import { effectsOf, type TranscriptContent, type TranscriptTask } from './transcript-reader.ts';

export interface TickDifference {
  readonly tick: number;
  /** `base`: the runs begin differently; `state`: only what an agent holds differs. */
  readonly what: 'base' | 'clock' | 'input' | 'plan' | 'outcome' | 'fuel' | 'effect' | 'event' | 'state';
  /** Name of the agent, where it is about one. */
  readonly agent?: string;
  /** Position of the input, in the plan, of the event, or of the effect within its task. */
  readonly index?: number;
  /** Both sides in words. */
  readonly a: string;
  readonly b: string;
  /** Which functions asked for the effect or trapped, the innermost first, by the names that the module has. */
  readonly placeA?: string;
  readonly placeB?: string;
  /** What the agent holds after the tick that differs. */
  readonly instance?: InstanceDifference;
  /** Whether what the agent holds differed before the tick, though no digest told it. */
  readonly earlier?: boolean;
}

/** One side's execution of the tick. */
export interface Executed {
  readonly side: Side;
  readonly content: TranscriptContent;
}

/** The first sealed input of a tick that differs. */
export function inputDifference(
  tick: number,
  side: Side,
  a: readonly Input[],
  b: readonly Input[],
): TickDifference | undefined {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [inputA, inputB] = [a[index], b[index]];
    if (inputA !== undefined && inputB !== undefined && bytesEqual(encodeInput(inputA), encodeInput(inputB)))
      continue;
    return { tick, what: 'input', index, a: inputText(side, inputA), b: inputText(side, inputB) };
  }
  return undefined;
}

function inputText({ machine }: Side, input: Input | undefined): string {
  if (input === undefined) return 'none';
  const { kind, name, origin, counter, priority, payload } = input;
  const parts: string[] = [inputKindName[kind as InputKind] ?? String(kind)];
  if (name !== '') parts.push(JSON.stringify(name));
  if (origin !== 0 || counter !== 0)
    parts.push(`to ${JSON.stringify(agentName(machine.state, origin, counter))}`);
  if (priority !== 0) parts.push(`priority ${priority}`);
  if (payload.length > 0) parts.push(`payload ${payloadText(payload)}`);
  return parts.join('  ');
}

/** In the order of causes: the plan, what the tasks did, what was committed, what the agents hold. */
export async function firstDifference(
  tick: number,
  a: Executed,
  b: Executed,
): Promise<TickDifference | undefined> {
  const found = taskDifference(tick, a, b) ?? eventDifference(tick, a, b);
  return found === undefined ? stateDifference(tick, a, b) : found;
}

function nameOf({ side }: Executed, number: number): string {
  return side.machine.state.agents[number]?.name ?? `agent ${number}`;
}

function taskDifference(tick: number, a: Executed, b: Executed): TickDifference | undefined {
  const [tasksA, tasksB] = [a.content.tasks, b.content.tasks];
  /** Tasks of each agent so far. */
  const seen = new Map<number, number>();
  for (let index = 0; index < Math.max(tasksA.length, tasksB.length); index++) {
    const [taskA, taskB] = [tasksA[index], tasksB[index]];
    if (taskA === undefined || taskB === undefined || !sameTask(taskA, taskB)) {
      return { tick, what: 'plan', index, a: taskText(a, taskA), b: taskText(b, taskB) };
    }
    const { agent } = taskA;
    const ordinal = seen.get(agent) ?? 0;
    seen.set(agent, ordinal + 1);
    const found = recordDifference(
      tick,
      { executed: a, task: taskA, ordinal },
      { executed: b, task: taskB, ordinal },
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function sameTask(a: TranscriptTask, b: TranscriptTask): boolean {
  return a.agent === b.agent && a.kind === b.kind && a.sequence === b.sequence;
}

function taskText(executed: Executed, task: TranscriptTask | undefined): string {
  if (task === undefined) return 'no such task';
  const name = JSON.stringify(nameOf(executed, task.agent));
  return `${entryPoint(task.kind as never)} of ${name}, sequence ${task.sequence}`;
}

interface RanTask {
  readonly executed: Executed;
  readonly task: TranscriptTask;
  /** So many-th task of its agent in the tick. */
  readonly ordinal: number;
}

function recordDifference(tick: number, a: RanTask, b: RanTask): TickDifference | undefined {
  const [recordA, recordB] = [a.task.record, b.task.record];
  if (sameWords(recordA, recordB)) return undefined;
  const agent = nameOf(a.executed, a.task.agent);
  const [outcomeA, outcomeB] = [outcomeText(recordA), outcomeText(recordB)];
  // A failed task has lost its effects: that it failed is the first thing to say.
  if (outcomeA !== outcomeB && (isFailed(recordA) || isFailed(recordB))) {
    const places = placesOf((ran) => ran.executed.side.trapPlace(ran.task.agent, ran.ordinal), a, b);
    return { tick, what: 'outcome', agent, a: outcomeA, b: outcomeB, ...places };
  }
  const [effectsA, effectsB] = [effectsOf(recordA), effectsOf(recordB)];
  for (let index = 0; index < Math.max(effectsA.length, effectsB.length); index++) {
    const [effectA, effectB] = [effectsA[index], effectsB[index]];
    if (effectA !== undefined && effectB !== undefined && sameWords(effectA, effectB)) continue;
    const text = ({ executed }: RanTask, effect: Uint32Array | undefined): string =>
      effect === undefined ? 'none' : effectText(viewEffect(effect, executed.side.machine.state));
    const places = placesOf((ran) => ran.executed.side.effectPlace(ran.task.agent, ran.ordinal, index), a, b);
    return { tick, what: 'effect', agent, index, a: text(a, effectA), b: text(b, effectB), ...places };
  }
  if (outcomeA !== outcomeB) return { tick, what: 'outcome', agent, a: outcomeA, b: outcomeB };
  return { tick, what: 'fuel', agent, a: fuelText(recordA), b: fuelText(recordB) };
}

function placesOf(
  place: (ran: RanTask) => string | undefined,
  a: RanTask,
  b: RanTask,
): { placeA?: string; placeB?: string } {
  const [placeA, placeB] = [place(a), place(b)];
  return { ...(placeA !== undefined && { placeA }), ...(placeB !== undefined && { placeB }) };
}

function isFailed(record: Uint32Array): boolean {
  return record.length > 1 && record[recordWord.fault] !== 0;
}

function outcomeText(record: Uint32Array): string {
  if (record.length <= 1) return 'did not run';
  const fault = record[recordWord.fault]!;
  return `${outcomeNames[record[recordWord.outcome]!]}${fault === 0 ? '' : `: ${faultName(fault)}`}`;
}

function fuelText(record: Uint32Array): string {
  return String(record[recordWord.fuelLow]! + record[recordWord.fuelHigh]! * 2 ** 32);
}

function eventDifference(tick: number, a: Executed, b: Executed): TickDifference | undefined {
  const [eventsA, eventsB] = [a.content.events, b.content.events];
  for (let index = 0; index < Math.max(eventsA.length, eventsB.length); index++) {
    const [eventA, eventB] = [eventsA[index], eventsB[index]];
    if (eventA !== undefined && eventB !== undefined && sameWords(eventA, eventB)) continue;
    return { tick, what: 'event', index, a: eventText(a, eventA), b: eventText(b, eventB) };
  }
  return undefined;
}

function eventText(executed: Executed, event: Uint32Array | undefined): string {
  if (event === undefined) return 'none';
  const [kind, agent, other, reason] = event;
  const { agents } = executed.side.machine.state;
  const text = eventReason({
    kind: kind as EventKind,
    agent: agents[agent!] ?? null,
    other: agents[other!] ?? null,
    reason: reason!,
  });
  const parts = [eventKindNames[kind!]!];
  if (agent !== 0) parts.push(`agent ${JSON.stringify(nameOf(executed, agent!))}`);
  if (other !== 0) parts.push(`by ${JSON.stringify(nameOf(executed, other!))}`);
  if (text !== '') parts.push(text);
  return parts.join('  ');
}

/** Only of agents that ran in the tick: others hold what they held. */
async function stateDifference(tick: number, a: Executed, b: Executed): Promise<TickDifference | undefined> {
  const numbers = [...new Set(a.content.tasks.map((task) => task.agent))].sort((x, y) => x - y);
  for (const number of numbers) {
    const instance = await instanceDifference(a.side, b.side, number);
    if (instance === undefined) continue;
    return { tick, what: 'state', agent: nameOf(a, number), a: 'as below', b: 'as below', instance };
  }
  return undefined;
}
