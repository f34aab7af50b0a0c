// SHA-256 for the rooms that have no Node API.

import { hash } from 'node:crypto';
import type { Sha256 } from '../base/hash.ts';

export const sha256: Sha256 = (bytes) => {
  const digest = hash('sha256', bytes, 'buffer');
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength) as Uint8Array<ArrayBuffer>;
};
