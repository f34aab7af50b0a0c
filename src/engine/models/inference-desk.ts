// Where requests of agents go and answers come from, in a live run. When an answer is there decides nothing: it is an
// input of the tick in which its request is due, and that tick waits for it.

import { assert, EngineError } from '../../base/errors.ts';
import type { Sha256 } from '../../base/hash.ts';
import {
  type HostAnswers,
  type HostClock,
  type HostEvent,
  type HostedModel,
  hostClock,
  ModelHost,
  type ModelProcess,
  type ModelStatistics,
  ProcessLost,
  type RequestFacts,
  versionFolder,
} from '../../inference/index.ts';
import { answerDetail, type Input, InputKind } from '../../log/index.ts';
import type { ModelRequest, ModelState } from '../../scheduler/index.ts';
import type { InferenceTelemetry } from '../../telemetry/index.ts';
import type { ModelConfig, System } from '../config/system-config.ts';
import { createInput } from '../input/host-inputs.ts';
import { ModelList } from './model-list.ts';
import { pieceBounds, RequestPieces } from './request-pieces.ts';
import { isTextRequest, type MadeAnswer, TextDesk } from './text-desk.ts';

/** What answers requests; the engine's own is `openInferenceDesk`. */
export interface InferenceDesk {
  /**
   * Gets ready what the run begins with, or goes on with; throws where a model cannot be used.
   * @param models of a run that goes on: which versions are in use by now
   */
  prepare(models?: readonly VersionInUse[]): Promise<void>;
  /**
   * Loads a version, by index, that may be asked. Resolves in the order of the calls.
   * @param folder where the model lies, of one that is about to be declared
   * @throws EngineError where it cannot be used
   */
  preload(model: ModelConfig, version: number, folder?: string): Promise<void>;
  /**
   * Begins to answer requests, those of one tick as a rule; never throws. One that was begun before goes on.
   * @param models all of the run, and what new requests go to: another version than before lets go of the others
   */
  submit(requests: readonly ModelRequest[], models?: readonly VersionInUse[]): void;
  /**
   * The bytes of the answers, in the order of the requests.
   * @param bytesMax where given, only the first of them that have so many bytes together; the first one at least
   */
  answers(requests: readonly ModelRequest[], bytesMax?: number): Promise<readonly Uint8Array[]>;
  /** What happened since this was last asked, for people. */
  takeEvents(): readonly HostEvent[];
  /** What the answers took that were given since this was last asked, for hooks. */
  takeFacts(): readonly AnswerFacts[];
  readonly statistics: readonly ModelStatistics[];
  close(): Promise<void>;
}

/** Of a model, by index. */
export type VersionInUse = Pick<ModelState, 'version' | 'declaration'>;

/** What one answer took. */
export type AnswerFacts = Omit<InferenceTelemetry, 'tick'>;

/**
 * Answers as inputs of the tick in which they are due.
 * @param answers of the first of the requests
 */
export function answerInputs(
  requests: readonly ModelRequest[],
  answers: readonly Uint8Array[],
  sha256: Sha256,
): Input[] {
  return answers.map((answer, i) => {
    const { agent, number } = requests[i]!;
    const detail = answerDetail(number, sha256(answer));
    const { origin, counter } = agent;
    return createInput(InputKind.answer, { origin, counter, detail, answer });
  });
}

/**
 * A desk that runs the models of a system.
 * @param startProcess other processes than the usual ones, for tests
 */
export function openInferenceDesk(
  system: Pick<System, 'config' | 'host'>,
  startProcess?: () => ModelProcess,
  clock: HostClock = hostClock,
): InferenceDesk {
  return new ModelDesk(system, startProcess, clock);
}

class ModelDesk implements InferenceDesk {
  readonly #clock: HostClock;
  readonly #models: ModelHost;
  readonly #texts: TextDesk;
  readonly #pieces: RequestPieces;
  /** Versions that may be loaded, and how many of their requests are under way, by name of the model. */
  readonly #held: Map<string, Map<number, number>> = new Map();
  /** The version in use, by index of the model. */
  readonly #inUse: number[];
  readonly #list: ModelList;
  readonly #folders: Map<string, string>;
  #preloads: Promise<void> = Promise.resolve();
  #events: HostEvent[] = [];
  #facts: AnswerFacts[] = [];

