// Compiles the agents of all examples into examples/NAME/build and prepares their inputs; what is up to date stays.
// Must never write to standard output, which belongs to the command that follows.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { compileAgent } from '../sdk/assemblyscript/lib/compile.js';
import { buildMarketPrices, marketPricesSource } from './build-market-prices.ts';

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

/** Builds one file unless it is there, made of the same things; answers whether it is there now. */
async function buildFile(
  outFile: string,
  wanted: string,
  make: () => Promise<string | undefined>,
): Promise<boolean> {
  const stampFile = join(dirname(outFile), 'stamps.json');
  const name = basename(outFile);
  const stamps = readStamps(stampFile);
  if (stamps[name] === wanted && existsSync(outFile)) return true;
  const begin = performance.now();
  const what = await make();
  if (what === undefined) return false;
  writeFileSync(stampFile, `${JSON.stringify({ ...stamps, [name]: wanted }, undefined, 2)}\n`);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  say(`Built ${relative(root, outFile).replaceAll('\\', '/')}: ${what} (${seconds} s)`);
  return true;
}

async function compile(entry: string, outFile: string): Promise<string | undefined> {
  const result = await compileAgent({ entry, outFile, colors: process.stderr.isTTY });
  return result.ok ? `${result.size} bytes, imports ${result.imports.join(', ')}` : undefined;
}

async function buildAgents(example: string, sdkHash: string): Promise<boolean> {
  const folder = join(root, 'examples', example);
  const sources = join(folder, 'agents');
  if (!existsSync(sources)) return true;
  mkdirSync(join(folder, 'build'), { recursive: true });
  const wanted = hashOf(filesBelow(sources), sdkHash);
  const entries = readdirSync(sources).filter((name) => name.endsWith('.ts'));
  for (const entry of entries.sort()) {
    const outFile = join(folder, 'build', `${basename(entry, '.ts')}.wasm`);
    if (!(await buildFile(outFile, wanted, () => compile(join(sources, entry), outFile)))) return false;
  }
  return true;
}

async function buildPrices(): Promise<void> {
  const outFile = join(root, 'examples', 'market', 'build', 'prices.jsonl');
  const script = join(import.meta.dirname, 'build-market-prices.ts');
  const wanted = hashOf([script, marketPricesSource], '');
  await buildFile(outFile, wanted, async () => `${buildMarketPrices(outFile)} days`);
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
await buildPrices();
