// The command streams of one round of turns, one per executor, and the records that come back for them.

import { encodeUtf8 } from '../../base/encoding.ts';
import { assert } from '../../base/errors.ts';
import {
  CommandWriter,
  flagMeasure,
  type ResultStreams,
  turnResultWords,
  type WordBuffer,
} from '../../sandbox/index.ts';
import type { Agent, Task, TaskRecords } from '../../scheduler/index.ts';

const noTopic = new Uint8Array(0);

/** Finds the record of each planned task, over all rounds of a tick. */
export class RecordIndex implements TaskRecords {
  readonly words: Uint32Array[] = [];
  offset: Int32Array = new Int32Array(256);
  buffer: Uint16Array = new Uint16Array(256);
  /** Where agents trapped, by agent number: offsets in the instrumented module, the innermost first. */
  readonly traps: Map<number, Uint32Array> = new Map();

  begin(taskCount: number): void {
    this.words.length = 0;
    this.traps.clear();
    if (this.offset.length < taskCount) {
      this.offset = new Int32Array(taskCount * 2);
      this.buffer = new Uint16Array(taskCount * 2);
    }
    this.offset.fill(-1, 0, taskCount);
  }
}

export class TurnStreams {
  readonly writers: readonly CommandWriter[];
  /** Microseconds per agent number, of the tick; empty unless measured. */
  readonly turnMicros: Map<number, number> = new Map();
  /** Agents with a turn in the round, per executor, in the order of their turns. */
  readonly #turns: Agent[][];

  /** Names of models that the configuration does not have, and the index of the first. */
  #models: { readonly first: number; readonly names: readonly Uint8Array[] } = { first: 0, names: [] };

  constructor(executors: number) {
    this.writers = Array.from({ length: executors }, () => new CommandWriter());
    this.#turns = this.writers.map(() => []);
  }

  /** Agents may ask these, too. */
  declareModels(first: number, names: readonly string[]): void {
    this.#models = { first, names: names.map((name) => encodeUtf8(name)) };
  }

  begin(tick: number, timeMs: number, measure: boolean): void {
    const { first, names } = this.#models;
    for (const writer of this.writers) {
      writer.begin(tick, timeMs, measure ? flagMeasure : 0);
      for (const [i, name] of names.entries()) writer.model(first + i, name);
    }
    for (const turns of this.#turns) turns.length = 0;
  }

  /** Writes the whole turn that begins with `head`. */
  addTurn(executor: number, head: Task): void {
    const { agent } = head;
    const writer = this.writers[executor]!;
    let count = 0;
    for (let task: Task | null = head; task !== null; task = task.next) count++;
    writer.turn(agent.number, count);
    for (let task: Task | null = head; task !== null; task = task.next) {
      const { sender } = task;
      writer.task(
        task.kind,
        sender === null ? 0 : sender.origin,
        sender === null ? 0 : sender.counter,
        task.priority,
        task.detail,
        task.tag,
        task.topic === null ? noTopic : task.topic.nameBytes,
        task.bytes,
        task.offset,
        task.length,
      );
    }
    this.#turns[executor]!.push(agent);
  }

  /** The streams as written; an executor without work has none. */
  end(): (WordBuffer | undefined)[] {
    return this.writers.map((writer) => {
      if (writer.isEmpty) return undefined;
      writer.end();
      return writer.buffer;
    });
  }

  /** Notes where the records of the round lie. `keep`: the results will be overwritten before they are read. */
  read(results: ResultStreams, index: RecordIndex, keep: boolean): void {
    for (let executor = 0; executor < this.#turns.length; executor++) {
      const turns = this.#turns[executor]!;
      const stream = results[executor];
      if (turns.length === 0) continue;
      assert(stream !== undefined && stream !== 'lost', 'an executor with turns answers');
      const words = keep ? stream.words.slice(0, stream.used) : stream.words;
      this.#readStream(turns, words, index.words.push(words) - 1, index);
    }
  }

  #readStream(turns: readonly Agent[], words: Uint32Array, buffer: number, index: RecordIndex): void {
    let at = 0;
    for (const agent of turns) {
      assert(words[at] === agent.number, 'results come in the order of the turns');
      const recordCount = words[at + 1]!;
      const micros = words[at + 2]!;
      const trapWords = words[at + 3]!;
      if (micros > 0) this.turnMicros.set(agent.number, micros);
      at += turnResultWords;
      let task = agent.turnHead;
      for (let i = 0; i < recordCount; i++) {
        assert(task !== null, 'no more records than tasks');
        index.offset[task.position] = at;
        index.buffer[task.position] = buffer;
        at += words[at]!;
        task = task.next;
      }
      if (trapWords > 0) index.traps.set(agent.number, words.slice(at, at + trapWords));
      at += trapWords;
    }
  }
}

/** The states that answer a stream of saves, in the order of the agents. Copied. */
export function readStates(words: Uint32Array, agents: readonly Agent[]): Uint32Array[] {
  let at = 0;
  return agents.map((agent) => {
    assert(words[at] === agent.number, 'states come in the order of the saves');
    const start = at + turnResultWords;
    at = start + words[at + 1]!;
    return words.slice(start, at);
  });
}
