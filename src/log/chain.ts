// The hash chain over a log: each link covers all that was written before it.

import { createHash } from 'node:crypto';
import { encodeUtf8 } from '../base/encoding.ts';

/** Before anything is written: the hash of the run's identity, so that no log continues that of another run. */
export function chainStart(runId: string): Uint8Array<ArrayBuffer> {
  return sha256(encodeUtf8(`wasm-engine log 1\n${runId}\n`));
}

/** SHA-256 of the chain so far and the next bytes. */
export function chainNext(chain: Uint8Array, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(chain).update(bytes).digest());
}

export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
