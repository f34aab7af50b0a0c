// Runs the turns of a tick: on which executor, with which instances alive, in how many rounds. Keeps what agents that
// hibernate or restart come back from. Whatever it does, the records are those of the agents and their tasks alone.

import { TaskKind } from '../../abi/envelope.ts';
import { assert } from '../../base/errors.ts';
import type { Sha256 } from '../../base/hash.ts';
import {
  type Allocate,
  captureImage,
  expandImage,
  type MemoryImage,
  type Pool,
  type ResultStreams,
  renewState,
} from '../../sandbox/index.ts';
import { type Agent, isAlive, type Task, type TaskRecords } from '../../scheduler/index.ts';
import { authorPlaces, type CodePlace } from '../../wasm/index.ts';
import type { SystemConfig } from '../config/system-config.ts';
import { agentPrng } from '../modules/genesis.ts';
import type { PreparedModules } from '../modules/prepare-modules.ts';
import { Executors } from './executors.ts';
import { placesOf, Residency, type SavedInstance } from './residency.ts';
import type { TurnGuard } from './turn-guard.ts';
import { RecordIndex, readStates, TurnStreams } from './turn-streams.ts';
import type { SavedAgent } from './worker-journal.ts';

export interface TurnRunnerOptions {
  readonly config: SystemConfig;
  readonly modules: PreparedModules;
  readonly pool: Pool;
  readonly sha256: Sha256;
  /** Instances that may be alive at once, where each takes one place; the agents of the others hibernate. */
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

export class TurnRunner {
  readonly #options: TurnRunnerOptions;
  readonly #streams: TurnStreams;
  readonly #records: RecordIndex = new RecordIndex();
  readonly #residency: Residency;
  /** That an agent takes among the residents at most. */
  readonly #placesEach: number;
  readonly #executors: Executors;
  /** Restart images, by creation number. */
  readonly #images: Map<number, SavedInstance> = new Map();
  /** Agents whose instances are still to be dropped. */
  readonly #dropped: Agent[] = [];

  /** The last capture, and who was in it. */
  #captured: { readonly tick: number; readonly numbers: ReadonlySet<number> } | undefined;
  /** The tick that runs, or ran last. */
  #tick = 0;

  constructor(options: TurnRunnerOptions) {
    this.#options = options;
    const { modules, pool } = options;
    const places = modules.list.map(({ heapBytes }) => placesOf(heapBytes));
    this.#placesEach = Math.max(...places);
    this.#residency = new Residency((agent) => places[modules.indexOfDeclaration[agent.declarationIndex]!]!);
    this.#streams = new TurnStreams(pool.size);
    this.#executors = new Executors(options, (number, executor) => {
      const agent = this.#residency.residents.get(number);
      return agent !== undefined && this.#executorOf(agent) === executor;
    });
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

  /** Where an agent trapped in the last tick, the innermost function first; empty where it did not. */
  trapPlaces(agent: Agent): CodePlace[] {
    const offsets = this.#records.traps.get(agent.number);
    if (offsets === undefined) return [];
    const { list, indexOfDeclaration } = this.#options.modules;
    return authorPlaces(list[indexOfDeclaration[agent.declarationIndex]!]!.offsets, offsets);
  }

  /** A copy of an agent's memory; undefined where it has none yet. */
  memoryOf(agent: Agent): Uint8Array | undefined {
    const kept = this.#residency.hibernated.get(agent.number);
    if (kept !== undefined) return expandImage(kept.image);
    const memory = this.#options.pool.memoryOf(agent.number);
    return memory === undefined ? undefined : new Uint8Array(memory.buffer).slice();
  }

  /** Agents may ask these models, too, which the configuration does not have. */
  declareModels(names: readonly string[]): void {
    this.#streams.declareModels(this.#options.config.models.length, names);
  }

