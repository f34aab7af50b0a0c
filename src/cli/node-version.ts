// Whether this Node can run the engine. Must load, and say no, on versions that cannot.

import { EngineError } from '../base/errors.ts';

const [majorMin, minorMin] = [22, 18];

/** @throws EngineError `usage` where Node is too old */
export function checkNodeVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  throw new EngineError(
    'usage',
    `Cannot run on Node ${version}: wasm-engine needs Node ${majorMin}.${minorMin} or newer`,
    { version, wanted: `${majorMin}.${minorMin}` },
  );
}
