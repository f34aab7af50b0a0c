// The hash chain over a log: each link covers all that was written before it.

import { createHash } from 'node:crypto';

/** Before anything is written: 32 zeros. */
export const chainStart: Uint8Array<ArrayBuffer> = new Uint8Array(32);

/** SHA-256 of the chain so far and the next bytes. */
export function chainNext(chain: Uint8Array, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(chain).update(bytes).digest());
}

export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
