// What differs first between two executions of one tick.

import { outcomeNames, recordWord } from '../../abi/record.ts';
import { bytesEqual } from '../../base/encoding.ts';
import { encodeInput, type Input, type InputKind, inputKindName } from '../../log/index.ts';
import { eventKindNames } from '../../scheduler/index.ts';
import { entryPoint } from '../fault-text.ts';
import type { Machine } from '../machine.ts';
import {
  describeBytes,
  describeEffect,
  effectsOf,
  type TranscriptContent,
  type TranscriptTask,
} from './transcript-reader.ts';

export interface TickDifference {
  readonly tick: number;
  readonly what: 'clock' | 'input' | 'plan' | 'outcome' | 'fuel' | 'effect' | 'event' | 'memory';
  /** Name of the agent, where it is about one. */
  readonly agent?: string;
  /** Position of the input, in the plan, of the effect within its task, or of the byte in memory. */
  readonly index?: number;
  /** Both sides in words. */
  readonly a: string;
  readonly b: string;
}

interface Executed {
  readonly machine: Machine;
  readonly content: TranscriptContent;
}

const pageBytes = 65_536;

/** The first sealed input of a tick that differs. */
export function inputDifference(
  tick: number,
  a: readonly Input[],
  b: readonly Input[],
): TickDifference | undefined {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [inputA, inputB] = [a[index], b[index]];
    if (inputA !== undefined && inputB !== undefined && bytesEqual(encodeInput(inputA), encodeInput(inputB)))
      continue;
    return { tick, what: 'input', index, a: inputText(inputA), b: inputText(inputB) };
  }
  return undefined;
}

function inputText(input: Input | undefined): string {
  if (input === undefined) return 'none';
  const to = input.name === '' ? `${input.origin}.${input.counter}` : input.name;
  return `${inputKindName[input.kind as InputKind] ?? input.kind} ${to} ${describeBytes(input.payload)}`;
}

/** In the order of causes: the plan, what the tasks did, what was committed, what memory holds. */
export function firstDifference(tick: number, a: Executed, b: Executed): TickDifference | undefined {
  return taskDifference(tick, a, b) ?? eventDifference(tick, a, b) ?? memoryDifference(tick, a, b);
}

function nameOf({ machine }: Executed, number: number): string {
  return machine.state.agents[number]?.name ?? `agent ${number}`;
}

function taskDifference(tick: number, a: Executed, b: Executed): TickDifference | undefined {
  const [tasksA, tasksB] = [a.content.tasks, b.content.tasks];
  for (let index = 0; index < Math.max(tasksA.length, tasksB.length); index++) {
    const [taskA, taskB] = [tasksA[index], tasksB[index]];
    if (taskA === undefined || taskB === undefined || !sameTask(taskA, taskB)) {
      return { tick, what: 'plan', index, a: taskText(a, taskA), b: taskText(b, taskB) };
    }
    const found = recordDifference(tick, nameOf(a, taskA.agent), taskA.record, taskB.record);
    if (found !== undefined) return found;
  }
  return undefined;
}

function sameTask(a: TranscriptTask, b: TranscriptTask): boolean {
  return a.agent === b.agent && a.kind === b.kind && a.sequence === b.sequence;
}

function taskText(side: Executed, task: TranscriptTask | undefined): string {
  if (task === undefined) return 'no such task';
  return `${entryPoint(task.kind as never)} of ${nameOf(side, task.agent)} (kind ${task.kind}, sequence ${task.sequence})`;
}

function recordDifference(
  tick: number,
  agent: string,
  a: Uint32Array,
  b: Uint32Array,
): TickDifference | undefined {
  const [effectsA, effectsB] = [effectsOf(a), effectsOf(b)];
  for (let index = 0; index < Math.max(effectsA.length, effectsB.length); index++) {
    const [effectA, effectB] = [effectsA[index], effectsB[index]];
    if (effectA !== undefined && effectB !== undefined && sameWords(effectA, effectB)) continue;
    const text = (effect: Uint32Array | undefined): string =>
      effect === undefined ? 'none' : describeEffect(effect);
    return { tick, what: 'effect', agent, index, a: text(effectA), b: text(effectB) };
  }
  const outcome = (record: Uint32Array): string => {
    if (record.length <= 1) return 'did not run';
    const fault = record[recordWord.fault]!;
    return `${outcomeNames[record[recordWord.outcome]!]}${fault === 0 ? '' : `, fault ${fault}`}`;
  };
  if (outcome(a) !== outcome(b)) return { tick, what: 'outcome', agent, a: outcome(a), b: outcome(b) };
  if (sameWords(a, b)) return undefined;
  const fuel = (record: Uint32Array): string =>
    String(record[recordWord.fuelLow]! + record[recordWord.fuelHigh]! * 2 ** 32);
  return { tick, what: 'fuel', agent, a: fuel(a), b: fuel(b) };
}

function sameWords(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}

function eventDifference(tick: number, a: Executed, b: Executed): TickDifference | undefined {
  const [eventsA, eventsB] = [a.content.events, b.content.events];
  for (let index = 0; index < Math.max(eventsA.length, eventsB.length); index++) {
    const [eventA, eventB] = [eventsA[index], eventsB[index]];
    if (eventA !== undefined && eventB !== undefined && sameWords(eventA, eventB)) continue;
    const text = (side: Executed, event: Uint32Array | undefined): string =>
      event === undefined
        ? 'none'
        : `${eventKindNames[event[0]!]} of ${nameOf(side, event[1]!)}, reason ${event[3]}`;
    return { tick, what: 'event', index, a: text(a, eventA), b: text(b, eventB) };
  }
  return undefined;
}

/** Only of agents that ran in the tick: others hold what they held. */
function memoryDifference(tick: number, a: Executed, b: Executed): TickDifference | undefined {
  const numbers = [...new Set(a.content.tasks.map((task) => task.agent))].sort((x, y) => x - y);
  for (const number of numbers) {
    const memoryA = memoryOf(a, number);
    const memoryB = memoryOf(b, number);
    if (bytesEqual(memoryA, memoryB)) continue;
    const size = Math.min(memoryA.length, memoryB.length);
    let index = 0;
    while (index < size && memoryA[index] === memoryB[index]) index++;
    const agent = nameOf(a, number);
    return { tick, what: 'memory', agent, index, a: hexView(memoryA, index), b: hexView(memoryB, index) };
  }
  return undefined;
}

function memoryOf({ machine }: Executed, number: number): Uint8Array {
  const agent = machine.state.agents[number];
  return (agent === undefined ? undefined : machine.memoryOf(agent)) ?? new Uint8Array(0);
}

/** The page and the 16 bytes around an address. */
function hexView(memory: Uint8Array, index: number): string {
  const start = index & ~15;
  const bytes = Array.from(memory.subarray(start, start + 16), (byte) => byte.toString(16).padStart(2, '0'));
  return `page ${Math.floor(index / pageBytes)}, 0x${start.toString(16)}: ${bytes.join(' ')}`;
}
