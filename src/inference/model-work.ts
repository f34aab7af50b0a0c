// What is asked of a loaded model, in the words of its process: a run of requests, or anything else that may break it.

import { encodeInferenceError, InferenceStatus, inferenceStatus } from '../abi/tensor-list.ts';
import { frameBytesMax, type RunAnswers } from './child-protocol.ts';
import type { HostedModel } from './hosted-model.ts';
import type { Place } from './lone-process.ts';
import { unpackLists } from './packed-lists.ts';
import { listOf, repeatsOf } from './repeats.ts';
import { failedText } from './suspect.ts';

export interface Outcome {
  readonly status: InferenceStatus;
  /** Empty where nothing went wrong. */
  readonly problem: string;
}

/** What is asked of a loaded model, and what its answer looks like. */
export interface Work<T> {
  readonly ask: (place: Place) => Promise<T>;
  /** Whether the runtime broke, so that not all is answered. */
  readonly isBroken: (answer: T) => boolean;
  /** What became of each request, and what went wrong. */
  readonly outcomes: (answer: T) => readonly Outcome[];
  /** An answer of these bytes in place of the model's. */
  readonly told: (bytes: Uint8Array, problem: string) => T;
}

export function runWork(model: HostedModel, requests: readonly Uint8Array[]): Work<RunAnswers> {
  // What is said as text knows no infinity.
  const outputBytesMax = Math.min(model.outputBytesMax, Number.MAX_SAFE_INTEGER);
  const sizes = repeatsOf(requests.map(({ length }) => length));
  return {
    async ask({ process, session }) {
      const asked = { kind: 'run', session, sizes, outputBytesMax, parts: requests } as const;
      const ran = await process.ask('ran', asked);
      const { body, runs, processBytes } = ran;
      const answers = unpackLists(body, listOf(ran.sizes));
      return { answers, problems: listOf(ran.problems), runOf: listOf(ran.runOf), runs, processBytes };
    },
    isBroken: ({ answers, problems }) => answers.some((bytes, i) => isSuspect(bytes, problems[i]!)),
    outcomes: ({ answers, problems }) =>
      answers.map((bytes, i) => ({ status: inferenceStatus(bytes), problem: problems[i]! })),
    told: (bytes, problem) => {
      const [all, why] = [requests.map(() => bytes), requests.map(() => problem)];
      return { answers: all, problems: why, runs: [], runOf: requests.map(() => -1), processBytes: 0 };
    },
  };
}

/** The first of them whose bytes go into one message; the one at least. */
export function withinFrame(places: readonly number[], requests: readonly Uint8Array[]): readonly number[] {
  let bytes = 0;
  const end = places.findIndex((place, i) => {
    bytes += requests[place]!.length;
    return i > 0 && bytes > frameBytesMax;
  });
  return end < 0 ? places : places.slice(0, end);
}

export function isSuspect(bytes: Uint8Array, problem: string): boolean {
  return bytes.length === 0 && problem !== '';
}

export function failed(): Uint8Array {
  return encodeInferenceError(InferenceStatus.modelFailed, failedText);
}
