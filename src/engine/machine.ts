// The deterministic core: scheduler, pool and digest chain. Ticks and inputs go in, committed ticks come out; the live
// orchestrator and the replay drive the same machine. It knows no clock, no log and no source.

import type { Sha256 } from '../base/hash.ts';
import { ByteWriter, encodeInputTo, type Input } from '../log/index.ts';
import type { Pool, ResultStreams } from '../sandbox/index.ts';
import {
  type CommittedTick,
  closeTick,
  commitTick,
  createDeclaredAgents,
  createState,
  openTick,
  planTick,
  type SchedulerState,
  type Task,
} from '../scheduler/index.ts';
import type { SystemConfig } from './config/system-config.ts';
import { normalisedBytes } from './config/system-config.ts';
import { genesisDigest, schedulerConfig } from './genesis.ts';
import type { PreparedModules } from './prepare-modules.ts';
import { TurnDispatch } from './turn-dispatch.ts';

/** One executed tick. Views in it are valid until the next tick is stepped. */
export interface ExecutedTick {
  readonly tick: number;
  readonly digest: Uint8Array<ArrayBuffer>;
  readonly plan: readonly Task[];
  readonly committed: CommittedTick;
  /** Microseconds that each planned agent's turn took, by agent number; empty unless measured. */
  readonly turnMicros: ReadonlyMap<number, number>;
}

export interface MachineOptions {
  readonly config: SystemConfig;
  readonly modules: PreparedModules;
  readonly pool: Pool;
  readonly sha256: Sha256;
}

export class Machine {
  readonly state: SchedulerState;
  readonly #pool: Pool;
  readonly #sha256: Sha256;
  readonly #dispatch: TurnDispatch;
  readonly #sealed: ByteWriter = new ByteWriter(4096);
  #digest: Uint8Array<ArrayBuffer>;
  #closePending = false;
  /** Set while turns are measured; changes nothing else. */
  measure = false;

  constructor(options: MachineOptions) {
    const { config, modules, pool, sha256 } = options;
    this.state = createState(schedulerConfig(config));
    this.#pool = pool;
    this.#sha256 = sha256;
    this.#dispatch = new TurnDispatch({ config, modules, pool, sha256 });
    this.#digest = genesisDigest(normalisedBytes(config), sha256);
    createDeclaredAgents(this.state);
  }

  /** The digest of the last executed tick; before the first, that of the configuration. */
  get digest(): Uint8Array<ArrayBuffer> {
    return this.#digest;
  }

  /** Memories of the living agents, by agent number. */
  get memories(): ReadonlyMap<number, WebAssembly.Memory> {
    return this.#dispatch.memories;
  }

  /** Executes one tick. Nothing else may be asked of the machine until the answer is there. */
  step(tick: number, inputs: readonly Input[]): ExecutedTick | Promise<ExecutedTick> {
    if (this.#closePending) closeTick(this.state);
    this.#closePending = true;
    openTick(this.state, tick, inputs);
    const plan = planTick(this.state);
    const streams = this.#dispatch.write(tick, plan, this.measure);
    const results = this.#pool.run(streams);
    if (results instanceof Promise) return results.then((ready) => this.#commit(tick, plan, inputs, ready));
    return this.#commit(tick, plan, inputs, results);
  }

  #commit(
    tick: number,
    plan: readonly Task[],
    inputs: readonly Input[],
    results: ResultStreams,
  ): ExecutedTick {
    const records = this.#dispatch.read(plan, results);
    const committed = commitTick(this.state, plan, records, this.#seal(inputs), this.#digest);
    this.#digest = this.#sha256(committed.transcript);
    this.#dispatch.release(this.state.released);
    return { tick, digest: this.#digest, plan, committed, turnMicros: this.#dispatch.turnMicros };
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
