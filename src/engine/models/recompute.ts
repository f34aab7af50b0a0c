// Running the models of a record again, and comparing what they say now with what the record has. The replay itself
// goes on with the record's answers; only the comparison fails.

import { decodeGenerationPiece, type GenerationPiece, logitsHashBytes } from '../../abi/generation.ts';
import { decodeInferenceAnswer, type FlatTensor } from '../../abi/tensor-list.ts';
import { bytesEqual } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { differenceMax, differenceOf } from '../../inference/index.ts';
import { decodeEvent, type Input, InputKind, type RunDirectory, readEvents } from '../../log/index.ts';
import type { ModelRequest } from '../../scheduler/index.ts';
import type { SystemConfig } from '../config/system-config.ts';
import type { InferenceDesk, VersionInUse } from './inference-desk.ts';
import { ModelList } from './model-list.ts';

export interface RecomputeSummary {
  /** Answers that were computed again. */
  answers: number;
  /** Those whose bits agree; all of them, for portable models. */
  exact: number;
  /** The largest difference of the others, against the largest value of their tensor. */
  difference: number;
}

/** How each version of a model was loaded, by `NAME/VERSION`: mode, provider, runtime, processor. */
export type ModelBuilds = ReadonlyMap<string, ReadonlySet<string>>;

/** What a record tells of that; several where it was gone on with elsewhere. */
export function recordedBuilds(directory: RunDirectory): ModelBuilds {
  const builds = new Map<string, Set<string>>();
  for (const { payload } of readEvents(directory, { channels: ['events'] }))
    noteBuild(builds, decodeEvent('events', payload));
  return builds;
}

function noteBuild(
  builds: Map<string, Set<string>>,
  { kind, text, reason }: { readonly kind: string; readonly text: string; readonly reason: string },
): void {
  if (kind !== 'model-loaded') return;
  builds.set(text, (builds.get(text) ?? new Set()).add(reason));
}

export class Recompute {
  readonly #models: ModelList;
  readonly #desk: InferenceDesk;
  readonly #recorded: ModelBuilds;
  readonly #own: Map<string, Set<string>> = new Map();
  readonly summary: RecomputeSummary = { answers: 0, exact: 0, difference: 0 };

  constructor(config: SystemConfig, desk: InferenceDesk, recorded: ModelBuilds) {
    this.#models = new ModelList(config);
    this.#desk = desk;
    this.#recorded = recorded;
  }

