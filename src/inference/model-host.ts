// Keeps models loaded in an inference process, runs them, and starts the process again when it dies. What it answers
// does not depend on which of that happened; a portable model is tried again until it answers.

import { EngineError } from '../base/errors.ts';
import type { RunAnswers } from './child-protocol.ts';
import { InferenceProcess, ProcessLost } from './inference-process.ts';
import type { Mode } from './runtime.ts';
import type { Signature } from './signature.ts';

/** One version of a model, and how it is run. */
export interface HostedModel {
  readonly id: string;
  readonly version: string;
  /** The folder of the version. */
  readonly folder: string;
  readonly sha256: string;
  readonly mode: Mode;
  /** Bytes of one answer at most. */
  readonly outputBytesMax: number;
}

/** Something of the host's that people want to know; nothing of it reaches an agent. */
export interface HostEvent {
  readonly kind: 'model-loaded' | 'model-evicted' | 'model-problem' | 'inference-process-lost';
  readonly model: string;
  readonly reason: string;
}

export interface LoadedModel {
  readonly signature: Signature;
  /** What the model counts for in the budget: reckoned from its files, never measured. */
  readonly bytes: number;
  /** Version of the runtime. */
  readonly runtime: string;
}

export interface ModelHostOptions {
  /** What all loaded models may count for together; one alone may be larger. */
  readonly modelBytesMax: number;
  readonly onEvent?: (event: HostEvent) => void;
  /** Makes a process; other ones are for tests. */
  readonly startProcess?: () => InferenceProcess;
}

interface Entry {
  readonly model: HostedModel;
  readonly session: number;
  readonly loaded: LoadedModel;
  /** Runs under way; while there are any it stays. */
  inFlight: number;
  lastUse: number;
}

/** A process that dies so often on one request will die again. */
const attemptsMax = 3;

export function modelLabel({ id, version }: Pick<HostedModel, 'id' | 'version'>): string {
  return `${id}/${version}`;
}

export class ModelHost {
  readonly #options: ModelHostOptions;
  readonly #entries: Map<string, Entry> = new Map();
  /** Models whose first load went well, by hash and mode. */
  readonly #trusted: Set<string> = new Set();
  #process: InferenceProcess | undefined;
  #loads: Promise<unknown> = Promise.resolve();
  #lastSession = 0;
  #uses = 0;
  #closed = false;

  constructor(options: ModelHostOptions) {
    this.#options = options;
  }

  /** Models that are loaded now. */
  get resident(): readonly { readonly model: HostedModel; readonly bytes: number }[] {
    return [...this.#entries.values()].map(({ model, loaded }) => ({ model, bytes: loaded.bytes }));
  }

  /**
   * Loads a model, or finds it loaded.
   * @throws EngineError `model-refused`, `model-missing`, `model-runtime-missing`
   */
  async load(model: HostedModel): Promise<LoadedModel> {
    return (await this.#retry(model, () => this.#ensure(model))).loaded;
  }

  /**
   * Runs requests, each a flat list of tensors; answers in their order.
   * @throws EngineError as `load`; `host-fault` where the process dies on them again and again
   */
  async run(model: HostedModel, requests: readonly Uint8Array[]): Promise<RunAnswers> {
    return this.#retry(model, async () => {
      const entry = await this.#ensure(model);
      entry.inFlight++;
      try {
        const { session } = entry;
        const { outputBytesMax } = model;
        const answers = await this.#living().ask('ran', { kind: 'run', session, requests, outputBytesMax });
        for (const problem of answers.problems) {
          if (problem !== '') this.#event('model-problem', model, problem);
        }
        return answers;
      } finally {
        entry.inFlight--;
      }
    });
  }

  /** Lets go of a model once nothing of it is under way. */
  async unload(model: HostedModel): Promise<void> {
    await this.#exclusive(async () => {
      const entry = this.#entries.get(modelKey(model));
      if (entry !== undefined) await this.#release(entry);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#entries.clear();
    await this.#process?.close();
  }

