// The version of this package, from its own manifest.

import { readFileSync } from 'node:fs';

interface PackageManifest {
  readonly version: string;
}

/** Semantic version of the engine. */
export const engineVersion: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as PackageManifest
).version;
