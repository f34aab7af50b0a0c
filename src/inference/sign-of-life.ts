// How the inference process tells the engine that it is alive, or about to answer. It says nothing else.

import { writeSync } from 'node:fs';
import { lifeFile } from './child-protocol.ts';

const sign = Uint8Array.of(1);

/** An engine that reads none for long has enough of them. */
export function signOfLife(): void {
  try {
    writeSync(lifeFile, sign);
  } catch {
    // It is about to go.
  }
}
