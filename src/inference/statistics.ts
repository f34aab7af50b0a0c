// What is kept of the work of models. Times are of this machine, and decide nothing.

import type { GeneratedPiece, RunAnswers } from './child-protocol.ts';
import type { HostedModel } from './hosted-model.ts';
import type { Provider } from './runtime.ts';

/** How often so many requests ran together, and how long that took. */
export interface BatchStatistics {
  runs: number;
  /** Of all these runs together. */
  computeMicros: number;
}

/** What is kept of the work of one model, since the engine began. */
export interface ModelStatistics {
  readonly model: string;
  readonly version: string;
  /** What ran it last. */
  provider: Provider;
  requests: number;
  /** Answers that tell why there is no result. */
  failures: number;
  /** By the number of requests that ran together. */
  readonly batches: Map<number, BatchStatistics>;
  /** Of all requests together: from asking to the answer, less the time of the run that they had a part in. */
  queueMicros: number;
  /** In the model: of all runs together. */
  computeMicros: number;
  /** What it counts for in the budget, reckoned from its files; 0 before it was loaded. */
  bytes: number;
  /** Bytes that the process it is in had in memory when they were last looked at. */
  processBytes: number;
  loads: number;
  /** Of a graphics provider: how far its results were apart from the processor's, and from run to run. */
  difference: number;
  variance: number;
}

/** What one request came to, for people. */
export interface RequestFacts {
  /** What answered it. */
  readonly provider: Provider;
  /** How many requests ran together with it, itself among them; 0 where it did not run. */
  readonly batch: number;
  readonly queueMicros: number;
  readonly computeMicros: number;
  readonly bytes: number;
  readonly processBytes: number;
}

export class Statistics {
  readonly #byModel: Map<string, ModelStatistics> = new Map();
  /** The session that a model was last found in: another one means that it was loaded again. */
  readonly #lastSession: Map<ModelStatistics, number> = new Map();

  get list(): readonly ModelStatistics[] {
    return [...this.#byModel.values()];
  }

  of({ id, version, mode }: HostedModel): ModelStatistics {
    const key = `${id}\n${version}`;
    const found = this.#byModel.get(key);
    if (found !== undefined) return found;
    const none = { requests: 0, failures: 0, queueMicros: 0, computeMicros: 0, loads: 0 };
    const sizes = { bytes: 0, processBytes: 0, difference: 0, variance: 0 };
    const provider: Provider = mode === 'portable' ? 'wasm' : 'cpu';
    const facts = { model: id, version, provider, batches: new Map(), ...none, ...sizes };
    this.#byModel.set(key, facts);
    return facts;
  }

  found(model: HostedModel, provider: Provider, session: number, bytes: number): void {
    const facts = this.of(model);
    if (this.#lastSession.get(facts) !== session) facts.loads++;
    this.#lastSession.set(facts, session);
    facts.provider = provider;
    facts.bytes = bytes;
  }

  /** @param elapsedMicros since they were asked */
  ran(model: HostedModel, answers: RunAnswers, elapsedMicros: number): RequestFacts[] {
    const facts = this.of(model);
    const { runs, runOf, problems, processBytes } = answers;
    facts.failures += problems.filter((problem) => problem !== '').length;
    for (const { requests, micros } of runs) this.#add(facts, requests, micros);
    /** By run: those of one run have the same. */
    const known = new Map<number, RequestFacts>();
    return runOf.map((place) => {
      const same = known.get(place) ?? this.#factsOf(facts, runs[place], elapsedMicros, processBytes);
      known.set(place, same);
      return this.#count(facts, same);
    });
  }

  generated(
    model: HostedModel,
    { micros, problem, processBytes }: GeneratedPiece,
    elapsedMicros: number,
  ): RequestFacts {
    const facts = this.of(model);
    if (problem !== '') facts.failures++;
    if (micros > 0) this.#add(facts, 1, micros);
    const run = micros > 0 ? { requests: 1, micros } : undefined;
    return this.#count(facts, this.#factsOf(facts, run, elapsedMicros, processBytes));
  }

  #add(facts: ModelStatistics, requests: number, micros: number): void {
    const batch = facts.batches.get(requests) ?? { runs: 0, computeMicros: 0 };
    facts.batches.set(requests, batch);
    batch.runs++;
    batch.computeMicros += micros;
    facts.computeMicros += micros;
  }

  #count(facts: ModelStatistics, request: RequestFacts): RequestFacts {
    facts.requests++;
    facts.queueMicros += request.queueMicros;
    return request;
  }

  #factsOf(
    facts: ModelStatistics,
    run: { readonly requests: number; readonly micros: number } | undefined,
    elapsedMicros: number,
    processBytes: number,
  ): RequestFacts {
    const computeMicros = run?.micros ?? 0;
    const queueMicros = Math.max(0, Math.round(elapsedMicros) - computeMicros);
    if (processBytes > 0) facts.processBytes = processBytes;
    const { provider, bytes } = facts;
    const batch = run?.requests ?? 0;
    return { provider, batch, queueMicros, computeMicros, bytes, processBytes: facts.processBytes };
  }
}
