// Where the time of a measurement of the engine goes: its processor profile, summed by file and by function.
// Takes what `bench/engine.ts` takes: --only ring --workers 0. Only what runs below the loop of a run is counted.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const loop = 'src/engine/live/live-run.ts';
const collector = '(garbage collector)';
const lines = 16;

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  /** Node ids, and the microseconds before each. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Runs the measurement under the profiler; its own figures go to standard output. */
function profile(args: readonly string[]): Profile {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-profile-'));
  try {
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=100'];
    const script = join(import.meta.dirname, 'engine.ts');
    spawnSync(process.execPath, [...flags, script, ...args], { stdio: 'inherit' });
    // Of worker threads too: the largest is that of the main thread, which the orchestrator runs on.
    const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    return JSON.parse(texts.sort((a, b) => b.length - a.length)[0]!) as Profile;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function fileOf({ callFrame: { functionName, url } }: ProfileNode): string {
  const own = /(?:src|bench)\/[\w/-]+\.ts$/.exec(url.replaceAll('\\', '/'));
  if (own !== null) return own[0];
  if (url.startsWith('wasm://') || functionName.includes('wasm')) return 'the guest, and the way in and out';
  return functionName === collector ? 'garbage collector' : 'Node and V8';
}

/** The nodes below the loop, and the collector, which V8 books beside it. */
function nodesOfLoop(nodes: readonly ProfileNode[]): Map<number, ProfileNode> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<number, ProfileNode>();
  const add = (node: ProfileNode): void => {
    found.set(node.id, node);
    for (const child of node.children ?? []) add(byId.get(child)!);
  };
  for (const node of nodes) if (fileOf(node) === loop || node.callFrame.functionName === collector) add(node);
  return found;
}

function print(title: string, micros: ReadonlyMap<string, number>, total: number): void {
  console.log(`\n${title}`);
  const sorted = [...micros].sort((a, b) => b[1] - a[1]);
  for (const [name, time] of sorted.slice(0, lines)) {
    console.log(`${((time / total) * 100).toFixed(1).padStart(6)} %  ${name}`);
  }
}

const args = process.argv.slice(2);
const { nodes, samples, timeDeltas } = profile(args.length > 0 ? args : ['--only', 'ring', '--workers', '0']);
const counted = nodesOfLoop(nodes);
const [byFile, byFunction] = [new Map<string, number>(), new Map<string, number>()];
let total = 0;
for (const [i, id] of samples.entries()) {
  const node = counted.get(id);
  if (node === undefined) continue;
  const [file, micros] = [fileOf(node), timeDeltas[i]!];
  const name = `${node.callFrame.functionName || '(anonymous)'}, ${file}`;
  byFile.set(file, (byFile.get(file) ?? 0) + micros);
  byFunction.set(name, (byFunction.get(name) ?? 0) + micros);
  total += micros;
}
print('By file', byFile, total);
print('By function', byFunction, total);
