// For tests only: an executor with agents, driven by command streams as the engine writes them, and its results as
// text.

import assert from 'node:assert/strict';
import { TaskKind } from '../abi/envelope.ts';
import { faultKind } from '../abi/fault.ts';
import { hostCodeName, hostFunctionNames } from '../abi/host-functions.ts';
import { EffectKind, outcomeNames, recordHeadWords, recordWord } from '../abi/record.ts';
import { type AgentLimits, agentLimitDefaults } from '../base/limits.ts';
import { prngFromBytes } from '../base/prng.ts';
import { CommandWriter } from './command-writer.ts';
import { Executor } from './executor.ts';
import { turnResultWords } from './protocol.ts';
import type { SystemTables } from './tables.ts';
import { type Call, callWordsOf, type GuestModule, puppet, puppetAt } from './test-modules.ts';

export interface TestTask {
  readonly kind?: TaskKind;
  readonly payload?: Uint8Array;
  readonly topic?: string;
  readonly detail?: number;
  readonly tag?: number;
  readonly priority?: number;
}

export interface TestRecord {
  readonly outcome: string;
  /** Name of the fault; empty for none. */
  readonly fault: string;
  readonly returned: number;
  readonly fuel: number;
  /** Each effect as its kind and the words behind its head. */
  readonly effects: readonly (readonly [string, ...number[]])[];
  /** Refused calls, as `function: code`, once for each. */
  readonly refusals: readonly string[];
  readonly words: readonly number[];
}

const effectNames = new Map<number, string>(Object.entries(EffectKind).map(([name, kind]) => [kind, name]));
const encoder = new TextEncoder();

/** Agents `hub` and `peer/0` (host counters 1 and 2), topics `news` and `other`, declarations `puppet` and `child`. */
export function testTables(limits: Partial<AgentLimits> = {}, mayUseChannels = true): SystemTables {
  return {
    agents: [
      ['hub', 1],
      ['peer/0', 2],
    ],
    topics: ['news', 'other'],
    models: ['model'],
    declarations: [
      { name: 'puppet', limits: { ...agentLimitDefaults, ...limits }, mayUseChannels },
      { name: 'child', limits: agentLimitDefaults, mayUseChannels: false },
    ],
  };
}

/** Text as a host function gets it, and as words with zeros behind it. */
export function textWords(text: string | Uint8Array): number[] {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text;
  const words = new Uint32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(words.buffer).set(bytes);
  return [...words];
}

export function payloadOf(calls: readonly Call[]): Uint8Array {
  return new Uint8Array(callWordsOf(calls).buffer);
}

export function createMemory(pagesMax = 8): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: pagesMax, shared: true });
}

/** Puts a list of calls where the puppet's `init`, `shutdown`, `agent_alloc` or start function finds it. */
export function writeCalls(memory: WebAssembly.Memory, at: number, calls: readonly Call[]): void {
  const words = new Uint32Array(memory.buffer, at);
  words[0] = calls.length;
  words.set(callWordsOf(calls), 1);
}

export function writeText(memory: WebAssembly.Memory, at: number, text: string | Uint8Array): void {
  new Uint8Array(memory.buffer).set(typeof text === 'string' ? encoder.encode(text) : text, at);
}

export function addTask(writer: CommandWriter, task: TestTask): void {
  const { kind = TaskKind.message, payload = new Uint8Array(0), topic = '' } = task;
  const { priority = 0, detail = 0, tag = 0 } = task;
  writer.task(kind, 7, 8, priority, detail, tag, encoder.encode(topic), payload, 0, payload.length);
}

/** The records of each turn in a result stream. */
export function readResults(words: Uint32Array, used: number): Map<number, TestRecord[]> {
  const turns = new Map<number, TestRecord[]>();
  for (let at = 0; at < used; ) {
    const [number, count] = [words[at]!, words[at + 1]!];
    assert.equal(words[at + 2], 0, 'nothing is measured unless asked for');
    const trapWords = words[at + 3]!;
    at += turnResultWords;
    const records: TestRecord[] = [];
    for (let i = 0; i < count; i++) {
      records.push(readRecord(words.subarray(at, at + words[at]!)));
      at += words[at]!;
    }
    at += trapWords;
    turns.set(number, records);
  }
  return turns;
}

function readRecord(words: Uint32Array): TestRecord {
  const effects: [string, ...number[]][] = [];
  const refusals: string[] = [];
  let at = recordHeadWords;
  for (let i = 0; i < words[recordWord.effects]!; i++) {
    const head = words[at]!;
    const name = effectNames.get(head & 0xff)!;
    const body = [...words.subarray(at + 1, at + (head >>> 8))];
    if (name === 'refusal') {
      const text = `${hostFunctionNames[body[0]!]}: ${hostCodeName[body[1]! | 0]}`;
      for (let count = 0; count < body[2]!; count++) refusals.push(text);
    } else if (name !== 'counters') effects.push([name, ...body]);
    at += head >>> 8;
  }
  assert.equal(at, words.length, 'effects fill the record');
  return {
    outcome: outcomeNames[words[recordWord.outcome]!]!,
    fault: faultKind(words[recordWord.fault]!) ?? '',
    returned: words[recordWord.returned]! | 0,
    fuel: words[recordWord.fuelLow]! + words[recordWord.fuelHigh]! * 2 ** 32,
    effects,
    refusals,
    words: [...words],
  };
}

/** One executor and the agents in it. */
export class TestSandbox {
  readonly executor: Executor;
  readonly #writer: CommandWriter = new CommandWriter();
  tick = 3;

  constructor(tables: SystemTables = testTables()) {
    this.executor = new Executor(tables);
    this.addModule(0, puppet);
  }

  addModule(index: number, { module, globals }: GuestModule): void {
    this.executor.addModule(index, module, globals);
  }

  /** Makes an agent of identity 0.NUMBER and runs its init; `prepare` may write its memory before. */
  create(
    number: number,
    prepare: (memory: WebAssembly.Memory) => void = () => {},
    module = 0,
    memory: WebAssembly.Memory = createMemory(),
  ): { memory: WebAssembly.Memory; init: TestRecord } {
    prepare(memory);
    this.executor.addMemory(number, memory);
    const writer = this.#writer;
    writer.begin(this.tick, this.tick * 10, 0);
    writer.create(number, module, 0, 0, number, 0, 1, 0, prngFromBytes(new Uint8Array(16).fill(number)));
    writer.turn(number, 1);
    addTask(writer, { kind: TaskKind.init });
    return { memory, init: this.#execute().get(number)![0]! };
  }

  turn(number: number, ...tasks: TestTask[]): TestRecord[] {
    const writer = this.#writer;
    writer.begin(this.tick, this.tick * 10, 0);
    writer.turn(number, tasks.length);
    for (const task of tasks) addTask(writer, task);
    return this.#execute().get(number)!;
  }

  /** Lets a puppet make calls in one message; its record, and what the calls answered. */
  calls(
    number: number,
    memory: WebAssembly.Memory,
    ...calls: Call[]
  ): { record: TestRecord; answers: number[] } {
    const [record] = this.turn(number, { payload: payloadOf(calls) });
    return { record: record!, answers: [...new Int32Array(memory.buffer, puppetAt.answers, calls.length)] };
  }

  #execute(): Map<number, TestRecord[]> {
    this.#writer.end();
    const { words, bytes } = this.#writer.buffer;
    const { words: results, used } = this.executor.execute(words, bytes);
    return readResults(results, used);
  }
}
