// Compiles the agents of all examples into examples/NAME/build and prepares their inputs; what is up to date stays.
// Must never write to standard output, which belongs to the command that follows.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compileAgent } from '../sdk/assemblyscript/lib/compile.js';

const root = dirname(import.meta.dirname);
const sdk = join(root, 'sdk', 'assemblyscript');

/** What was built from what: the name of a built file and the hash of everything that went into it. */
type Stamps = Record<string, string>;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** All files below a folder, sorted by name, so that the order is the same on every system. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function hashOf(files: readonly string[], salt: string): string {
  const hash = createHash('sha256').update(salt);
  for (const file of files) hash.update(`\0${basename(file)}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

function versionOf(name: string): string {
  const manifest = join(root, 'node_modules', name, 'package.json');
  return `${name}@${(JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version}`;
}

function toolchainSalt(): string {
  return ['assemblyscript', 'json-as', 'xjb-as'].map(versionOf).join(' ');
}

function readStamps(file: string): Stamps {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Stamps;
  } catch {
    return {};
  }
}

async function buildAgents(example: string, sdkHash: string): Promise<boolean> {
  const folder = join(root, 'examples', example);
  const sources = join(folder, 'agents');
  if (!existsSync(sources)) return true;
  const build = join(folder, 'build');
  mkdirSync(build, { recursive: true });
  const stampFile = join(build, 'stamps.json');
  const stamps = readStamps(stampFile);
  const wanted = hashOf(filesBelow(sources), sdkHash);
  for (const entry of readdirSync(sources)
    .filter((name) => name.endsWith('.ts'))
    .sort()) {
    const name = `${basename(entry, '.ts')}.wasm`;
    const outFile = join(build, name);
    if (stamps[name] === wanted && existsSync(outFile)) continue;
    const begin = performance.now();
    const result = await compileAgent({ entry: join(sources, entry), outFile, colors: process.stderr.isTTY });
    if (!result.ok) return false;
    stamps[name] = wanted;
    writeFileSync(stampFile, `${JSON.stringify(stamps, undefined, 2)}\n`);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    say(
      `Compiled examples/${example}/build/${name}: ${result.size} bytes, imports ${result.imports.join(', ')} (${seconds} s)`,
    );
  }
  return true;
}

const sdkFiles = [...filesBelow(join(sdk, 'assembly')), ...filesBelow(join(sdk, 'lib'))];
const sdkHash = hashOf(sdkFiles, toolchainSalt());
const examples = readdirSync(join(root, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();
for (const example of examples) {
  if (await buildAgents(example, sdkHash)) continue;
  say(`Cannot build the example "${example}": see the compiler's messages above.`);
  process.exit(1);
}