  /** Runs a plan. Answers at once where nothing has to be waited for. */
  run(
    tick: number,
    plan: readonly Task[],
    measure: boolean,
    guard?: TurnGuard,
  ): TaskRecords | Promise<TaskRecords> {
    this.#tick = tick;
    this.#records.begin(plan.length);
    this.#streams.turnMicros.clear();
    const heads = plan.filter((task) => task.agent.turnHead === task);
    const free = this.#options.residentAgentsMax - this.#residency.places;
    if (guard !== undefined) return this.#runInRounds(tick, heads, measure, 1, guard);
    if (heads.length * this.#placesEach > free && this.#placesToCome(heads) > free)
      return this.#runInRounds(tick, heads, measure, this.#options.residentAgentsMax);
    const results = this.#runRound(tick, heads, measure);
    if (results instanceof Promise) return results.then((ready) => this.#read(ready, false));
    return this.#read(results, false);
  }

  /**
   * Agents that ended or will begin anew: what they had goes, and where there is an image of it, that takes its place.
   * Call it after the commit.
   */
  release(agents: readonly Agent[]): void {
    const { config, sha256, pool } = this.#options;
    for (const agent of agents) {
      if (this.#residency.forget(agent)) {
        pool.releaseMemory(agent.number, false);
        this.#dropped.push(agent);
      }
      if (!isAlive(agent)) this.#images.delete(agent.number);
      const kept = this.#images.get(agent.number);
      if (kept === undefined) continue;
      const prng = agentPrng(config.run.seed, agent, sha256);
      const state = renewState(kept.state, prng, agent.nextTimer, agent.nextChild, agent.nextRequest);
      this.#residency.hibernate(agent, { image: kept.image, state });
      this.#residency.touch(agent, this.#tick);
    }
  }

  /**
   * State and image of every agent that has an instance, by creation number; where `since` is the tick of the last
   * capture, without those that are the same as then. Nothing else may run meanwhile.
   */
  async capture(
    tick: number,
    since?: number,
    allocate?: Allocate,
  ): Promise<{ agents: AgentImage[]; same: number[] }> {
    const { residents, hibernated } = this.#residency;
    const before = since !== undefined && this.#captured?.tick === since ? this.#captured.numbers : undefined;
    const isSame = (number: number): boolean =>
      before?.has(number) === true && this.#residency.lastTickOf(number) <= since!;
    const saved = await this.#save(
      tick,
      [...residents.values()].filter(({ number }) => !isSame(number)),
      allocate,
    );
    const agents = saved.map(({ agent, memory, state }) => ({
      number: agent.number,
      state,
      image: memory.image!,
    }));
    agents.push(...imagesOf(hibernated).filter(({ number }) => !isSame(number)));
    const numbers = new Set([...residents.keys(), ...hibernated.keys()]);
    this.#captured = { tick, numbers };
    const same = [...numbers].filter(isSame);
    return { agents: agents.sort((a, b) => a.number - b.number), same };
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

  /** Restart images, by creation number. */
  get images(): AgentImage[] {
    return imagesOf(this.#images).sort((a, b) => a.number - b.number);
  }

  /** Takes agents over as they were captured, each of which wakes with its next turn, and restart images. */
  adopt(agents: readonly AgentImage[], images: readonly AgentImage[]): void {
    for (const { number, state, image } of agents) this.#residency.hibernated.set(number, { state, image });
    for (const { number, state, image } of images) this.#images.set(number, { state, image });
  }

  /**
   * Takes the restart images of these agents, and replaces journals that have become long by checkpoints. Undefined
   * where there is nothing to do.
   */
  maintain(tick: number, imaged: readonly Agent[]): Promise<void> | undefined {
    if (imaged.length === 0 && !this.#executors.isCheckpointDue) return undefined;
    return this.#maintain(tick, imaged);
  }

  async #maintain(tick: number, imaged: readonly Agent[]): Promise<void> {
    if (imaged.length > 0) await this.#takeImages(tick, imaged);
    if (!this.#executors.isCheckpointDue) return;
    this.#executors.checkpoint(await this.#save(tick, [...this.#residency.residents.values()]));
  }

  async #takeImages(tick: number, agents: readonly Agent[]): Promise<void> {
    const { residents, hibernated } = this.#residency;
    const saved = await this.#save(
      tick,
      agents.filter(({ number }) => residents.has(number)),
    );
    for (const { agent, memory, state } of saved) {
      assert(memory.image !== null && state.length > 0, 'an agent whose image is taken has an instance');
      this.#images.set(agent.number, { image: memory.image, state });
    }
    for (const { number } of agents) {
      const kept = hibernated.get(number);
      if (kept !== undefined) this.#images.set(number, kept);
    }
  }

  #placesToCome(heads: readonly Task[]): number {
    return this.#residency.placesToCome(heads.map(({ agent }) => agent));
  }

  #read(results: ResultStreams, keep: boolean): TaskRecords {
    this.#streams.read(results, this.#records, keep);
    return this.#records;
  }

