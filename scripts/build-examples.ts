// Compiles the agents of all examples into examples/NAME/build and prepares their inputs; what is up to date stays.
// Must never write to standard output, which belongs to the command that follows.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CompileAnswer, CompileRequest } from './build-agent.ts';
import { buildMarketPrices, marketPricesSource } from './build-market-prices.ts';
import { buildEmployment, employmentSource } from './employment-series.ts';

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
  for (const file of files)
    hash.update(`\0${relative(root, file).replaceAll('\\', '/')}\0`).update(readFileSync(file));
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

/** A file to build: what it is made of, and how. */
interface Job {
  readonly outFile: string;
  readonly wanted: string;
  /** Answers what was built, or undefined where it could not be. */
  readonly make: (thread: () => Worker) => Promise<string | undefined>;
}

function stampFileOf(job: Job): string {
  return join(dirname(job.outFile), 'stamps.json');
}

function isUpToDate(job: Job): boolean {
  return readStamps(stampFileOf(job))[basename(job.outFile)] === job.wanted && existsSync(job.outFile);
}

async function build(job: Job, thread: () => Worker): Promise<boolean> {
  const name = relative(root, job.outFile).replaceAll('\\', '/');
  const begin = performance.now();
  const what = await job.make(thread);
  if (what === undefined) {
    say(`Cannot build ${name}: see the messages above.`);
    return false;
  }
  const stamps = { ...readStamps(stampFileOf(job)), [basename(job.outFile)]: job.wanted };
  writeFileSync(stampFileOf(job), `${JSON.stringify(stamps, undefined, 2)}\n`);
  say(`Built ${name}: ${what} (${((performance.now() - begin) / 1000).toFixed(1)} s)`);
  return true;
}

/** Compiles one agent in a thread, which takes the next one when it has answered. */
function compile(worker: Worker, entry: string, outFile: string): Promise<string | undefined> {
  const request: CompileRequest = { entry, outFile, colors: process.stderr.isTTY === true };
  worker.postMessage(request);
  return new Promise((resolve, reject) => {
    const onMessage = ({ messages, size, imports }: CompileAnswer): void => {
      worker.off('error', reject);
      if (messages !== '') say(messages.trimEnd());
      resolve(size === undefined ? undefined : `${size} bytes, imports ${imports.join(', ')}`);
    };
    worker.once('message', onMessage);
    worker.once('error', reject);
  });
}

function agentJobs(example: string, sdkHash: string): Job[] {
  const folder = join(root, 'examples', example);
  const sources = join(folder, 'agents');
  if (!existsSync(sources)) return [];
  mkdirSync(join(folder, 'build'), { recursive: true });
  const wanted = hashOf(filesBelow(sources), sdkHash);
  const entries = readdirSync(sources).filter((name) => name.endsWith('.ts'));
  return entries.sort().map((entry) => {
    const outFile = join(folder, 'build', `${basename(entry, '.ts')}.wasm`);
    return { outFile, wanted, make: (thread) => compile(thread(), join(sources, entry), outFile) };
  });
}

function pricesJob(): Job {
  const outFile = join(root, 'examples', 'market', 'build', 'prices.jsonl');
  const script = join(import.meta.dirname, 'build-market-prices.ts');
  const wanted = hashOf([script, marketPricesSource], '');
  return { outFile, wanted, make: async () => `${buildMarketPrices(outFile)} days` };
}

function employmentJob(): Job {
  const outFile = join(root, 'examples', 'anomaly', 'build', 'employment.jsonl');
  const script = join(import.meta.dirname, 'employment-series.ts');
  const wanted = hashOf([script, employmentSource], '');
  return { outFile, wanted, make: async () => `${buildEmployment(outFile)} lines` };
}

function allJobs(): Job[] {
  const sdkFiles = [...filesBelow(join(sdk, 'assembly')), ...filesBelow(join(sdk, 'lib'))];
  const sdkHash = hashOf(sdkFiles, toolchainSalt());
  const examples = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  const names = examples.map((entry) => entry.name).sort();
  return [...names.flatMap((name) => agentJobs(name, sdkHash)), pricesJob(), employmentJob()];
}

const jobs = allJobs().filter((job) => !isUpToDate(job));
const results: boolean[] = [];

/** Builds what is left to build; begins a thread when it first needs one. */
async function work(): Promise<void> {
  let worker: Worker | undefined;
  const thread = (): Worker => {
    worker ??= new Worker(new URL('./build-agent.ts', import.meta.url));
    return worker;
  };
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) results.push(await build(job, thread));
  await worker?.terminate();
}

if (jobs.length > 1) say(`Building the examples: ${jobs.length} files …`);
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
if (results.includes(false)) process.exitCode = 1;
