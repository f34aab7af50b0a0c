// What leaves the engine, in commit order.

import type { Agent, Payload } from './state.ts';

/** Payloads are views that nobody writes again. */
export interface EffectSink {
  readonly outputs: { readonly agent: Agent; readonly payload: Payload }[];
  readonly texts: {
    readonly agent: Agent;
    readonly level: number;
    readonly text: Payload;
    /** Whether the task that wrote it failed. */
    readonly failed: boolean;
  }[];
  /** Host calls that the sandbox refused. */
  readonly refusals: {
    readonly agent: Agent;
    readonly functionIndex: number;
    readonly code: number;
    readonly count: number;
  }[];
}
