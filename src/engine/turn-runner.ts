// Runs the turns of a tick: on which executor, with which instances alive, in how many rounds, and again where an
// executor was lost. Whatever it does, the records are those of the agents and their tasks alone.

import { TaskKind } from '../abi/envelope.ts';
import { assert, EngineError } from '../base/errors.ts';
import type { Sha256 } from '../base/hash.ts';
import {
  captureImage,
  expandImage,
  type MemoryImage,
  type MemorySpec,
  type Pool,
  type ResultStreams,
} from '../sandbox/index.ts';
import type { Agent, Task, TaskRecords } from '../scheduler/index.ts';
import type { SystemConfig } from './config/system-config.ts';
import { agentPrng } from './genesis.ts';
import type { PreparedModules } from './prepare-modules.ts';
import { Residency } from './residency.ts';
import { RecordIndex, readStates, TurnStreams } from './turn-streams.ts';
import { journalEntriesDefault, type SavedAgent, WorkerJournal } from './worker-journal.ts';

export interface TurnRunnerOptions {
  readonly config: SystemConfig;
  readonly modules: PreparedModules;
  readonly pool: Pool;
  readonly sha256: Sha256;
  /** Instances that may be alive at once; the agents of the others hibernate. */
  readonly residentAgentsMax: number;
  /** Streams that are kept for rebuilding an executor before a checkpoint takes their place. */
  readonly journalEntriesMax?: number | undefined;
}

/** All that an agent's instance was. */
export interface AgentImage {
  /** Creation number. */
  readonly number: number;
  readonly state: Uint32Array;
  readonly image: MemoryImage;
}

/** An executor that is lost so often on one stream will be lost again. */
const lossesMax = 3;

export class TurnRunner {
  readonly #options: TurnRunnerOptions;
  readonly #streams: TurnStreams;
  readonly #records: RecordIndex = new RecordIndex();
  readonly #residency: Residency = new Residency();
  readonly #journals: readonly WorkerJournal[];
  /** Agents whose instances are still to be dropped. */
  readonly #dropped: Agent[] = [];

  constructor(options: TurnRunnerOptions) {
    this.#options = options;
    const { modules, pool } = options;
    this.#streams = new TurnStreams(pool.size);
    const entriesMax = options.journalEntriesMax ?? journalEntriesDefault;
    const executors = pool.canLose ? pool.size : 0;
    this.#journals = Array.from({ length: executors }, () => new WorkerJournal(entriesMax));
    for (const [index, module] of modules.list.entries()) {
      pool.addModule(
        index,
        module.compiled,
        module.globals.map((global) => global.words),
      );
    }
  }

  /** Microseconds per agent number in the last tick; empty unless measured. */
  get turnMicros(): ReadonlyMap<number, number> {
    return this.#streams.turnMicros;
  }

  /** A copy of an agent's memory; undefined where it has none yet. */
  memoryOf(agent: Agent): Uint8Array | undefined {
    const kept = this.#residency.hibernated.get(agent.number);
    if (kept !== undefined) return expandImage(kept.image);
    const memory = this.#options.pool.memoryOf(agent.number);
    return memory === undefined ? undefined : new Uint8Array(memory.buffer).slice();
  }

