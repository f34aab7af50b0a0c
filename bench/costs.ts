// What a unit of fuel is worth: instructions on V8 relative to one another beside the cost table, operations by
// length, and how far fuel a second varies between kernels, by our table and by one of one unit each.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bulkBytesPerFuelLog2, instructionCost } from '../src/wasm/binary/cost-table.ts';
import { bulk, bulkBase } from '../src/wasm/binary/opcodes.ts';
import type { MeasuredBulk } from './support/costs/bulk-process.ts';
import type { MeasuredFuel } from './support/costs/fuel-process.ts';
import type { MeasuredOperation } from './support/costs/operation-process.ts';
import { operations } from './support/costs/operations.ts';
import { compileKernels } from './support/instrument/kernels.ts';

const folder = join(import.meta.dirname, 'support', 'costs');

function measure<Measured>(script: string, flags: readonly string[], ...args: string[]): Measured[] {
  const all = [...flags, join(folder, script), ...args];
  const { stdout, stderr, status } = spawnSync(process.execPath, all, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as Measured);
}

function line(title: string, columns: readonly (number | string)[]): void {
  const texts = columns.map((column) =>
    (typeof column === 'number' ? column.toFixed(2) : column).padStart(13),
  );
  console.log(`  ${title.padEnd(28)}${texts.join('')}`);
}

function printOperations(): void {
  const optimised = measure<MeasuredOperation>('operation-process.ts', [
    '--no-liftoff',
    '--no-wasm-inlining',
  ]);
  const baseline = measure<MeasuredOperation>('operation-process.ts', ['--liftoff-only']);
  console.log(
    'times of i32.add in a chain: each step waits for the one before; or eight chains side by side',
  );
  line('instruction', ['chain', 'side by side', 'baseline', 'fuel', 'ns of chain']);
  const [unit, unitBaseline] = [optimised[0]!.chainNs, baseline[0]!.chainNs];
  for (const [index, { name, chainNs, wideNs }] of optimised.entries()) {
    const slow = baseline[index]!.chainNs / unitBaseline;
    const fuel = instructionCost(operations[index]!.code);
    line(name, [chainNs / unit, wideNs / unit, slow, String(fuel), chainNs]);
  }
}

function printBulk(): void {
  console.log('operations by length: nanoseconds of one, and of one for each unit of fuel');
  line('bytes', ['fill ns', 'copy ns', 'fuel', 'fill a unit', 'copy a unit']);
  for (const { bytes, fillNs, copyNs } of measure<MeasuredBulk>('bulk-process.ts', [])) {
    const fuel = instructionCost(bulkBase + bulk.memoryFill) + Math.ceil(bytes / 2 ** bulkBytesPerFuelLog2);
    line(String(bytes), [fillNs, copyNs, String(fuel), fillNs / fuel, copyNs / fuel]);
  }
}

function printKernels(): void {
  const temporary = mkdtempSync(join(tmpdir(), 'wasm-engine-bench-'));
  try {
    const path = join(temporary, 'kernels.wasm');
    writeFileSync(path, compileKernels());
    const own = measure<MeasuredFuel>('fuel-process.ts', [], path);
    const flat = measure<MeasuredFuel>('fuel-process.ts', ['--import', join(folder, 'flat-table.ts')], path);
    console.log(
      'millions of fuel a second, by our table and by one unit for each instruction, in the time of ours',
    );
    line('kernel', ['ours', 'one each']);
    const [ours, ones] = [
      own.map(({ fuel, ms }) => fuel / ms / 1000),
      own.map(({ ms }, index) => flat[index]!.fuel / ms / 1000),
    ];
    for (const [index, { name }] of own.entries()) {
      line(name, [ours[index]!.toFixed(0), ones[index]!.toFixed(0)]);
    }
    line('most by least', [spread(ours), spread(ones)]);
    line('standard deviation (factor)', [deviation(ours), deviation(ones)]);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function spread(rates: readonly number[]): number {
  return Math.max(...rates) / Math.min(...rates);
}

/** The geometric one. */
function deviation(rates: readonly number[]): number {
  const logs = rates.map(Math.log);
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  return Math.exp(Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / logs.length));
}

console.log(`node ${process.version}, ${process.platform} ${process.arch}; least times of many rounds`);
printOperations();
printBulk();
printKernels();
