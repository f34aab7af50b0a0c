// Asks V8 to collect: a memory that nobody uses stays alive until every isolate that saw it has collected, and a
// process holds about 13,000 of them at most.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collector: (() => void) | undefined;

/** Collects all garbage of the calling thread, at once. */
export function collectGarbage(): void {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
  }
  collector();
}