  /** Runs a plan. Answers at once where nothing has to be waited for. */
  run(tick: number, plan: readonly Task[], measure: boolean): TaskRecords | Promise<TaskRecords> {
    this.#records.begin(plan.length);
    this.#streams.turnMicros.clear();
    const heads = plan.filter((task) => task.agent.turnHead === task);
    const { residents } = this.#residency;
    const { residentAgentsMax } = this.#options;
    if (
      residents.size + heads.length > residentAgentsMax &&
      this.#newcomers(heads) > residentAgentsMax - residents.size
    ) {
      return this.#runInRounds(tick, heads, measure);
    }
    const results = this.#runRound(tick, heads, measure);
    if (results instanceof Promise) return results.then((ready) => this.#read(ready, false));
    return this.#read(results, false);
  }

  /** Agents that ended or will begin anew: what they had goes. Call it after the commit. */
  release(agents: readonly Agent[]): void {
    for (const agent of agents) {
      if (!this.#residency.forget(agent)) continue;
      this.#options.pool.releaseMemory(agent.number, false);
      this.#dropped.push(agent);
    }
  }

  /** State and image of every agent that has an instance, by creation number. Nothing else may run meanwhile. */
  async capture(tick: number): Promise<AgentImage[]> {
    const saved = await this.#save(tick, [...this.#residency.residents.values()]);
    const images = saved.map(({ agent, memory, state }) => ({
      number: agent.number,
      state,
      image: memory.image!,
    }));
    for (const [number, { state, image }] of this.#residency.hibernated)
      images.push({ number, state, image });
    return images.sort((a, b) => a.number - b.number);
  }

  /** State and image of one agent; undefined where it has no instance. Nothing else may run meanwhile. */
  async captureOne(tick: number, agent: Agent): Promise<AgentImage | undefined> {
    const { number } = agent;
    const kept = this.#residency.hibernated.get(number);
    if (kept !== undefined) return { number, ...kept };
    if (!this.#residency.residents.has(number)) return undefined;
    const [saved] = await this.#save(tick, [agent]);
    assert(saved?.memory.image != null, 'an agent that was saved has an image');
    return { number, state: saved.state, image: saved.memory.image };
  }

  /** Takes agents over as they were captured; each wakes with its next turn. */
  adopt(images: readonly AgentImage[]): void {
    for (const { number, state, image } of images) this.#residency.hibernated.set(number, { state, image });
  }

  /** Replaces journals that have become long by checkpoints. Undefined where there is nothing to do. */
  maintain(tick: number): Promise<void> | undefined {
    if (!this.#journals.some((journal) => journal.isLong)) return undefined;
    return this.#checkpoint(tick);
  }

  #newcomers(heads: readonly Task[]): number {
    let count = 0;
    for (const { agent } of heads) if (!this.#residency.residents.has(agent.number)) count++;
    return count;
  }

  #read(results: ResultStreams, keep: boolean): TaskRecords {
    this.#streams.read(results, this.#records, keep);
    return this.#records;
  }

  /** Agents stay with the executor that their number gives. */
  #executorOf(agent: Agent): number {
    return agent.number % this.#options.pool.size;
  }

  async #runInRounds(tick: number, heads: readonly Task[], measure: boolean): Promise<TaskRecords> {
    const { residentAgentsMax } = this.#options;
    const { residents } = this.#residency;
    for (let at = 0; at < heads.length; at += residentAgentsMax) {
      const round = heads.slice(at, at + residentAgentsMax);
      const excess = residents.size + this.#newcomers(round) - residentAgentsMax;
      if (excess > 0) await this.#makeRoom(tick, round, excess);
      this.#read(await this.#runRound(tick, round, measure), true);
    }
    return this.#records;
  }

  async #makeRoom(tick: number, round: readonly Task[], count: number): Promise<void> {
    const needed = new Set(round.map((task) => task.agent));
    const victims = this.#residency.victims(count, (agent) => needed.has(agent));
    const saved = await this.#save(tick, victims);
    for (const { agent, memory, state } of saved) {
      assert(memory.image !== null, 'a saved agent has an image');
      const failed = state.length === 0;
      if (failed) this.#residency.forget(agent);
      else this.#residency.hibernate(agent, { image: memory.image, state });
      this.#options.pool.releaseMemory(agent.number, !failed);
      this.#dropped.push(agent);
    }
  }

  /** One round: every agent of it is resident. */
  #runRound(tick: number, heads: readonly Task[], measure: boolean): ResultStreams | Promise<ResultStreams> {
    const { config } = this.#options;
    const streams = this.#streams;
    streams.begin(tick, tick * config.run.tickMs, measure);
    this.#writeDrops();
    for (const head of heads) {
      const { agent } = head;
      const executor = this.#executorOf(agent);
      if (head.kind === TaskKind.init) this.#create(executor, agent);
      else if (!this.#residency.residents.has(agent.number)) this.#wake(executor, agent);
      this.#residency.touch(agent, tick);
      streams.addTurn(executor, head);
    }
    return this.#runStreams();
  }

  #writeDrops(): void {
    for (const agent of this.#dropped) this.#streams.writers[this.#executorOf(agent)]!.drop(agent.number);
    this.#dropped.length = 0;
    if (!this.#options.pool.collect()) return;
    for (const writer of this.#streams.writers) writer.collect();
  }

  #create(executor: number, agent: Agent): void {
    const { config, modules, sha256 } = this.#options;
    const moduleIndex = modules.indexOfDeclaration[agent.declarationIndex]!;
    const { pagesMin } = modules.list[moduleIndex]!.memory;
    const pagesMax = this.#pagesMax(agent);
    this.#residency.add(agent);
    this.#provide(executor, { agentNumber: agent.number, pagesMin, pagesMax, image: null });
    this.#streams.writers[executor]!.create(
      agent.number,
      moduleIndex,
      agent.declarationIndex,
      agent.origin,
      agent.counter,
      agent.nextTimer,
      agent.nextChild,
      agentPrng(config.run.seed, agent, sha256),
    );
  }

  #pagesMax(agent: Agent): number {
    const { modules } = this.#options;
    const { memory } = modules.list[modules.indexOfDeclaration[agent.declarationIndex]!]!;
    return Math.min(memory.pagesMax, agent.declaration.limits.memoryPagesMax);
  }

