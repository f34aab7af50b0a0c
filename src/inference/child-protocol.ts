// What crosses between the engine and an inference process: plain data, answered by number, in order.

import type { Batching } from './batching.ts';
import type { PieceRequest } from './generate/generation.ts';
import type { Verdict } from './probe.ts';
import type { Repeats } from './repeats.ts';
import type { SessionChoice } from './session.ts';
import type { Signature } from './signature.ts';
import type { Received } from './wire.ts';

/** The open file of the child that its messages go through. */
export const wireFile = 3;

/** And the one that its signs of life go through, a byte each, whatever its models are at. */
export const lifeFile = 4;

/** What the child exits with where its runtime broke on something that nobody had asked for yet. */
export const brokeAheadCode = 3;

/** Bytes of tensors that one message carries; one request or answer may have more. What is left goes into others. */
export const frameBytesMax: number = 2 ** 26;

export type ChildRequest =
  | ({ readonly kind: 'load'; readonly session: number } & SessionChoice)
  | {
      readonly kind: 'run';
      readonly session: number;
      /** Flat lists of tensors. */
      readonly parts: readonly Uint8Array[];
      readonly sizes: Repeats<number>;
      readonly outputBytesMax: number;
    }
  | ({
      readonly kind: 'generate';
      readonly session: number;
      /** Which text; the engine gives the number. */
      readonly generation: number;
      /** The agent's request. */
      readonly parts: readonly [Uint8Array];
    } & Omit<PieceRequest, 'request'>)
  | { readonly kind: 'forget'; readonly generation: number }
  | ({ readonly kind: 'probe' } & SessionChoice)
  | { readonly kind: 'release'; readonly session: number };

/** One call of a model. */
export interface ModelRun {
  /** How many ran together. */
  readonly requests: number;
  /** Microseconds that it took. */
  readonly micros: number;
}

/** What a run of requests came to. */
export interface RunFacts {
  /** What went wrong, for people; empty where nothing did. */
  readonly problems: readonly string[];
  readonly runs: readonly ModelRun[];
  /** By request, the place of its run; -1 where it had none. */
  readonly runOf: readonly number[];
  /** Bytes of the process in memory, looked at now and then; 0: never. */
  readonly processBytes: number;
}

export interface RunAnswers extends RunFacts {
  /** In the order of the requests. */
  readonly answers: readonly Uint8Array[];
}

/** The next piece of a text. */
export interface GeneratedPiece {
  readonly bytes: Uint8Array;
  /** What went wrong, for people; empty where nothing did. */
  readonly problem: string;
  /** Microseconds that it took; 0 where the model did not run. */
  readonly micros: number;
  readonly processBytes: number;
}

export interface Loaded {
  readonly signature: Signature;
  /** What bits may depend on: the runtime's version, and what it runs on. */
  readonly build: string;
  /** What the model counts for in a budget: reckoned from its files, never measured. */
  readonly bytes: number;
  readonly batching: Batching;
  /** The runtime broke on made-up inputs: the process is of no more use. */
  readonly isHarmful: boolean;
}

export type ChildAnswer =
  | ({ readonly kind: 'loaded' } & Loaded)
  | ({
      readonly kind: 'ran';
      /** The answers. */
      readonly parts: readonly Uint8Array[];
      readonly sizes: Repeats<number>;
      readonly problems: Repeats<string>;
      readonly runOf: Repeats<number>;
    } & Pick<RunFacts, 'runs' | 'processBytes'>)
  | { readonly kind: 'probed'; readonly verdict: Verdict }
  | ({
      readonly kind: 'generated';
      readonly parts: readonly [Uint8Array];
    } & Omit<GeneratedPiece, 'bytes'>)
  | { readonly kind: 'released' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** Whether a message says only texts, finite numbers and lists of them. */
export function isText(message: object): boolean {
  const { kind } = message as ChildRequest | ChildAnswer;
  return kind === 'run' || kind === 'ran';
}

/** What the process answers to a question of one kind. */
export type AnswerOf<K extends ChildAnswer['kind']> = Received<Extract<ChildAnswer, { kind: K }>>;
