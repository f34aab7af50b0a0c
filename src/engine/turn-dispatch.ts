// From a plan to one command stream per executor, and from their results back to the plan's order.

import { TaskKind } from '../abi/envelope.ts';
import { assert, EngineError } from '../base/errors.ts';
import type { Sha256 } from '../base/hash.ts';
import {
  CommandWriter,
  flagMeasure,
  type Pool,
  type ResultStreams,
  turnResultWords,
  type WordBuffer,
} from '../sandbox/index.ts';
import type { Agent, Task, TaskRecords } from '../scheduler/index.ts';
import type { SystemConfig } from './config/system-config.ts';
import { agentPrng } from './genesis.ts';
import type { PreparedModules } from './prepare-modules.ts';

export interface DispatchOptions {
  readonly config: SystemConfig;
  readonly modules: PreparedModules;
  readonly pool: Pool;
  readonly sha256: Sha256;
}

const noTopic = new Uint8Array(0);

export class TurnDispatch {
  readonly memories: Map<number, WebAssembly.Memory> = new Map();
  /** Microseconds per agent number in the tick last read; empty unless measured. */
  readonly turnMicros: Map<number, number> = new Map();
  readonly #options: DispatchOptions;
  readonly #writers: readonly CommandWriter[];
  /** Agents with a turn in the current tick, per executor, in the order of their turns. */
  readonly #turns: Agent[][];
  readonly #released: Agent[] = [];
  #offset: Int32Array = new Int32Array(256);
  #buffer: Uint8Array = new Uint8Array(256);

  constructor(options: DispatchOptions) {
    this.#options = options;
    const { modules, pool } = options;
    this.#writers = Array.from({ length: pool.size }, () => new CommandWriter());
    this.#turns = this.#writers.map(() => []);
    modules.list.forEach((module, index) => {
      pool.addModule(index, module.compiled);
    });
  }

  /** Writes the streams of a tick; an executor without work gets none. */
  write(tick: number, plan: readonly Task[], measure: boolean): (WordBuffer | undefined)[] {
    const timeMs = tick * this.#options.config.run.tickMs;
    for (const writer of this.#writers) writer.begin(tick, timeMs, measure ? flagMeasure : 0);
    for (const turns of this.#turns) turns.length = 0;
    for (const agent of this.#released) this.#writers[this.#executorOf(agent)]!.drop(agent.number);
    this.#released.length = 0;
    for (const task of plan) {
      if (task.agent.turnHead === task) this.#writeTurn(task);
    }
    return this.#writers.map((writer) => {
      if (writer.isEmpty) return undefined;
      writer.end();
      return writer.buffer;
    });
  }

  /** Agents stay where they are made: their instances live there. */
  #executorOf(agent: Agent): number {
    return agent.number % this.#writers.length;
  }

  #writeTurn(head: Task): void {
    const { agent } = head;
    const executor = this.#executorOf(agent);
    const writer = this.#writers[executor]!;
    if (head.kind === TaskKind.init) this.#create(executor, agent);
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

  #create(executor: number, agent: Agent): void {
    const { config, modules, pool, sha256 } = this.#options;
    const module = modules.list[modules.indexOfDeclaration[agent.declarationIndex]!]!;
    const maximum = Math.min(module.memory.pagesMax, agent.declaration.limits.memoryPagesMax);
    const memory = createMemory(agent, module.memory.pagesMin, maximum);
    this.memories.set(agent.number, memory);
    pool.addMemory(executor, agent.number, memory);
    this.#writers[executor]!.create(
      agent.number,
      modules.indexOfDeclaration[agent.declarationIndex]!,
      agent.declarationIndex,
      agent.origin,
      agent.counter,
      agent.nextTimer,
      agent.nextChild,
      agentPrng(config.run.seed, agent, sha256),
    );
  }

  /** Finds the record of each planned task, wherever it was executed. */
  read(plan: readonly Task[], results: ResultStreams): TaskRecords {
    if (this.#offset.length < plan.length) {
      this.#offset = new Int32Array(plan.length * 2);
      this.#buffer = new Uint8Array(plan.length * 2);
    }
    this.#offset.fill(-1, 0, plan.length);
    this.turnMicros.clear();
    for (let executor = 0; executor < this.#turns.length; executor++) {
      const turns = this.#turns[executor]!;
      const stream = results[executor];
      if (stream === undefined) {
        assert(turns.length === 0, 'an executor with turns answers');
        continue;
      }
      this.#readStream(executor, turns, stream.words);
    }
    const words = results.map((stream) => stream?.words ?? emptyWords);
    return { words, buffer: this.#buffer, offset: this.#offset };
  }

  #readStream(executor: number, turns: readonly Agent[], words: Uint32Array): void {
    let at = 0;
    for (const agent of turns) {
      assert(words[at] === agent.number, 'results come in the order of the turns');
      const recordCount = words[at + 1]!;
      const micros = words[at + 2]!;
      if (micros > 0) this.turnMicros.set(agent.number, micros);
      at += turnResultWords;
      let task = agent.turnHead;
      for (let i = 0; i < recordCount; i++) {
        assert(task !== null, 'no more records than tasks');
        this.#offset[task.position] = at;
        this.#buffer[task.position] = executor;
        at += words[at]!;
        task = task.next;
      }
    }
  }

  /** Agents that ended: their memory goes now, their instance with the next stream. */
  release(agents: readonly Agent[]): void {
    for (const agent of agents) {
      if (!this.memories.delete(agent.number)) continue;
      this.#released.push(agent);
    }
  }
}

const emptyWords = new Uint32Array(0);

function createMemory(agent: Agent, initial: number, maximum: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial, maximum, shared: true });
  } catch (error) {
    throw new EngineError(
      'host-fault',
      `Cannot give agent "${agent.name}" a memory of ${initial} to ${maximum} pages: the host has none left`,
      { agent: agent.name, pagesMin: initial, pagesMax: maximum },
      error,
    );
  }
}