  #wake(executor: number, agent: Agent): void {
    const kept = this.#residency.hibernated.get(agent.number);
    assert(kept !== undefined, `agent ${agent.number} is resident or hibernates`);
    this.#residency.hibernated.delete(agent.number);
    this.#residency.add(agent);
    const { image, state } = kept;
    this.#provide(executor, {
      agentNumber: agent.number,
      pagesMin: 0,
      pagesMax: this.#pagesMax(agent),
      image,
    });
    this.#writeRestore(executor, agent, state);
  }

  #writeRestore(executor: number, agent: Agent, state: Uint32Array): void {
    const { declarationIndex, number, origin, counter } = agent;
    const moduleIndex = this.#options.modules.indexOfDeclaration[declarationIndex]!;
    this.#streams.writers[executor]!.restore(number, moduleIndex, declarationIndex, origin, counter, state);
  }

  #provide(executor: number, spec: MemorySpec): void {
    this.#journals[executor]?.addMemory(spec);
    this.#options.pool.provideMemory(executor, spec);
  }

  /** Runs what has been written, noting it first; executors that are lost meanwhile are rebuilt. */
  #runStreams(): ResultStreams | Promise<ResultStreams> {
    const streams = this.#streams.end();
    for (const [executor, journal] of this.#journals.entries()) {
      const stream = streams[executor];
      if (stream !== undefined) journal.addStream(stream);
    }
    const results = this.#options.pool.run(streams);
    if (results instanceof Promise) return results.then((ready) => this.#mend(ready));
    return results.includes('lost') ? this.#mend(results) : results;
  }

  async #mend(results: ResultStreams): Promise<ResultStreams> {
    if (!results.includes('lost')) return results;
    const mended: ResultStreams[number][] = results.map((result) =>
      // The others run again below: what they answered lies where the next run writes.
      result === undefined || result === 'lost'
        ? result
        : { words: result.words.slice(0, result.used), used: result.used },
    );
    for (const [executor, result] of mended.entries()) {
      if (result === 'lost') mended[executor] = await this.#rebuild(executor);
    }
    return mended;
  }

  /** A new executor that is told everything since the last checkpoint; answers what came of the last stream. */
  async #rebuild(executor: number): Promise<ResultStreams[number]> {
    const { pool } = this.#options;
    const journal = this.#journals[executor];
    assert(journal !== undefined, 'only executors with a journal are lost');
    for (let losses = 1; losses <= lossesMax; losses++) {
      pool.replace(executor);
      const last = await this.#tellAgain(executor, journal);
      if (last === 'lost') continue;
      this.#releaseStale(executor, journal);
      return last;
    }
    throw new EngineError(
      'host-fault',
      `Cannot go on: worker ${executor} is lost whenever it is put to work`,
      {
        worker: executor,
      },
    );
  }

  async #tellAgain(executor: number, journal: WorkerJournal): Promise<ResultStreams[number]> {
    const { pool } = this.#options;
    const alone = async (stream: Parameters<Pool['run']>[0][number]): Promise<ResultStreams[number]> =>
      (await pool.run(Array.from({ length: pool.size }, (_, i) => (i === executor ? stream : undefined))))[
        executor
      ];
    const writer = new TurnStreams(pool.size);
    writer.begin(0, 0, false);
    for (const { agent, memory, state } of journal.base) {
      pool.provideMemory(executor, memory);
      const moduleIndex = this.#options.modules.indexOfDeclaration[agent.declarationIndex]!;
      const { number, declarationIndex, origin, counter } = agent;
      writer.writers[executor]!.restore(number, moduleIndex, declarationIndex, origin, counter, state);
    }
    let last = await alone(writer.end()[executor]);
    for (const { memories, stream } of journal.entries) {
      if (last === 'lost') break;
      for (const spec of memories) pool.provideMemory(executor, spec);
      last = await alone(stream);
    }
    if (last === undefined || last === 'lost') return last;
    return { words: last.words.slice(0, last.used), used: last.used };
  }

  /** Memories of agents that had an instance at some time since the checkpoint, and have none now. */
  #releaseStale(executor: number, journal: WorkerJournal): void {
    const { pool } = this.#options;
    const told = [
      ...journal.base.map(({ memory }) => memory),
      ...journal.entries.flatMap(({ memories }) => memories),
    ];
    for (const { agentNumber } of told) {
      const agent = this.#residency.residents.get(agentNumber);
      if (agent === undefined || this.#executorOf(agent) !== executor) pool.releaseMemory(agentNumber, false);
    }
  }

  /** States and images of residents, in their order. They stay resident. */
  async #save(tick: number, agents: readonly Agent[]): Promise<SavedAgent[]> {
    const { pool, config } = this.#options;
    const streams = this.#streams;
    streams.begin(tick, tick * config.run.tickMs, false);
    this.#writeDrops();
    const groups = streams.writers.map((_, i) => agents.filter((agent) => this.#executorOf(agent) === i));
    for (const [executor, group] of groups.entries()) {
      for (const agent of group) streams.writers[executor]!.save(agent.number);
    }
    const results = await this.#runStreams();
    return groups.flatMap((group, executor) => {
      const result = results[executor];
      if (group.length === 0) return [];
      assert(result !== undefined && result !== 'lost', 'an executor that was asked to save answers');
      const states = readStates(result.words, group);
      return group.map((agent, i): SavedAgent => {
        const image = captureImage(pool.memoryOf(agent.number)!);
        const memory = { agentNumber: agent.number, pagesMin: 0, pagesMax: this.#pagesMax(agent), image };
        return { agent, memory, state: states[i]! };
      });
    });
  }

  async #checkpoint(tick: number): Promise<void> {
    const saved = await this.#save(tick, [...this.#residency.residents.values()]);
    for (const [executor, journal] of this.#journals.entries()) {
      journal.checkpoint(saved.filter(({ agent }) => this.#executorOf(agent) === executor));
    }
  }
}
