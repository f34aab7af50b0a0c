// Work that may never end, and that nothing but time bounds: a pattern of somebody else's that tries every way to
// match.

import { createContext, Script } from 'node:vm';

const place: { work?: () => unknown } = createContext({});
const script = new Script('work()');

/** Thrown where something took too long; it is no answer, since that must not depend on a clock. */
export class TookTooLong extends Error {}

/**
 * What `work` answers, if that takes no longer. It is for what takes a moment where nothing is wrong.
 * @throws TookTooLong
 */
export function within<T>(timeoutMs: number, what: string, work: () => T): T {
  place.work = work;
  try {
    return script.runInContext(place, { timeout: timeoutMs }) as T;
  } catch (error) {
    const isLate = (error as { readonly code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    throw isLate ? new TookTooLong(`${what} took longer than ${timeoutMs} ms`) : error;
  } finally {
    delete place.work;
  }
}
