// Runs models, and says what becomes of a request when something fails. A portable model is tried again until it
// answers, so its answers never depend on the host; of the others a failure is an answer like any other.

import { encodeInferenceError, InferenceStatus, inferenceStatus } from '../abi/tensor-list.ts';
import { EngineError } from '../base/errors.ts';
import type { GeneratedPiece, Loaded, RunAnswers } from './child-protocol.ts';
import { GatheredAnswers } from './gathered-answers.ts';
import type { PieceRequest } from './generate/generation.ts';
import { type HostClock, hostClock } from './host-clock.ts';
import { type HostedModel, modelLabel, type OnEvent } from './hosted-model.ts';
import { type ModelProcess, ProcessLost } from './inference-process.ts';
import { KnownFailures } from './known-failures.ts';
import { LoneProcess } from './lone-process.ts';
import { failed, isSuspect, type Outcome, runWork, type Work, withinFrame } from './model-work.ts';
import { ProviderChain } from './provider-chain.ts';
import { type Resident, ResidentModels } from './resident-models.ts';
import type { Provider } from './runtime.ts';
import { type ModelStatistics, type RequestFacts, Statistics } from './statistics.ts';

export interface ModelHostOptions {
  /** What all loaded models may count for together; one alone may be larger. */
  readonly modelBytesMax: number;
  readonly onEvent?: OnEvent;
  readonly loadTimeoutMs?: number;
  /** Makes a process; other ones are for tests. */
  readonly startProcess?: () => ModelProcess;
  readonly clock?: HostClock;
}

export interface HostAnswers extends RunAnswers {
  /** In the order of the requests. */
  readonly facts: readonly RequestFacts[];
}

export interface HostPiece extends GeneratedPiece {
  readonly facts: RequestFacts;
}

/** A process that dies so often on one request will die again. */
const attemptsMax = 3;

/** Thrown where a model that is not portable did not answer in time. */
class Late extends Error {}

export class ModelHost {
  readonly #onEvent: OnEvent;
  readonly #clock: HostClock;
  readonly #models: ResidentModels;
  readonly #chain: ProviderChain;
  readonly #statistics: Statistics = new Statistics();
  readonly #failures: KnownFailures = new KnownFailures();

  constructor(options: ModelHostOptions) {
    const { onEvent = () => {}, clock = hostClock } = options;
    this.#onEvent = onEvent;
    this.#clock = clock;
    this.#models = new ResidentModels({ ...options, onEvent, clock });
    this.#chain = new ProviderChain(this.#models, onEvent);
  }

  /** Models that are loaded now. */
  get resident(): readonly Resident[] {
    return this.#models.list;
  }

  /** One entry for each model that was ever loaded, in that order. */
  get statistics(): readonly ModelStatistics[] {
    return this.#statistics.list;
  }

  /**
   * Loads a model, or finds it loaded.
   * @throws EngineError `model-refused`, `model-missing`, `model-runtime-missing`
   */
  async load(model: HostedModel): Promise<Loaded> {
    return this.#again(model, async () => (await this.#ensure(model, await this.#providerOf(model))).loaded);
  }

  /**
   * Runs requests, each a flat list of tensors; answers in their order, of all that can go wrong too.
   * @param askedAtMs on the host's clock; earlier than now where they had to wait for others
   * @throws EngineError of a portable model: what `load` throws, and `host-fault` where its process dies on the
   *   requests again and again
   */
  async run(
    model: HostedModel,
    requests: readonly Uint8Array[],
    askedAtMs: number = this.#clock.nowMs(),
  ): Promise<HostAnswers> {
    const gathered = new GatheredAnswers(requests.length);
    if (model.mode === 'portable') this.#addKnown(model, requests, gathered);
    for (let left = gathered.missing; left.length > 0; left = gathered.missing) {
      const places = withinFrame(left, requests);
      const some = places.map((place) => requests[place]!);
      const answers = await this.#answer(model, runWork(model, some));
      gathered.add(places, answers);
      // Those without an answer were not run yet, or the runtime broke on them.
      const suspects = places.filter((_, i) => isSuspect(answers.answers[i]!, answers.problems[i]!));
      if (suspects.length > 0) await this.#addAlone(model, suspects, requests, gathered);
    }
    const answers = gathered.whole();
    const facts = this.#statistics.ran(model, answers, (this.#clock.nowMs() - askedAtMs) * 1000);
    for (const reason of answers.problems) if (reason !== '') this.#event('model-problem', model, reason);
    return { ...answers, facts };
  }

