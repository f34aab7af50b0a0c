// The task record: what one task did, as the sandbox writes it, the scheduler applies it and the digest covers it.
// Everything is 32-bit little-endian words; payloads are padded with zeros to a whole word.

/** Words at the head of a task record. */
export const recordHeadWords = 7;

/** Word indices within the head. Fuel is a whole number up to 2^53 - 1 in two words. */
export const recordWord = {
  /** Words of the whole record, this one included. */
  size: 0,
  outcome: 1,
  /** A fault code, or 0. */
  fault: 2,
  /** What the entry point returned; 0 where it trapped. */
  returned: 3,
  fuelLow: 4,
  fuelHigh: 5,
  effects: 6,
} as const;

/** Words before a record in the transcript of a tick: agent, kind, sequence low, sequence high. */
export const taskHeadWords = 4;

/** Where they stand, counted from the record's first word. */
export const taskWord = { agent: -4, kind: -3 } as const;

export const Outcome = { done: 0, again: 1, finished: 2, failed: 3 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** Names of outcomes by number, as they appear in events. */
export const outcomeNames = ['done', 'again', 'finished', 'failed'] as const;

/**
 * What a task asked for. Each effect begins with a word `kind | words << 8`, where `words` counts the whole effect.
 * The words that follow, in order:
 *
 * - send: origin, counter, length, payload
 * - publish: topic index, length, payload
 * - publishChannel: name length, length, name, payload
 * - subscribe, unsubscribe: topic index
 * - join, leave: name length, name
 * - setTimer: number, delay in ticks, tag
 * - cancelTimer: number
 * - log: level, length, text
 * - output: length, payload
 * - spawn: counter, declaration index, length, payload
 * - terminate: origin, counter
 * - infer: number, model index, tag, length, tensors
 * - generate: the same, with a generation request in place of the tensors
 * - counters: next timer number, next child counter, and next request number where it is not 0. Not an effect of the
 *   guest: what a failed instance had counted.
 * - refusal: host function index, host code, count. Not an effect of the guest: calls that the sandbox refused.
 */
export const EffectKind = {
  send: 1,
  publish: 2,
  publishChannel: 3,
  subscribe: 4,
  unsubscribe: 5,
  join: 6,
  leave: 7,
  setTimer: 8,
  cancelTimer: 9,
  log: 10,
  output: 11,
  spawn: 12,
  terminate: 13,
  refusal: 14,
  counters: 15,
  infer: 16,
  generate: 17,
} as const;
export type EffectKind = (typeof EffectKind)[keyof typeof EffectKind];

/** Words that `bytes` bytes of payload take. */
export function wordsOf(bytes: number): number {
  return (bytes + 3) >>> 2;
}
