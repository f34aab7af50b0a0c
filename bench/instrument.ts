// What instrumentation costs: kernels of pure computation in an instrumented module against the plain one,
// protection by protection and in turns; the same under Wasmtime; and how fast the pass itself is.
// `--only kernels` and `--only pass` run one part.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Option } from 'commander';
import { programOf } from '../scripts/command-line.ts';
import { printKernelCosts, printWasmtime, processes } from './support/instrument/kernel-costs.ts';
import { compileKernels } from './support/instrument/kernels.ts';
import { printPass } from './support/instrument/pass-rate.ts';

function measureKernels(): void {
  console.log(`least times of many rounds, medians of ${processes} processes`);
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-bench-'));
  try {
    const path = join(folder, 'kernels.wasm');
    writeFileSync(path, compileKernels());
    printWasmtime(path, printKernelCosts(path));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { only } = programOf('bench instrument', 'What instrumentation costs.')
  .addOption(new Option('--only <part>', 'one part').choices(['kernels', 'pass']))
  .parse()
  .opts<{ readonly only?: string }>();
console.log(`node ${process.version}, ${process.platform} ${process.arch}`);
if (only !== 'pass') measureKernels();
if (only !== 'kernels') printPass();