  /**
   * The next piece of a text. What it needs is in the request, so it does not matter what became of the piece before.
   * @throws EngineError as `run` does; and of a portable model where what reads its text is not installed, or comes to
   *   no end
   */
  async generate(model: HostedModel, generation: number, wanted: PieceRequest): Promise<HostPiece> {
    const startedAtMs = this.#clock.nowMs();
    const { request, ...rest } = wanted;
    const work: Work<GeneratedPiece> = {
      async ask({ process, session }) {
        const asked = { kind: 'generate', session, generation, parts: [request], ...rest } as const;
        try {
          const { body, ...made } = await process.ask('generated', asked);
          return { ...made, bytes: body };
        } catch (error) {
          if (!(error instanceof EngineError) || error.code !== 'host-fault') throw error;
          throw cannotRun(model, error.message);
        }
      },
      outcomes: ({ bytes, problem }) => [{ status: inferenceStatus(bytes), problem }],
      isBroken: ({ bytes }) => bytes.length === 0,
      told: (bytes, problem) => ({ bytes, problem, micros: 0, processBytes: 0 }),
    };
    const first = await this.#answer(model, work);
    const piece = work.isBroken(first) ? (await this.#alone(model, [work]))[0]! : first;
    const facts = this.#statistics.generated(model, piece, (this.#clock.nowMs() - startedAtMs) * 1000);
    if (piece.problem !== '') this.#event('model-problem', model, piece.problem);
    return { ...piece, facts };
  }

  /** Nobody waits for the rest of a text. */
  async forget(model: HostedModel, generation: number): Promise<void> {
    for (const { process, model: other } of this.#models.list) {
      if (other.id !== model.id || other.version !== model.version || process.lost) continue;
      // A process that is gone has forgotten it.
      await process.ask('released', { kind: 'forget', generation }).catch(() => {});
    }
  }

  /** Lets go of a model once nothing of it is under way. */
  unload(model: HostedModel): Promise<void> {
    return this.#models.unload(model);
  }

  close(): Promise<void> {
    return this.#models.close();
  }

  async #providerOf(model: HostedModel): Promise<Provider> {
    if (model.mode === 'portable') return 'wasm';
    if (model.mode === 'native') return 'cpu';
    const { provider, verdict } = await this.#chain.choose(model);
    const facts = this.#statistics.of(model);
    facts.difference = verdict?.difference ?? 0;
    facts.variance = verdict?.variance ?? 0;
    return provider;
  }

