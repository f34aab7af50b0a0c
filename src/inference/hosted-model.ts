// A model as those who run it know it, and what they tell about it.

import type { Mode } from './runtime.ts';

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
  /** Rows that may run together. */
  readonly batchMax: number;
  /** How long a model that is not portable may take to answer; without a limit where it is left out. */
  readonly timeoutMs?: number | undefined;
}

/** Something of the host's that people want to know; nothing of it reaches an agent. */
export interface HostEvent {
  readonly kind:
    | 'model-loaded'
    | 'model-evicted'
    | 'model-problem'
    | 'model-fallback'
    | 'model-provider'
    | 'inference-process-lost'
    | 'tick-waited';
  readonly model: string;
  readonly reason: string;
}

export type OnEvent = (event: HostEvent) => void;

export function modelLabel({ id, version }: Pick<HostedModel, 'id' | 'version'>): string {
  return `${id}/${version}`;
}
