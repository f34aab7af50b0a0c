// Work that may never end, and that nothing but time bounds: a pattern of somebody else's that tries every way to
// match.

import { createContext, Script } from 'node:vm';

const place: { work?: () => unknown } = createContext({});
const script = new Script('work()');

/** Thrown where something took too long; whoever sees it gives up the process. */
export class TookTooLong extends Error {}

/**
 * What `work` answers, if that takes no longer. It is for what takes a moment where nothing is wrong: who is late is
 * not answered, but loses the process, so that no answer depends on a clock.
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