  async #ensure(model: HostedModel, provider: Provider): Promise<Resident> {
    const resident = await this.#models.ensure(model, provider);
    this.#statistics.found(model, provider, resident.session, resident.loaded.bytes);
    return resident;
  }

  #answer<T>(model: HostedModel, work: Work<T>): Promise<T> {
    if (model.mode !== 'portable') return this.#runOrTell(model, work);
    return this.#again(model, () => this.#runOn(model, 'wasm', work));
  }

  /** The time limit is for loading, too; but a load goes on for those who ask next. */
  #runOn<T>(model: HostedModel, provider: Provider, work: Work<T>, timeoutMs?: number): Promise<T> {
    let resident: Resident | undefined;
    let isLate = false;
    const run = async (): Promise<T> => {
      resident = await this.#ensure(model, provider);
      // A load that ended meanwhile may have made room.
      while (!this.#models.holds(resident)) resident = await this.#ensure(model, provider);
      if (isLate) throw new Late();
      const { process } = resident;
      resident.inFlight++;
      try {
        const answer = await work.ask(resident);
        if (work.isBroken(answer)) await this.#replace(model, process, work.outcomes(answer));
        return answer;
      } finally {
        resident.inFlight--;
      }
    };
    if (timeoutMs === undefined) return run();
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () => {
        isLate = true;
        reject(new Late());
        void resident?.process.close();
      });
      run().finally(cancel).then(resolve, reject);
    });
  }

  /** A process whose runtime broke goes; others that wait for it are run again. */
  async #replace(model: HostedModel, process: ModelProcess, outcomes: readonly Outcome[]): Promise<void> {
    const { problem } = outcomes.find((outcome) => outcome.problem !== '')!;
    this.#event('inference-process-lost', model, `its runtime broke: ${problem}`);
    await process.close();
  }

  #addKnown(model: HostedModel, requests: readonly Uint8Array[], gathered: GatheredAnswers): void {
    requests.forEach((request, place) => {
      const problem = this.#failures.find(model, request);
      if (problem !== undefined) gathered.add([place], runWork(model, [request]).told(failed(), problem));
    });
  }

  /** Requests that the runtime broke on, each by itself. */
  async #addAlone(
    model: HostedModel,
    places: readonly number[],
    requests: readonly Uint8Array[],
    gathered: GatheredAnswers,
  ): Promise<void> {
    const works = places.map((place) => runWork(model, [requests[place]!]));
    const answers = await this.#alone(model, works);
    answers.forEach((answer, i) => {
      const place = places[i]!;
      gathered.add([place], answer);
      // It was given up without a run.
      if (answer.runs.length === 0) this.#failures.add(model, requests[place]!, answer.problems[0]!);
    });
  }

  /** Asks where nothing else is; what breaks there, too, is answered as a failure of the model. */
  async #alone<T>(model: HostedModel, works: readonly Work<T>[]): Promise<T[]> {
    const process = new LoneProcess(this.#models, model);
    try {
      const answers: T[] = [];
      for (const work of works) {
        const answer = await this.#again(model, () => process.ask(work.ask, work.isBroken));
        answers.push(work.isBroken(answer) ? work.told(failed(), work.outcomes(answer)[0]!.problem) : answer);
      }
      return answers;
    } finally {
      await process.close();
    }
  }

  /** Of a model that is not portable: its answers, or why there are none. */
  async #runOrTell<T>(model: HostedModel, work: Work<T>): Promise<T> {
    try {
      const provider = await this.#providerOf(model);
      if (provider === 'cpu') return await this.#untilOwn(model, 'cpu', work);
      return await this.#runOnGraphics(model, provider, work);
    } catch (error) {
      if (this.#models.isClosed) throw error;
      if (error instanceof Late) {
        const bytes = noResults(InferenceStatus.timedOut, 'the model did not answer in time');
        return work.told(bytes, `no answer in ${model.timeoutMs} ms`);
      }
      if (error instanceof ProcessLost) this.#event('inference-process-lost', model, error.message);
      return work.told(noResults(InferenceStatus.unavailable, 'the model cannot be run'), messageOf(error));
    }
  }

  /**
   * Answers of graphics hardware, or of the processor where that fails. What fails on both is a mistake of the request,
   * and may be what the others failed of; a provider that fails alone has another try in a new process, and then goes.
   */
  async #runOnGraphics<T>(model: HostedModel, provider: Provider, work: Work<T>): Promise<T> {
    const first = await this.#tryGraphics(model, provider, work);
    if (first.problem === '') return first.answer!;
    const answer = await this.#untilOwn(model, 'cpu', work);
    const failed = first.answer === undefined ? undefined : work.outcomes(first.answer);
    const statuses = work
      .outcomes(answer)
      .flatMap(({ status }, i) =>
        failed === undefined || failed[i]!.status === InferenceStatus.modelFailed ? [status] : [],
      );
    if (statuses.includes(InferenceStatus.modelFailed) || !statuses.includes(InferenceStatus.ok))
      return answer;
    await this.#models.endProcess(provider);
    const again = await this.#tryGraphics(model, provider, work).catch((error) => {
      if (error instanceof Late) return { problem: 'no answer in time' };
      throw error;
    });
    if (again.problem !== '') this.#chain.demote(model, `${provider} failed: ${again.problem}`);
    return answer;
  }

  async #tryGraphics<T>(
    model: HostedModel,
    provider: Provider,
    work: Work<T>,
  ): Promise<{ readonly answer?: T; readonly problem: string }> {
    try {
      const answer = await this.#untilOwn(model, provider, work);
      const failed = work.outcomes(answer).find(({ status }) => status === InferenceStatus.modelFailed);
      return { answer, problem: failed?.problem ?? '' };
    } catch (error) {
      if (error instanceof Late || this.#models.isClosed) throw error;
      if (error instanceof ProcessLost) this.#event('inference-process-lost', model, error.message);
      return { problem: messageOf(error) };
    }
  }

  /**
   * A process that was lost to another's request, or lateness, says nothing about this one. Where that is not sure
   * there are only so many tries.
   */
  async #untilOwn<T>(model: HostedModel, provider: Provider, work: Work<T>): Promise<T> {
    for (let unsure = 0; ; ) {
      try {
        return await this.#runOn(model, provider, work, model.timeoutMs);
      } catch (error) {
        if (!(error instanceof ProcessLost) || this.#models.isClosed) throw error;
        const isOwn = !error.ofAnother && (!error.perhapsOfAnother || ++unsure === attemptsMax);
        if (isOwn) throw error;
        this.#event('inference-process-lost', model, error.message);
      }
    }
  }

  /** Tries again where the process died. */
  async #again<T>(model: HostedModel, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ProcessLost) || this.#models.isClosed) throw error;
        this.#event('inference-process-lost', model, error.message);
        if (error.ofAnother) attempt--;
        if (attempt < attemptsMax) continue;
        const why = `its process died ${attempt} times (${error.message})`;
        throw cannotRun(model, why);
      }
    }
  }

  #event(kind: Parameters<OnEvent>[0]['kind'], model: HostedModel, reason: string): void {
    this.#onEvent({ kind, model: modelLabel(model), reason });
  }
}

function cannotRun(model: HostedModel, why: string): EngineError {
  const { id, version } = model;
  return new EngineError('host-fault', `Cannot run model "${modelLabel(model)}": ${why}`, {
    model: id,
    version,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function noResults(status: Exclude<InferenceStatus, 0>, what: string): Uint8Array {
  return encodeInferenceError(status, `Cannot give the results: ${what}`);
}
