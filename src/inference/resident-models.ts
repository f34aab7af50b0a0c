// Which models are loaded, and in which process: portable, native and graphics models have one each, so that a fault of
// one kind takes nothing else along. Beyond the budget those that were used longest ago go.

import { EngineError } from '../base/errors.ts';
import type { Loaded } from './child-protocol.ts';
import type { HostClock } from './host-clock.ts';
import { type HostedModel, modelLabel, type OnEvent } from './hosted-model.ts';
import { InferenceProcess, type ModelProcess, ProcessLost } from './inference-process.ts';
import type { Mode, Provider } from './runtime.ts';
import type { Rehearsal, SessionChoice } from './session.ts';

export interface ResidentModelsOptions {
  /** What all loaded models may count for together; one alone may be larger. */
  readonly modelBytesMax: number;
  /** A first load that takes longer is given up, and the model refused. */
  readonly loadTimeoutMs?: number;
  readonly onEvent: OnEvent;
  /** Makes a process; other ones are for tests. */
  readonly startProcess?: (() => ModelProcess) | undefined;
  readonly clock: HostClock;
}

/** A loaded model. */
export interface Resident {
  readonly model: HostedModel;
  readonly provider: Provider;
  readonly process: ModelProcess;
  readonly session: number;
  readonly loaded: Loaded;
  /** Runs under way; while there are any it stays. */
  inFlight: number;
  lastUse: number;
}

/** Thrown where made-up inputs broke the runtime; it is loaded again without them. */
class Rehearsed extends ProcessLost {
  constructor() {
    super('its runtime broke on made-up inputs', true);
  }
}

const loadAttemptsMax = 2;
const loadTimeoutMsDefault = 300_000;

export class ResidentModels {
  readonly #options: ResidentModelsOptions;
  readonly #residents: Map<string, Resident> = new Map();
  /** Models whose first load went well, by hash and provider. */
  readonly #trusted: Set<string> = new Set();
  /** By hash, provider and the largest batch wanted. */
  readonly #rehearsals: Map<string, Rehearsal> = new Map();
  /** Processes that something was loaded into. */
  readonly #used: WeakSet<ModelProcess> = new WeakSet();
  readonly #processes: Map<string, ModelProcess> = new Map();
  /** All that may still run. */
  readonly #started: Set<ModelProcess> = new Set();
  /** By lane: what comes next waits for it. */
  readonly #loads: Map<string, Promise<unknown>> = new Map();
  #lastSession = 0;
  #uses = 0;
  #closed = false;

  constructor(options: ResidentModelsOptions) {
    this.#options = options;
  }