  async #retry<T>(model: HostedModel, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ProcessLost) || this.#closed) throw error;
        this.#event('inference-process-lost', model, error.message);
        if (attempt < attemptsMax) continue;
        throw new EngineError(
          'host-fault',
          `Cannot run model "${modelLabel(model)}": its process died ${attempt} times (${error.message})`,
          { model: model.id, version: model.version },
        );
      }
    }
  }

  #living(): InferenceProcess {
    if (this.#closed) throw new EngineError('host-fault', 'Cannot run a model: the models were closed');
    if (this.#process === undefined || this.#process.lost) {
      this.#process = this.#start();
      this.#entries.clear();
    }
    return this.#process;
  }

  #start(): InferenceProcess {
    return this.#options.startProcess?.() ?? new InferenceProcess();
  }

  async #ensure(model: HostedModel): Promise<Entry> {
    this.#living();
    const found = this.#entries.get(modelKey(model));
    const entry = found ?? (await this.#exclusive(() => this.#load(model)));
    entry.lastUse = ++this.#uses;
    return entry;
  }

  /** Loads and evictions come one after another. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#loads.then(work);
    this.#loads = done.catch(() => {});
    return done;
  }

  async #load(model: HostedModel): Promise<Entry> {
    const known = this.#entries.get(modelKey(model));
    if (known !== undefined && !this.#living().lost) return known;
    await this.#try(model);
    const process = this.#living();
    const session = ++this.#lastSession;
    const { folder, mode, sha256 } = model;
    const loaded = await this.#explained(model, async () => {
      const { signature, runtime, bytes } = await process.ask('loaded', {
        kind: 'load',
        session,
        folder,
        mode,
        sha256,
      });
      return { signature, runtime, bytes };
    });
    this.#trusted.add(trustKey(model));
    const entry: Entry = { model, session, loaded, inFlight: 0, lastUse: ++this.#uses };
    this.#entries.set(modelKey(model), entry);
    this.#event('model-loaded', model, `mode ${mode}`);
    await this.#evict(entry);
    return entry;
  }

  /** A model that was never loaded is loaded where nothing else can be lost with it. */
  async #try(model: HostedModel): Promise<void> {
    if (this.#trusted.has(trustKey(model))) return;
    const alone = this.#entries.size === 0;
    const process = alone ? this.#living() : this.#start();
    const { folder, mode, sha256 } = model;
    try {
      await this.#explained(model, () =>
        process.ask('loaded', { kind: 'load', session: 0, folder, mode, sha256 }),
      );
      if (alone) await process.ask('released', { kind: 'release', session: 0 });
      this.#trusted.add(trustKey(model));
    } catch (error) {
      if (!(error instanceof ProcessLost)) throw error;
      throw refusal(model, `it ended the process that loaded it (${error.message})`);
    } finally {
      if (!alone) await process.close();
    }
  }

  async #explained<T>(model: HostedModel, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof EngineError && error.code === 'model-refused') throw refusal(model, error.message);
      throw error;
    }
  }

  /** Those used longest ago go until the rest, `newest` among them, is within the budget. */
  async #evict(newest: Entry): Promise<void> {
    const { modelBytesMax } = this.#options;
    const total = (): number =>
      [...this.#entries.values()].reduce((sum, { loaded }) => sum + loaded.bytes, 0);
    while (total() > modelBytesMax) {
      const idle = [...this.#entries.values()].filter((entry) => entry !== newest && entry.inFlight === 0);
      const oldest = idle.sort((a, b) => a.lastUse - b.lastUse)[0];
      if (oldest === undefined) return;
      await this.#release(oldest);
      this.#event('model-evicted', oldest.model, `room for ${modelLabel(newest.model)}`);
    }
  }

  async #release(entry: Entry): Promise<void> {
    this.#entries.delete(modelKey(entry.model));
    const process = this.#process;
    if (process === undefined || process.lost) return;
    // The process does one thing after another: what is under way ends before this.
    await process.ask('released', { kind: 'release', session: entry.session });
  }

  #event(kind: HostEvent['kind'], model: HostedModel, reason: string): void {
    this.#options.onEvent?.({ kind, model: modelLabel(model), reason });
  }
}

function modelKey({ id, version }: HostedModel): string {
  return `${id}\n${version}`;
}

function trustKey({ sha256, mode }: HostedModel): string {
  return `${sha256} ${mode}`;
}

function refusal(model: HostedModel, why: string): EngineError {
  return new EngineError('model-refused', `Cannot load model "${modelLabel(model)}": ${why}`, {
    model: model.id,
    version: model.version,
  });
}