  /** Requests of a tick that was executed again, and the models of the run. */
  made(requests: readonly ModelRequest[], models: readonly VersionInUse[]): void {
    this.#models.follow(models);
    const compared = requests.filter((request) => this.#isCompared(request));
    this.#desk.submit(compared, models);
  }

  /**
   * Compares the answers that a tick begins with.
   * @param due the requests that they answer, in their order
   * @throws EngineError `replay-diverged` with request, model and element of the first difference
   */
  async compare(tick: number, due: readonly ModelRequest[], inputs: readonly Input[]): Promise<void> {
    const recorded = inputs.filter(({ kind }) => kind === InputKind.answer);
    const pairs = due
      .map((request, i) => ({ request, answer: recorded[i]?.answer }))
      .filter(({ request, answer }) => answer !== undefined && this.#isCompared(request));
    if (pairs.length === 0) return;
    const found = await this.#desk.answers(pairs.map(({ request }) => request));
    for (const { kind, model, reason } of this.#desk.takeEvents())
      noteBuild(this.#own, { kind, text: model, reason });
    // Nobody looks at them here, and a record may have millions.
    this.#desk.takeFacts();
    for (const [i, { request, answer }] of pairs.entries())
      this.#compareOne(tick, request, answer!, found[i]!);
  }

  /** Where other bits may come out, one other token makes another text: nothing is to be learnt from it. */
  #isCompared({ model, generation }: ModelRequest): boolean {
    return generation === undefined || this.#models.at(model).mode === 'portable';
  }

  /** Of a native model, where the record is of one build and that is this one. Graphics hardware may vary on its own. */
  #isExact({ model, version }: ModelRequest): boolean {
    const { name, mode, versions } = this.#models.at(model);
    if (mode !== 'native') return mode === 'portable';
    const label = `${name}/${versions[version]!.version}`;
    const builds = new Set([...(this.#recorded.get(label) ?? ['unknown']), ...(this.#own.get(label) ?? [])]);
    return builds.size === 1;
  }

  /** The chosen tokens, and step by step the numbers that they were chosen by. */
  #comparePiece(tick: number, request: ModelRequest, recorded: Uint8Array, found: Uint8Array): void {
    this.summary.answers++;
    if (bytesEqual(recorded, found)) {
      this.summary.exact++;
      return;
    }
    const { agent, number, model, generation } = request;
    const place = { tick, agent: agent.name, request: number, model: this.#models.at(model).name };
    const [wanted, got] = [decodeGenerationPiece(recorded), decodeGenerationPiece(found)];
    if (wanted === undefined || got === undefined)
      throw diverged(
        place,
        got === undefined ? 'it gives no text' : 'it gives a text, and the record has none',
      );
    throw diverged(place, firstStep(wanted, got, generation!));
  }

  #compareOne(tick: number, request: ModelRequest, recorded: Uint8Array, found: Uint8Array): void {
    const { name, mode } = this.#models.at(request.model);
    if (request.generation !== undefined) {
      this.#comparePiece(tick, request, recorded, found);
      return;
    }
    const [wanted, got] = [decodeInferenceAnswer(recorded), decodeInferenceAnswer(found)];
    // A time-out or a lost process says nothing of the model, then or now.
    const isTold = wanted !== undefined && wanted.status < 5 && (got?.status ?? 0) < 5;
    if (mode !== 'portable' && !isTold) return;
    this.summary.answers++;
    if (bytesEqual(recorded, found)) {
      this.summary.exact++;
      return;
    }
    const place = { tick, agent: request.agent.name, request: request.number, model: name };
    if (wanted?.status !== 0 || got?.status !== 0)
      throw diverged(place, `status ${got?.status ?? '?'}, and the record says ${wanted?.status ?? '?'}`);
    const apart = differenceOf(byName(wanted.tensors), byName(got.tensors));
    this.summary.difference = Math.max(this.summary.difference, apart);
    if (!this.#isExact(request) && apart <= differenceMax) return;
    throw diverged(place, firstDifference(wanted.tensors, got.tensors));
  }
}

function firstStep(
  wanted: GenerationPiece,
  found: GenerationPiece,
  { tokens }: { readonly tokens: readonly number[] },
): string {
  const length = logitsHashBytes;
  for (const [i, token] of wanted.tokens.entries()) {
    const step = tokens.length + i;
    if (i >= found.tokens.length) return `its text ends before step ${step}`;
    if (!bytesEqual(hashAt(wanted, i * length), hashAt(found, i * length)))
      return `the logits differ first at step ${step}`;
    if (token !== found.tokens[i])
      return `token ${found.tokens[i]} at step ${step}, and the record says ${token}`;
  }
  return 'the piece has other bytes';
}

function hashAt({ hashes }: GenerationPiece, at: number): Uint8Array {
  return hashes.subarray(at, at + logitsHashBytes);
}

function byName(tensors: readonly FlatTensor[]): ReadonlyMap<string, FlatTensor> {
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

function firstDifference(wanted: readonly FlatTensor[], found: readonly FlatTensor[]): string {
  for (const [i, { name, dims, data }] of wanted.entries()) {
    const other = found[i];
    if (other?.name !== name || other.dims.join() !== dims.join())
      return `output ${i} is "${other?.name ?? ''}" [${other?.dims ?? ''}], and the record says "${name}" [${dims}]`;
    const at = data.findIndex((byte, place) => byte !== other.data[place]);
    if (at < 0) continue;
    const elements = dims.reduce((product, dim) => product * dim, 1);
    const element = Math.floor(at / (data.length / Math.max(elements, 1)));
    return `output "${name}" differs first at element ${element} of ${elements}`;
  }
  return 'the answer has other bytes';
}

function diverged(
  place: { readonly tick: number; readonly agent: string; readonly request: number; readonly model: string },
  what: string,
): EngineError {
  const { tick, agent, request, model } = place;
  return new EngineError(
    'replay-diverged',
    `Cannot compute the record again: request ${request} of agent "${agent}" to model "${model}", due in tick ${tick}: ${what}`,
    { ...place },
  );
}