  constructor(
    system: Pick<System, 'config' | 'host'>,
    startProcess: (() => ModelProcess) | undefined,
    clock: HostClock,
  ) {
    this.#clock = clock;
    this.#list = new ModelList(system.config);
    this.#inUse = this.#list.all.map(firstVersion);
    const { modelBytesMax, modelLoadMs: loadTimeoutMs, modelFolders } = system.host;
    this.#folders = new Map(modelFolders);
    const onEvent = (event: HostEvent): void => void this.#events.push(event);
    const parts = { modelBytesMax, loadTimeoutMs, onEvent, clock };
    this.#models = new ModelHost({ ...parts, ...(startProcess && { startProcess }) });
    this.#pieces = new RequestPieces({
      bounds: pieceBounds,
      limitsOf: (model) => this.#list.at(model),
      run: (requests, askedAtMs) => this.#run(requests, askedAtMs),
      nowMs: () => clock.nowMs(),
    });
    this.#texts = new TextDesk({
      models: this.#models,
      find: ({ model, version }) => this.#find(this.#list.at(model), version),
      seed: BigInt(system.config.run.seed),
      onBegin: (request) => this.#count(request),
      onEnd: (request) => this.#answered(request),
    });
  }

  get statistics(): readonly ModelStatistics[] {
    return this.#models.statistics;
  }

  async prepare(models: readonly VersionInUse[] = []): Promise<void> {
    // Another one may be gone from the machine. What an input declared is loaded where it is asked.
    for (const model of this.#inUse.keys())
      this.#inUse[model] = models[model]?.version ?? this.#inUse[model]!;
    for (const [model, version] of this.#inUse.entries()) await this.#load(this.#list.at(model), version);
  }

  preload(model: ModelConfig, version: number, folder?: string): Promise<void> {
    const before = this.#folders.get(model.name);
    if (folder !== undefined) this.#folders.set(model.name, folder);
    const done = this.#preloads.then(async () => {
      try {
        await this.#load(model, version);
      } catch (error) {
        // An input of a record that is followed may yet declare the model where it lay for that.
        if (before !== undefined) this.#folders.set(model.name, before);
        if (!(error instanceof ProcessLost)) throw error;
        const { name } = model;
        throw new EngineError('host-fault', `Cannot load model "${name}": the run was closed`, {
          model: name,
        });
      }
    });
    this.#preloads = done.catch(() => {});
    return done;
  }

  submit(requests: readonly ModelRequest[], models: readonly VersionInUse[] = []): void {
    this.#inUse.push(...this.#list.follow(models).map(firstVersion));
    models.forEach(({ version }, model) => {
      if (version !== this.#inUse[model]) this.#swap(model, version);
    });
    this.#texts.settle(requests.filter(isTextRequest));
    this.#begin(requests);
  }

  /** Requests that were begun before go on; texts may need their next piece. */
  #begin(requests: readonly ModelRequest[]): void {
    this.#texts.begin(requests.filter(isTextRequest));
    const groups = new Map<string, ModelRequest[]>();
    // What a tick asks of one model goes together, in the order of its answers.
    const isNew = (request: ModelRequest): boolean => !isTextRequest(request) && !this.#pieces.has(request);
    for (const request of requests.filter(isNew).toSorted(byAgent)) {
      const key = `${request.tick} ${request.model} ${request.version}`;
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      group.push(request);
    }
    for (const group of groups.values()) {
      for (const request of group) this.#count(request);
      this.#pieces.add(group);
    }
  }

  async answers(
    requests: readonly ModelRequest[],
    bytesMax = Number.POSITIVE_INFINITY,
  ): Promise<readonly Uint8Array[]> {
    this.#begin(requests);
    const answers: Uint8Array[] = [];
    let bytesLeft = bytesMax;
    /** By model, how long the tick was held. */
    const held = new Map<number, number>();
    for (const request of requests) {
      const { model } = request;
      const isLate = !this.#isReady(request);
      const askedAtMs = this.#clock.nowMs();
      const { bytes, facts } = await this.#made(request);
      bytesLeft -= bytes.length;
      if (bytesLeft < 0 && answers.length > 0) break;
      this.#take(request, bytes);
      const waitedMs = isLate ? this.#clock.nowMs() - askedAtMs : 0;
      if (isLate) held.set(model, (held.get(model) ?? 0) + waitedMs);
      answers.push(bytes);
      this.#facts.push(this.#factsOf(request, facts, waitedMs));
    }
    for (const [model, waitedMs] of held) {
      const { name } = this.#list.at(model);
      const reason = `its answers were due and not there yet, for ${waitedMs.toFixed(1)} ms`;
      this.#events.push({ kind: 'tick-waited', model: name, reason });
    }
    return answers;
  }

  #made(request: ModelRequest): Promise<MadeAnswer> {
    return isTextRequest(request) ? this.#texts.made(request) : this.#pieces.made(request);
  }

  #take(request: ModelRequest, bytes: Uint8Array): void {
    if (isTextRequest(request)) {
      this.#texts.taken(request);
      return;
    }
    this.#pieces.taken(request, bytes);
    this.#answered(request);
  }

  #factsOf(
    { agent, number, model, version }: ModelRequest,
    facts: RequestFacts,
    waitedMs: number,
  ): AnswerFacts {
    const { queueMicros, computeMicros, ...rest } = facts;
    const { name, versions } = this.#list.at(model);
    const place = { agent: agent.name, request: number, model: name, version: versions[version]!.version };
    return { ...place, ...rest, queueMs: queueMicros / 1000, computeMs: computeMicros / 1000, waitedMs };
  }

  #isReady(request: ModelRequest): boolean {
    return isTextRequest(request) ? this.#texts.isReady(request) : this.#pieces.isReady(request);
  }

  takeEvents(): readonly HostEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  takeFacts(): readonly AnswerFacts[] {
    const facts = this.#facts;
    if (facts.length > 0) this.#facts = [];
    return facts;
  }

  close(): Promise<void> {
    return this.#models.close();
  }

  async #load(model: ModelConfig, version: number): Promise<void> {
    await this.#models.load(this.#find(model, version));
    const held = this.#heldOf(model);
    held.set(version, held.get(version) ?? 0);
  }

  #heldOf({ name }: ModelConfig): Map<number, number> {
    const held = this.#held.get(name) ?? new Map<number, number>();
    this.#held.set(name, held);
    return held;
  }

  async #run(group: readonly ModelRequest[], askedAtMs: number): Promise<HostAnswers> {
    const { model, version } = group[0]!;
    const requests = group.map(({ payload: { bytes, offset, length } }) =>
      bytes.subarray(offset, offset + length),
    );
    const answers = await this.#models.run(this.#find(this.#list.at(model), version), requests, askedAtMs);
    assert(answers.answers.length === group.length, 'every request is answered');
    return answers;
  }

  #count({ model, version }: ModelRequest): void {
    const held = this.#heldOf(this.#list.at(model));
    held.set(version, (held.get(version) ?? 0) + 1);
  }

  #answered({ model, version }: ModelRequest): void {
    const held = this.#heldOf(this.#list.at(model));
    held.set(version, held.get(version)! - 1);
    if (version !== this.#inUse[model]) this.#letGo(this.#list.at(model), version);
  }

  #swap(index: number, version: number): void {
    this.#inUse[index] = version;
    const model = this.#list.at(index);
    for (const other of this.#heldOf(model).keys()) if (other !== version) this.#letGo(model, other);
  }

  /** A version that is not in use goes once nothing of it is under way. */
  #letGo(model: ModelConfig, version: number): void {
    const held = this.#heldOf(model);
    if (held.get(version)! > 0) return;
    held.delete(version);
    this.#models.unload(this.#find(model, version)).catch(() => {});
  }

  #find(model: ModelConfig, version: number): HostedModel {
    const { name, versions, mode, outputBytesMax, batchMax, timeoutMs } = model;
    const pinned = versions[version]!;
    const folder = this.#folders.get(name);
    if (folder === undefined) {
      throw new EngineError(
        'model-missing',
        `Cannot run model "${name}": where it lies is not known; wanted the folder that holds it`,
        { model: name },
      );
    }
    return {
      id: name,
      version: pinned.version,
      folder: versionFolder(folder, pinned.version),
      sha256: pinned.sha256,
      mode,
      outputBytesMax,
      batchMax,
      timeoutMs: timeoutMs ?? undefined,
    };
  }
}

function firstVersion({ versions, version }: ModelConfig): number {
  return versions.findIndex((each) => each.version === version);
}

function byAgent(a: ModelRequest, b: ModelRequest): number {
  return a.tick - b.tick || a.agent.number - b.agent.number || a.number - b.number;
}
