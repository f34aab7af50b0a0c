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
    try {
      return await readFile(from, 'utf8');
    } catch {
      return null;
    }
  };
}