  /** Agents stay with the executor that their number gives. */
  #executorOf(agent: Agent): number {
    return agent.number % this.#options.pool.size;
  }

  async #runInRounds(
    tick: number,
    heads: readonly Task[],
    measure: boolean,
    places: number,
    guard?: TurnGuard,
  ): Promise<TaskRecords> {
    const { residentAgentsMax } = this.#options;
    for (const round of this.#residency.rounds(heads, places)) {
      guard?.beforeTurn(round[0]!.agent);
      const excess = this.#residency.places + this.#placesToCome(round) - residentAgentsMax;
      if (excess > 0) await this.#makeRoom(tick, round, excess);
      this.#read(await this.#runRound(tick, round, measure), true);
    }
    guard?.afterTurns();
    return this.#records;
  }

  async #makeRoom(tick: number, round: readonly Task[], places: number): Promise<void> {
    const needed = new Set(round.map((task) => task.agent));
    const victims = this.#residency.victims(places, (agent) => needed.has(agent));
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
    return this.#executors.run(streams.end());
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
    this.#executors.provide(executor, { agentNumber: agent.number, pagesMin, pagesMax, image: null });
    this.#streams.writers[executor]!.create(
      agent.number,
      moduleIndex,
      agent.declarationIndex,
      agent.origin,
      agent.counter,
      agent.nextTimer,
      agent.nextChild,
      agent.nextRequest,
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
    this.#executors.provide(executor, {
      agentNumber: agent.number,
      pagesMin: 0,
      pagesMax: this.#pagesMax(agent),
      image,
    });
    const moduleIndex = this.#options.modules.indexOfDeclaration[agent.declarationIndex]!;
    this.#streams.writers[executor]!.restore(agent, moduleIndex, state);
  }

  /** States and images of residents, in their order. They stay resident. */
  async #save(tick: number, agents: readonly Agent[], allocate?: Allocate): Promise<SavedAgent[]> {
    const { pool, config } = this.#options;
    const streams = this.#streams;
    streams.begin(tick, tick * config.run.tickMs, false);
    this.#writeDrops();
    const groups = streams.writers.map((_, i) => agents.filter((agent) => this.#executorOf(agent) === i));
    for (const [executor, group] of groups.entries()) {
      for (const agent of group) streams.writers[executor]!.save(agent.number);
    }
    const results = await this.#executors.run(streams.end());
    return groups.flatMap((group, executor) => {
      const result = results[executor];
      if (group.length === 0) return [];
      assert(result !== undefined && result !== 'lost', 'an executor that was asked to save answers');
      const states = readStates(result.words, group);
      return group.map((agent, i): SavedAgent => {
        const image = captureImage(pool.memoryOf(agent.number)!, allocate);
        const memory = { agentNumber: agent.number, pagesMin: 0, pagesMax: this.#pagesMax(agent), image };
        return { agent, memory, state: states[i]! };
      });
    });
  }
}

function imagesOf(saved: ReadonlyMap<number, SavedInstance>): AgentImage[] {
  return [...saved].map(([number, { state, image }]) => ({ number, state, image }));
}
