// Running the models of a record again, and comparing what they say now with what the record has. The replay itself
// goes on with the record's answers; only the comparison fails.

import { decodeInferenceAnswer, type FlatTensor } from '../abi/tensor-list.ts';
import { bytesEqual } from '../base/encoding.ts';
import { EngineError } from '../base/errors.ts';
import { differenceMax, differenceOf } from '../inference/index.ts';
import { type Input, InputKind } from '../log/index.ts';
import type { ModelRequest } from '../scheduler/index.ts';
import type { SystemConfig } from './config/system-config.ts';
import type { InferenceDesk } from './inference-desk.ts';

export interface RecomputeSummary {
  /** Answers that were computed again. */
  answers: number;
  /** Those whose bits agree; all of them, for portable models. */
  exact: number;
  /** The largest difference of the others, against the largest value of their tensor. */
  difference: number;
}

export class Recompute {
  readonly #config: SystemConfig;
  readonly #desk: InferenceDesk;
  readonly summary: RecomputeSummary = { answers: 0, exact: 0, difference: 0 };

  constructor(config: SystemConfig, desk: InferenceDesk) {
    this.#config = config;
    this.#desk = desk;
  }

  /** Requests of a tick that was executed again. */
  made(requests: readonly ModelRequest[]): void {
    if (requests.length > 0) this.#desk.submit(requests);
  }

  /**
   * Compares the answers that a tick begins with.
   * @param due the requests that they answer, in their order
   * @throws EngineError `replay-diverged` with request, model and element of the first difference
   */
  async compare(tick: number, due: readonly ModelRequest[], inputs: readonly Input[]): Promise<void> {
    const recorded = inputs.filter(({ kind }) => kind === InputKind.answer);
    if (recorded.length === 0) return;
    const found = await this.#desk.answers(due);
    for (const [i, request] of due.entries())
      this.#compareOne(tick, request, recorded[i]!.answer!, found[i]!);
  }

  #compareOne(tick: number, request: ModelRequest, recorded: Uint8Array, found: Uint8Array): void {
    const { name, mode } = this.#config.models[request.model]!;
    const [wanted, got] = [decodeInferenceAnswer(recorded), decodeInferenceAnswer(found)];
    // A time-out or a lost process says nothing of the model.
    if (mode !== 'portable' && (wanted === undefined || wanted.status >= 5)) return;
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
    if (mode !== 'portable' && apart <= differenceMax) return;
    throw diverged(place, firstDifference(wanted.tensors, got.tensors));
  }
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
