// What crosses between the engine and an inference process: plain data, answered in any order by number.

import type { Mode } from './runtime.ts';
import type { Signature } from './signature.ts';

export type ChildRequest =
  | {
      readonly id: number;
      readonly kind: 'load';
      readonly session: number;
      readonly folder: string;
      readonly mode: Mode;
      /** What the folder must be. */
      readonly sha256: string;
    }
  | {
      readonly id: number;
      readonly kind: 'run';
      readonly session: number;
      /** Flat lists of tensors. */
      readonly requests: readonly Uint8Array[];
      readonly outputBytesMax: number;
    }
  | { readonly id: number; readonly kind: 'release'; readonly session: number };

export interface RunAnswers {
  /** In the order of the requests. */
  readonly answers: readonly Uint8Array[];
  /** What went wrong, for people; empty where nothing did. */
  readonly problems: readonly string[];
  /** Microseconds in the model, of all together. */
  readonly micros: number;
}

export type ChildAnswer =
  | {
      readonly id: number;
      readonly kind: 'loaded';
      readonly signature: Signature;
      readonly runtime: string;
      readonly bytes: number;
    }
  | ({ readonly id: number; readonly kind: 'ran' } & RunAnswers)
  | { readonly id: number; readonly kind: 'released' }
  | { readonly id: number; readonly kind: 'failed'; readonly code: string; readonly message: string };

/** The request as the caller writes it; the number is given by the sender. */
export type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;
