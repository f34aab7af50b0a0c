// What instrumentation costs: kernels of pure computation in an instrumented module against the plain one,
// protection by protection and in turns; and how fast the pass itself is.

import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { instrument } from '../src/wasm/index.ts';
import { compileKernels, kernels } from './support/kernels.ts';
import { median, report, shown } from './support/measure.ts';
import { type Measured, protectionSets } from './support/protection-sets.ts';

const script = join(import.meta.dirname, 'support', 'kernel-process.ts');
const root = join(import.meta.dirname, '..');

/** What the optimising tier makes of a module differs from process to process: the median of several counts. */
const processes = 3;

function measure(path: string, names: readonly string[], ...flags: string[]): Measured[] {
  const runs = Array.from({ length: processes }, () => measureOnce(path, names, flags));
  return runs[0]!.map((first, kernel) => ({
    ...first,
    plainMs: median(runs.map((run) => run[kernel]!.plainMs)),
    ratios: first.ratios.map((_, set) => median(runs.map((run) => run[kernel]!.ratios[set]!))),
  }));
}

function measureOnce(path: string, names: readonly string[], flags: readonly string[]): Measured[] {
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, script, path, ...names], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as Measured);
}

function line(title: string, plainMs: string, ratios: readonly (number | string)[]): void {
  const columns = ratios.map((ratio) => (typeof ratio === 'number' ? ratio.toFixed(2) : ratio).padStart(8));
  console.log(`  ${title.padEnd(24)} ${plainMs.padStart(8)}${columns.join('')}`);
}

function printKernels(measured: readonly Measured[]): void {
  for (const { name, size, plainMs, ratios } of measured) line(`${name}(${size})`, shown(plainMs), ratios);
}

function means(measured: readonly Measured[]): number[] {
  return protectionSets.map((_, set) =>
    Math.exp(measured.reduce((sum, { ratios }) => sum + Math.log(ratios[set]!), 0) / measured.length),
  );
}

function printCosts(path: string): void {
  const together = kernels.filter((kernel) => !kernel.apart).map((kernel) => kernel.name);
  const apart = kernels.filter((kernel) => kernel.apart).map((kernel) => kernel.name);
  const titles = protectionSets.map(({ title }) => title);
  line('kernel', 'plain ms', titles);
  const measured = measure(path, together);
  printKernels(measured);
  const geometric = means(measured);
  line('geometric mean', '', geometric);
  line('apart:', '', []);
  printKernels(measure(path, apart));
  line('without inlining by V8:', '', []);
  printKernels(measure(path, apart, '--no-wasm-inlining'));
  const worst = Math.max(...measured.map(({ ratios }) => ratios.at(-1)!));
  report('whole, geometric mean', geometric.at(-1)!, '', { must: 1.2, aim: 1.1, low: true });
  report('fuel alone, geometric mean', geometric[titles.indexOf('fuel')]!, '', {
    must: 1.2,
    aim: 1.12,
    low: true,
  });
  report('whole, worst kernel', worst, '', { must: 1.6, aim: 1.3, low: true });
}

/** The least time of a pass over a module, warm. */
function passMs(bytes: Uint8Array, runs: number): number {
  const times = Array.from({ length: runs }, () => {
    const startedMs = performance.now();
    instrument(bytes);
    return performance.now() - startedMs;
  });
  return Math.min(...times);
}

function printPass(): void {
  console.log(`  ${'module'.padEnd(24)}    bytes  pass ms   growth`);
  let [bytesTotal, msTotal] = [0, 0];
  for (const path of globSync('examples/*/build/*.wasm', { cwd: root }).sort()) {
    const bytes = readFileSync(join(root, path));
    const ms = passMs(bytes, 25);
    const growth = instrument(bytes).bytes.length / bytes.length;
    bytesTotal += bytes.length;
    msTotal += ms;
    console.log(
      `  ${basename(path).padEnd(24)} ${shown(bytes.length).padStart(8)} ${shown(ms).padStart(8)} ${growth.toFixed(2).padStart(8)}`,
    );
  }
  const rate = bytesTotal / msTotal / 1000;
  report('pass, MB of module a second', rate, 'MB/s', { must: 20, aim: 40, low: false });
}

console.log(
  `node ${process.version}, ${process.platform} ${process.arch}; least times of many rounds, medians of ${processes} processes`,
);
const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-bench-'));
try {
  const path = join(folder, 'kernels.wasm');
  writeFileSync(path, compileKernels());
  printCosts(path);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
printPass();
