// What each protection costs each kernel, against the plain module in the same process, and how the same kernels
// fare under Wasmtime.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { median, report, shown } from '../measure.ts';
import { type Kernel, kernels } from './kernels.ts';
import { type Measured, protectionSets } from './protection-sets.ts';
import { measureWasmtime } from './wasmtime.ts';

const script = join(import.meta.dirname, 'kernel-process.ts');

/** What the optimising tier makes of a module differs from process to process: the median of several counts. */
export const processes = 3;

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

function line(title: string, plainMs: string, columns: readonly (number | string)[]): void {
  const texts = columns.map((column) =>
    (typeof column === 'number' ? column.toFixed(2) : column).padStart(9),
  );
  console.log(`  ${title.padEnd(24)} ${plainMs.padStart(8)}${texts.join('')}`);
}

function printKernels(measured: readonly Measured[]): void {
  for (const { name, size, plainMs, ratios } of measured) line(`${name}(${size})`, shown(plainMs), ratios);
}

/** Geometric means of the kernels, by protection set. */
function means(measured: readonly Measured[]): number[] {
  return protectionSets.map((_, set) =>
    Math.exp(measured.reduce((sum, { ratios }) => sum + Math.log(ratios[set]!), 0) / measured.length),
  );
}

export function printKernelCosts(path: string): Measured[] {
  const namesOf = (wanted: (kernel: Kernel) => boolean): string[] =>
    kernels.filter(wanted).map((kernel) => kernel.name);
  const together = namesOf((kernel) => kernel.apart !== true);
  const apart = namesOf((kernel) => kernel.apart === true);
  const titles = protectionSets.map(({ title }) => title);
  line('kernel', 'plain ms', titles);
  const measured = measure(path, together);
  printKernels(measured);
  const geometric = means(measured);
  line('geometric mean', '', geometric);
  const floats = namesOf((kernel) => kernel.floats === true);
  line('of the float-heavy', '', means(measured.filter(({ name }) => floats.includes(name))));
  line('apart:', '', []);
  const inlined = measure(path, apart);
  printKernels(inlined);
  line('without inlining by V8:', '', []);
  printKernels(measure(path, apart, '--no-wasm-inlining'));
  const worst = Math.max(...measured.map(({ ratios }) => ratios.at(-1)!));
  report('whole, geometric mean', geometric.at(-1)!, '', { must: 1.2, aim: 1.1, low: true });
  const fuel = geometric[titles.indexOf('fuel')]!;
  report('fuel alone, geometric mean', fuel, '', { must: 1.2, aim: 1.12, low: true });
  report('whole, worst kernel', worst, '', { must: 1.6, aim: 1.3, low: true });
  return [...measured, ...inlined];
}

/** Times of the same module in the same run; ratios above 1 say that Wasmtime takes longer. */
export function printWasmtime(path: string, measured: readonly Measured[]): void {
  const found = measureWasmtime(path, kernels);
  if (typeof found === 'string') {
    console.log(found);
    return;
  }
  console.log(
    'least times in ms, here and under Wasmtime; the last column is fuel there against the whole here',
  );
  line('kernel', 'plain', ['whole', 'wasmtime', '+ fuel', '+ nan', 'ratio']);
  const ratios: number[] = [];
  for (const { name, ms } of found) {
    const ours = measured.find((item) => item.name === name);
    if (ours === undefined) continue;
    const whole = ours.plainMs * ours.ratios.at(-1)!;
    ratios.push(ms[1]! / whole);
    const canonical = ms[2] === undefined ? '' : shown(ms[2]);
    line(name, shown(ours.plainMs), [shown(whole), shown(ms[0]!), shown(ms[1]!), canonical, ratios.at(-1)!]);
  }
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  line('geometric mean', '', ['', '', '', '', mean]);
}
