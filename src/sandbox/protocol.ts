// The command and result streams between orchestrator and sandbox: 32-bit little-endian words. Neither side's streams
// hold anything that depends on the worker, so the records in them can go into the digest as they are.

/**
 * A command stream: a head, then commands.
 *
 * head: words of the stream, tick low, tick high, logical milliseconds low, high, flags
 */
export const commandHeadWords = 6;

export const commandWord = {
  size: 0,
  tickLow: 1,
  tickHigh: 2,
  timeLow: 3,
  timeHigh: 4,
  flags: 5,
} as const;

/** Set in `flags` where turn durations are wanted. */
export const flagMeasure = 1;

/**
 * - create: op, agent number, module, declaration, origin, counter, next timer number, next child
 *   counter, next request number, four words of PRNG state.
 *   The agent's memory comes before the stream by the pool's own way, keyed by agent number.
 * - turn: op, agent number, number of tasks; then the tasks.
 * - drop: op, agent number
 * - save: op, agent number
 * - collect: op. The executor collects its garbage.
 * - restore: as create, but in place of the random state the number of state words and those words (instance-state.ts).
 *   The memory holds what it held when the state was saved.
 * - model: op, index of the model, length of its name, the name, padded with zeros to a whole word. Comes first in
 *   every stream of a run with models that its tables do not name, for each of them: an executor may have been rebuilt.
 */
export const Op = { create: 1, turn: 2, drop: 3, save: 4, restore: 5, collect: 6, model: 7 } as const;
export const createWords = 13;
export const turnWords = 3;
export const dropWords = 2;
export const saveWords = 2;
export const collectWords = 1;
/** Without the name. */
export const modelWords = 3;
/** Without the state. */
export const restoreWords = 10;

/**
 * A task within a turn: size in words, kind, sender origin, sender counter, priority, detail, tag, topic length,
 * payload length; then topic and payload, each padded with zeros to a whole word.
 */
export const taskHeadWords = 9;

/**
 * A result stream answers each turn, in order: agent number, number of records, elapsed microseconds (0 where not
 * measured), number of trap words; then the records of `src/abi/record.ts`, then the trap words: where the last task
 * trapped, as offsets in the instrumented module, the innermost first. These come from V8 and belong to no record, so
 * that no digest covers them. Fewer records than tasks: the rest did not run. Each save is answered by agent number,
 * number of state words, two zeros, and the state; no words where the agent failed and has no instance.
 */
export const turnResultWords = 4;

/** A few frames say where an agent trapped; V8 itself gives ten. */
export const trapWordsMax = 8;
