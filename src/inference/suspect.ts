// Failures that may come of the process and not of the request: a trap, or memory that is used up by what ran there
// before. A portable model has such an answer only from a process where nothing else was run.

/** What an agent reads where a model failed; the same words wherever that was found out. */
export const failedText = 'Cannot run the model: it failed';

/** Thrown where a portable model failed in a way that says nothing yet. */
export class Suspect extends Error {}

/** Whether the runtime itself broke, and not the model: then its process is of no more use. */
export function isAbort(error: unknown): boolean {
  if (error instanceof WebAssembly.RuntimeError) return true;
  return error instanceof Error && /^Aborted\(|memory access out of bounds|unreachable/.test(error.message);
}

/**
 * Whether a runtime of WebAssembly may have had too little memory. Errors that are none of JavaScript's come from the
 * depths of it. One too many costs time, and no bit.
 */
export function mayLackMemory(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof RangeError) return true;
  return /bad_alloc|allocat|out of memory/i.test(error.message);
}
