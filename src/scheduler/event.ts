// Commit events: what became of agents and messages. They are derived, in order, and covered by the digest.

import type { Agent } from './state.ts';

/** Numbers are part of the digest and are never reused. */
export const EventKind = {
  spawned: 1,
  stopping: 2,
  stopped: 3,
  failed: 4,
  /** A message that did not reach its receiver, with a drop reason. */
  dropped: 5,
  /** A line of a pulled source that waits for its receiver. */
  inputWaiting: 6,
  paused: 7,
  resumed: 8,
  /** The agent failed and waits for its restart. */
  backingOff: 9,
  restarted: 10,
  /** The agent waits for a receiver that has no room. */
  blocked: 11,
  unblocked: 12,
  /** An answer found nobody who waits for it: its agent failed or ended since. */
  answerDropped: 13,
} as const;
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

export const eventKindNames: readonly string[] = [
  '',
  'spawned',
  'stopping',
  'stopped',
  'failed',
  'dropped',
  'input-waiting',
  'paused',
  'resumed',
  'backing-off',
  'restarted',
  'blocked',
  'unblocked',
  'answer-dropped',
];

export interface SchedulerEvent {
  readonly kind: EventKind;
  /** The agent it happened to; null where the receiver never existed. */
  readonly agent: Agent | null;
  /** The agent that caused it: sender or parent; null for the outside. */
  readonly other: Agent | null;
  /** A drop reason, a fault code, or whether a restart is from the agent's image (1); else 0. */
  readonly reason: number;
}

/** Words that one event takes in the transcript. */
export const eventWords = 4;
