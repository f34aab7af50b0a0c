// Finds the packages that every agent needs, wherever they are installed, so that a module's bytes do not depend on the
// folder it is compiled in. Everything else is looked up as asc does it.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const sdkRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** The folders of the packages, by name. */
export function packageRoots() {
  const fromSdk = createRequire(import.meta.url);
  const jsonManifest = fromSdk.resolve('json-as/package.json');
  const numbersManifest = createRequire(jsonManifest).resolve('xjb-as/package.json');
  return new Map([
    ['@wasm-engine/assemblyscript', sdkRoot],
    ['json-as', dirname(jsonManifest)],
    ['xjb-as', dirname(numbersManifest)],
  ]);
}

const packageFile = /(?:^|\/)node_modules\/(@wasm-engine\/assemblyscript|json-as|xjb-as)\/(.+)$/;

/** Two lines of json-as 1.6.0 that give wrong results; a version without them is left as it is. */
const repairs = new Map([
  [
    // It prints strings eight bytes at a time, and a surrogate pair that crosses them as two wrong halves.
    'json-as/assembly/serialize/index/string.ts',
    { wrong: 'serializeString_SWAR(src)', right: 'serializeString_NAIVE(src)' },
  ],
  [
    // It forgets a part of the exponent where the digits do not fit 53 bits: 1.3637055573004793e53 becomes 1.36e38.
    'json-as/assembly/util/scientific.ts',
    { wrong: 'if (exp > 22 && exp <= 22 + 15) {', right: 'if (false) {' },
  ],
]);

/** A `readFile` for asc: files of the packages come from their roots, virtual ones from a map by name. */
export function createReader(virtualFiles) {
  const roots = packageRoots();
  return async (name, baseDir) => {
    const virtual = virtualFiles.get(name);
    if (virtual !== undefined) return virtual;
    if (name === 'asconfig.json') return null;
    const path = resolve(baseDir, name);
    const match = packageFile.exec(path.replaceAll('\\', '/'));
    const from = match ? resolve(roots.get(match[1]), match[2]) : path;
    const repair = match && repairs.get(`${match[1]}/${match[2]}`);
    try {
      const text = await readFile(from, 'utf8');
      return repair ? text.replace(repair.wrong, repair.right) : text;
    } catch {
      return null;
    }
  };
}
