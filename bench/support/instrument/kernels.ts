// The programs of pure computation that instrumentation is measured on, compiled once in a folder that is removed
// again.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Kernel {
  readonly name: string;
  /** A size that takes a few milliseconds. */
  readonly size: number;
  /** Whether it is little else than calls, which V8 inlines in a plain module: it is reported apart. */
  readonly apart?: boolean;
  /** Whether floats are most of its work: it is reported with and without canonical NaN. */
  readonly floats?: boolean;
}

export const kernels: readonly Kernel[] = [
  { name: 'fibonacci', size: 27, apart: true },
  { name: 'sieve', size: 1_000_000 },
  { name: 'matrix', size: 150, floats: true },
  { name: 'mandelbrot', size: 110, floats: true },
  { name: 'nbody', size: 40_000, floats: true },
  { name: 'sha256', size: 12_000 },
  { name: 'sort', size: 60_000 },
  { name: 'interpreter', size: 150_000 },
  { name: 'json', size: 15_000 },
  { name: 'search', size: 1_000_000 },
  { name: 'vectors', size: 1200, floats: true },
];

/** The module that exports every kernel. */
export function compileKernels(): Uint8Array {
  const require = createRequire(import.meta.url);
  const compiler = join(dirname(require.resolve('assemblyscript/package.json')), 'bin', 'asc.js');
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-kernels-'));
  try {
    copyFileSync(join(import.meta.dirname, 'kernels.as'), join(folder, 'kernels.ts'));
    const flags = ['kernels.ts', '-o', 'kernels.wasm', '-O3', '--runtime', 'stub', '--enable', 'simd'];
    const done = spawnSync(process.execPath, [compiler, ...flags, '--use', 'abort=', '--debug'], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(done.stderr);
    return readFileSync(join(folder, 'kernels.wasm'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