  get list(): readonly Resident[] {
    return [...this.#residents.values()];
  }

  /** Whether it was not let go of since it was found. */
  holds(resident: Resident): boolean {
    return this.#residents.get(keyOf(resident.model, resident.provider)) === resident;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Loads a model, or finds it loaded.
   * @throws EngineError `model-refused`, `model-missing`, `model-runtime-missing`; ProcessLost
   */
  async ensure(model: HostedModel, provider: Provider): Promise<Resident> {
    const found = this.#find(model, provider);
    const resident = found ?? (await this.#exclusive(provider, () => this.#load(model, provider)));
    resident.lastUse = ++this.#uses;
    return resident;
  }

  /** Lets go of a model once nothing of it is under way. */
  async unload({ id, version, mode }: HostedModel): Promise<void> {
    const released = providersOf[mode].map(async (provider) => {
      const isOne = ({ model, provider: of }: Resident): boolean =>
        model.id === id && model.version === version && of === provider;
      await this.#exclusive(provider, () =>
        Promise.all(this.list.filter(isOne).map((one) => this.#release(one))),
      );
    });
    await Promise.all(released);
  }

  /**
   * Loads a model into a process. How its rows run together is found out once.
   * @throws EngineError `model-refused`, `model-missing`, `model-runtime-missing`; ProcessLost
   */
  async loadInto(
    process: ModelProcess,
    session: number,
    model: HostedModel,
    provider: Provider,
  ): Promise<Loaded> {
    const key = `${trustKey(model, provider)} ${model.batchMax}`;
    const rehearsed = this.#rehearsals.get(key);
    const choice = { ...choiceOf(model, provider), ...(rehearsed && { rehearsed }) };
    this.#used.add(process);
    const loaded = await explained(model, () => process.ask('loaded', { kind: 'load', session, ...choice }));
    const { batching, isHarmful } = loaded;
    if (rehearsed === undefined) this.#rehearsals.set(key, { batching, isHarmful });
    if (isHarmful) {
      await process.close();
      throw new Rehearsed();
    }
    return loaded;
  }

  /** A process of its own for something that may end it; the caller closes it. */
  start(provider: Provider): ModelProcess {
    if (this.#closed) throw new EngineError('host-fault', 'Cannot run a model: the models were closed');
    for (const process of this.#started) if (process.lost) this.#started.delete(process);
    const { startProcess, clock } = this.#options;
    const process = startProcess?.() ?? new InferenceProcess(clock, provider !== 'wasm');
    this.#started.add(process);
    return process;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#residents.clear();
    await Promise.all([...this.#started].map((process) => process.close()));
  }

  #find(model: HostedModel, provider: Provider): Resident | undefined {
    const found = this.#residents.get(keyOf(model, provider));
    return found?.process.lost === false ? found : undefined;
  }

  /** Ends the process of a provider, whatever it is at; the next that is asked of it begins another one. */
  async endProcess(provider: Provider): Promise<void> {
    await this.#processes.get(laneOf(provider))?.close();
  }

  #processOf(provider: Provider): ModelProcess {
    const lane = laneOf(provider);
    const found = this.#processes.get(lane);
    if (found !== undefined && !found.lost) return found;
    const process = this.start(provider);
    this.#processes.set(lane, process);
    for (const [key, resident] of this.#residents) if (resident.process.lost) this.#residents.delete(key);
    return process;
  }

  /** Loads of one lane come one after another; a lane that stands still holds no other. */
  #exclusive<T>(provider: Provider, work: () => Promise<T>): Promise<T> {
    const lane = laneOf(provider);
    const done = (this.#loads.get(lane) ?? Promise.resolve()).then(work);
    this.#loads.set(
      lane,
      done.catch(() => {}),
    );
    return done;
  }

  async #load(model: HostedModel, provider: Provider): Promise<Resident> {
    const known = this.#find(model, provider);
    if (known !== undefined) return known;
    await this.#try(model, provider);
    const process = this.#processOf(provider);
    const session = ++this.#lastSession;
    const loaded = await this.#loadInLane(process, session, model, provider);
    this.#trusted.add(trustKey(model, provider));
    const resident: Resident = {
      model,
      provider,
      process,
      session,
      loaded,
      inFlight: 0,
      lastUse: ++this.#uses,
    };
    this.#residents.set(keyOf(model, provider), resident);
    const { batching, build } = loaded;
    const reason = `${model.mode} on ${provider}, runtime ${build}, batches ${batching.kind}`;
    this.#options.onEvent({ kind: 'model-loaded', model: modelLabel(model), reason });
    this.#evict(resident);
    return resident;
  }

  /** A model that loaded before may be slow now, or its process stand still: another process is tried. */
  async #loadInLane(
    process: ModelProcess,
    session: number,
    model: HostedModel,
    provider: Provider,
  ): Promise<Loaded> {
    const late = (): Error =>
      new ProcessLost(`it had not loaded a model in ${this.#loadTimeoutMs} ms`, false);
    return this.#inTime(process, () => this.loadInto(process, session, model, provider), late);
  }

  /** A model that was never loaded is loaded where nothing else can be lost with it. */
  async #try(model: HostedModel, provider: Provider): Promise<void> {
    if (this.#trusted.has(trustKey(model, provider))) return;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#tryOnce(model, provider);
      } catch (error) {
        if (!(error instanceof ProcessLost) || this.#closed) throw error;
        if (error.ofAnother) attempt--;
        // Something else may have ended the process; not twice.
        if (attempt < loadAttemptsMax) continue;
        throw refusal(model, `it ended the process that loaded it (${error.message})`);
      }
    }
  }

  async #tryOnce(model: HostedModel, provider: Provider): Promise<void> {
    const own = this.#processOf(provider);
    // What a model does when it is tried must not depend on what its process did before.
    const alone = !this.#used.has(own);
    const process = alone ? own : this.start(provider);
    const late = (): Error => refusal(model, `loading it took longer than ${this.#loadTimeoutMs} ms`);
    const load = async (): Promise<void> => {
      await this.loadInto(process, 0, model, provider);
      if (alone) await process.ask('released', { kind: 'release', session: 0 });
    };
    try {
      await this.#inTime(process, load, late);
      this.#trusted.add(trustKey(model, provider));
    } finally {
      if (!alone) await process.close();
    }
  }

  get #loadTimeoutMs(): number {
    return this.#options.loadTimeoutMs ?? loadTimeoutMsDefault;
  }

  /** Time in which the process runs something for others does not count. */
  async #inTime<T>(process: ModelProcess, work: () => Promise<T>, late: () => Error): Promise<T> {
    let isLate = false;
    let cancel = (): void => {};
    const wait = (): void => {
      cancel = this.#options.clock.after(this.#loadTimeoutMs, () => {
        if (this.list.some((resident) => resident.process === process && resident.inFlight > 0)) {
          wait();
          return;
        }
        isLate = true;
        void process.close();
      });
    };
    wait();
    try {
      return await work();
    } catch (error) {
      throw isLate ? late() : error;
    } finally {
      cancel();
    }
  }

  /** Those used longest ago go until the rest, `newest` among them, is within the budget. */
  #evict(newest: Resident): void {
    const { modelBytesMax, onEvent } = this.#options;
    const total = (): number => this.list.reduce((sum, { loaded }) => sum + loaded.bytes, 0);
    while (total() > modelBytesMax) {
      const idle = this.list.filter((resident) => resident !== newest && resident.inFlight === 0);
      const oldest = idle.sort((a, b) => a.lastUse - b.lastUse)[0];
      if (oldest === undefined) return;
      // Nobody waits for that: its process may be at something else, or stand still. What it loads next comes after.
      this.#release(oldest).catch(() => {});
      const reason = `room for ${modelLabel(newest.model)}`;
      onEvent({ kind: 'model-evicted', model: modelLabel(oldest.model), reason });
    }
  }

  async #release({ model, provider, process, session }: Resident): Promise<void> {
    this.#residents.delete(keyOf(model, provider));
    if (process.lost) return;
    // The process does one thing after another: what is under way ends before this.
    await process.ask('released', { kind: 'release', session });
  }
}

const providersOf: Readonly<Record<Mode, readonly Provider[]>> = {
  portable: ['wasm'],
  native: ['cpu'],
  gpu: ['cuda', 'webgpu', 'cpu'],
};

function laneOf(provider: Provider): string {
  return provider === 'wasm' || provider === 'cpu' ? provider : 'graphics';
}

export function choiceOf(model: HostedModel, provider: Provider): SessionChoice {
  const { folder, mode, sha256, batchMax } = model;
  return { folder, mode, provider, sha256, batchMax };
}

function keyOf({ id, version }: HostedModel, provider: Provider): string {
  return `${id}\n${version}\n${provider}`;
}

function trustKey({ sha256 }: HostedModel, provider: Provider): string {
  return `${sha256} ${provider}`;
}

async function explained<T>(model: HostedModel, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isOfModel = error instanceof EngineError && /^model-(refused|missing)$/.test(error.code);
    if (isOfModel) throw refusal(model, error.message, error.code);
    throw error;
  }
}

function refusal(model: HostedModel, why: string, code: EngineError['code'] = 'model-refused'): EngineError {
  return new EngineError(code, `Cannot load model "${modelLabel(model)}": ${why}`, {
    model: model.id,
    version: model.version,
  });
}
