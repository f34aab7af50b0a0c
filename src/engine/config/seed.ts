// Seeds that come beside a system: from a program, or the command line. One that no record may hold is refused here,
// before it is in one.

import { EngineError } from '../../base/errors.ts';

/** @throws EngineError `config-invalid` where it is no seed */
export function checkSeed(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  const found = typeof seed === 'number' ? String(seed) : JSON.stringify(seed);
  const text = `Cannot use ${found} as a seed: a whole number from 0 to ${Number.MAX_SAFE_INTEGER} was wanted`;
  throw new EngineError('config-invalid', text, { seed });
}
