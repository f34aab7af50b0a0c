// The deterministic core: scheduler, pool and digest chain. Ticks and inputs go in, committed ticks come out; the live
// orchestrator and the replay drive the same machine. It knows no clock, no log and no source.

import { assert } from '../../base/errors.ts';
import type { Sha256 } from '../../base/hash.ts';
import { ByteWriter, encodeInputTo, type Input } from '../../log/index.ts';
import type { Allocate } from '../../sandbox/index.ts';
import {
  type Agent,
  type CommittedTick,
  closeTick,
  commitTick,
  createDeclaredAgents,
  createState,
  openTick,
  planTick,
  restoreState,
  type SavedScheduler,
  type SchedulerState,
  saveState,
  type Task,
  type TaskRecords,
} from '../../scheduler/index.ts';
import type { CodePlace } from '../../wasm/index.ts';
import { normalisedBytes } from '../config/system-config.ts';
import { genesisDigest, schedulerConfig } from '../modules/genesis.ts';
import type { TurnGuard } from './turn-guard.ts';
import { type AgentImage, TurnRunner, type TurnRunnerOptions } from './turn-runner.ts';

/** One executed tick. Views in it are valid until the next tick is stepped. */
export interface ExecutedTick {
  readonly tick: number;
  readonly digest: Uint8Array<ArrayBuffer>;
  readonly plan: readonly Task[];
  readonly committed: CommittedTick;
  /** Microseconds that each planned agent's turn took, by agent number; empty unless measured. */
  readonly turnMicros: ReadonlyMap<number, number>;
  /** Where an agent trapped, the innermost function first. Beside the digest: it comes from V8. */
  readonly trapPlaces: (agent: Agent) => readonly CodePlace[];
}

/** The whole of a run between two ticks: what it takes to go on from there. */
export interface Snapshot {
  readonly tick: number;
  readonly digest: Uint8Array<ArrayBuffer>;
  readonly scheduler: SavedScheduler;
  /** Every agent that has an instance, by creation number. */
  readonly agents: readonly AgentImage[];
  /** Restart images, by creation number. */
  readonly images: readonly AgentImage[];
  /** Instances that are as they were in an earlier capture, and are left out of `agents`. */
  readonly same?: readonly number[];
}

export class Machine {
  readonly state: SchedulerState;
  readonly #sha256: Sha256;
  readonly #turns: TurnRunner;
  readonly #sealed: ByteWriter = new ByteWriter(4096);
  #digest: Uint8Array<ArrayBuffer>;
  #closePending = false;
  /** Models that the turns know. */
  #modelCount: number;
  /** Set while turns are measured; changes nothing else. */
  measure = false;
  /** Set where turns run one at a time; changes no record. */
  guard: TurnGuard | undefined;

  /** @param from where to go on; without it, the run begins */
  constructor(options: TurnRunnerOptions, from?: Snapshot) {
    const { config, sha256 } = options;
    this.#sha256 = sha256;
    this.#turns = new TurnRunner(options);
    this.#modelCount = config.models.length;
    if (from !== undefined) {
      assert((from.same ?? []).length === 0, 'a run goes on from a whole snapshot');
      this.state = restoreState(schedulerConfig(config), from.scheduler);
      this.#digest = from.digest;
      this.#turns.adopt(from.agents, from.images);
      return;
    }
    this.state = createState(schedulerConfig(config));
    this.#digest = genesisDigest(normalisedBytes(config), sha256);
    createDeclaredAgents(this.state);
  }

  /** The digest of the last executed tick; before the first, that of the configuration. */
  get digest(): Uint8Array<ArrayBuffer> {
    return this.#digest;
  }

  /**
   * The state after the last executed tick. Nothing else may be asked of the machine until the answer is there.
   * @param since the tick of the last capture, where that is kept: what is as it was then is only named
   * @param allocate where memories are copied to, for whom it concerns how long that is theirs
   */
  async capture(since?: number, allocate?: Allocate): Promise<Snapshot> {
    const { tick } = this.state;
    assert(tick > 0, 'a run has executed a tick before its state is captured');
    const { agents, same } = await this.#turns.capture(tick, since, allocate);
    const { images } = this.#turns;
    return { tick, digest: this.#digest.slice(), scheduler: saveState(this.state), agents, images, same };
  }

  /** One agent as it is now; undefined where it has no instance. As `capture`, it is waited for. */
  captureAgent(agent: Agent): Promise<AgentImage | undefined> {
    return this.#turns.captureOne(this.state.tick, agent);
  }

  /** A copy of an agent's memory; undefined where it has none yet. */
  memoryOf(agent: Agent): Uint8Array | undefined {
    return this.#turns.memoryOf(agent);
  }

  /** Executes one tick. Nothing else may be asked of the machine until the answer is there. */
  step(tick: number, inputs: readonly Input[]): ExecutedTick | Promise<ExecutedTick> {
    if (this.#closePending) closeTick(this.state);
    this.#closePending = true;
    openTick(this.state, tick, inputs);
    this.#declareModels();
    const plan = planTick(this.state);
    const records = this.#turns.run(tick, plan, this.measure, this.guard);
    if (records instanceof Promise) return records.then((ready) => this.#commit(tick, plan, inputs, ready));
    return this.#commit(tick, plan, inputs, records);
  }

  #declareModels(): void {
    const { models } = this.state.requests;
    if (models.length === this.#modelCount) return;
    this.#modelCount = models.length;
    const added = models.filter(({ declaration }) => declaration.detail !== undefined);
    this.#turns.declareModels(added.map(({ declaration }) => declaration.name));
  }

  #commit(
    tick: number,
    plan: readonly Task[],
    inputs: readonly Input[],
    records: TaskRecords,
  ): ExecutedTick | Promise<ExecutedTick> {
    const committed = commitTick(this.state, plan, records, this.#seal(inputs), this.#digest);
    this.#digest = this.#sha256(committed.transcript);
    this.#turns.release(this.state.released);
    const { turnMicros } = this.#turns;
    const trapPlaces = (agent: Agent): CodePlace[] => this.#turns.trapPlaces(agent);
    const executed: ExecutedTick = { tick, digest: this.#digest, plan, committed, turnMicros, trapPlaces };
    return this.#turns.maintain(tick, this.state.imaged)?.then(() => executed) ?? executed;
  }

  #seal(inputs: readonly Input[]): Uint8Array {
    const writer = this.#sealed;
    writer.position = 0;
    for (const input of inputs) {
      const start = writer.beginPart();
      encodeInputTo(writer, input);
      writer.endPart(start);
    }
    return writer.written();
  }
}
