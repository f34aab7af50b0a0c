// The same kernels under Wasmtime, from PyPI: installed into an environment of its own, which is removed again.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kernel } from './kernels.ts';

const wasmtimeVersion = '50.0.1';
const installMs = 120_000;
const rounds = 25;

export interface WasmtimeTimes {
  readonly name: string;
  /** Least times: plain, with fuel, and with fuel and canonical NaN where this Wasmtime has that from Python. */
  readonly ms: readonly number[];
}

/** What was measured, or in words why nothing was. */
export function measureWasmtime(module: string, kernels: readonly Kernel[]): WasmtimeTimes[] | string {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-wasmtime-'));
  const python = join(folder, 'bin', 'python');
  const run = (program: string, args: readonly string[], timeout = installMs) =>
    spawnSync(program, args, { encoding: 'utf8', timeout });
  try {
    const made = run('python3', ['-m', 'venv', folder]);
    if (made.status !== 0) return 'Wasmtime is left out: python3 and its venv are not there';
    const wanted = `wasmtime==${wasmtimeVersion}`;
    const installed = run(python, ['-m', 'pip', 'install', '--quiet', '--retries', '0', wanted]);
    if (installed.status !== 0) return `Wasmtime is left out: pip could not install ${wanted}`;
    const sizes = kernels.map(({ name, size }) => `${name}=${size}`);
    const script = join(import.meta.dirname, 'wasmtime-process.py');
    const { status, stdout, stderr } = run(python, [script, module, String(rounds), ...sizes], 600_000);
    if (status !== 0) return `Wasmtime is left out: ${stderr.trim().split('\n').at(-1) ?? 'it failed'}`;
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as WasmtimeTimes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
