// What crosses between the engine and an inference process: plain data, answered by number, in order.

import type { Batching } from './batching.ts';
import type { PieceRequest } from './generate/generation.ts';
import type { PackedLists } from './packed-lists.ts';
import type { Verdict } from './probe.ts';
import type { SessionChoice } from './session.ts';
import type { Signature } from './signature.ts';

export type ChildRequest =
  | ({ readonly id: number; readonly kind: 'load'; readonly session: number } & SessionChoice)
  | {
      readonly id: number;
      readonly kind: 'run';
      readonly session: number;
      /** Flat lists of tensors. */
      readonly requests: PackedLists;
      readonly outputBytesMax: number;
    }
  | ({
      readonly id: number;
      readonly kind: 'generate';
      readonly session: number;
      /** Which text; the engine gives the number. */
      readonly generation: number;
    } & PieceRequest)
  | { readonly id: number; readonly kind: 'forget'; readonly generation: number }
  | ({ readonly id: number; readonly kind: 'probe' } & SessionChoice)
  | { readonly id: number; readonly kind: 'release'; readonly session: number };

/** One call of a model. */
export interface ModelRun {
  /** How many ran together. */
  readonly requests: number;
  /** Microseconds that it took. */
  readonly micros: number;
}

export interface RunAnswers<Lists = readonly Uint8Array[]> {
  /** In the order of the requests. */
  readonly answers: Lists;
  /** What went wrong, for people; empty where nothing did. */
  readonly problems: readonly string[];
  readonly runs: readonly ModelRun[];
  /** By request, the place of its run; -1 where it had none. */
  readonly runOf: readonly number[];
  /** Bytes of the process in memory, looked at now and then; 0: never. */
  readonly processBytes: number;
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
  /** Version of the runtime. */
  readonly runtime: string;
  /** What the model counts for in a budget: reckoned from its files, never measured. */
  readonly bytes: number;
  readonly batching: Batching;
}

export type ChildAnswer =
  | ({ readonly id: number; readonly kind: 'loaded' } & Loaded)
  | ({ readonly id: number; readonly kind: 'ran' } & RunAnswers<PackedLists>)
  | { readonly id: number; readonly kind: 'probed'; readonly verdict: Verdict }
  | ({ readonly id: number; readonly kind: 'generated' } & GeneratedPiece)
  | { readonly id: number; readonly kind: 'released' }
  | { readonly id: number; readonly kind: 'failed'; readonly code: string; readonly message: string };

/** The request as the caller writes it; the number is given by the sender. */
export type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;
