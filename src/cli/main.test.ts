// The command line itself, in real processes: help, usage, colours. What commands do is tested in test/e2e.

import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const main = join(import.meta.dirname, 'main.ts');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function cli(words: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  const { FORCE_COLOR: _, NO_COLOR: __, WASM_ENGINE_DEBUG: ___, ...inherited } = process.env;
  const child = spawn(process.execPath, [main, ...words], { env: { ...inherited, ...environment } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const [code] = await once(child, 'close');
  return { code, out, err };
}

/** One line that says what is wrong, and nothing of our own code. */
function oneError({ err }: Ended, wanted: RegExp): void {
  assert.match(err, /^error: .*\n$/);
  assert.match(err, wanted);
}

test('help and version are there, and a command line that is not understood is one line and exit code 2', async () => {
  const [help, runHelp, version, none, unknown, option, number, missing, resumed, ...others] =
    await Promise.all([
      cli(['--help']),
      cli(['run', '--help']),
      cli(['--version']),
      cli([]),
      cli(['rnu']),
      cli(['run', 'echo.toml', '--sed', '1']),
      cli(['run', 'echo.toml', '--workers', 'two']),
      cli(['run']),
      cli(['run', '--run-dir', 'x', '--seed', '1']),
      cli(['run', 'echo.toml', '--models', 'x']),
      cli(['replay', 'x', '--models', 'x']),
      cli(['export', 'x', '-o', 'x.tar', '--keep-derived']),
      cli(['inspect', 'x', '--no-state']),
      cli(['inspect', 'x', '--agent', '']),
    ]);
  assert.deepEqual(
    [help, runHelp, version].map(({ code, err }) => [code, err]),
    Array(3).fill([0, '']),
  );
  for (const word of ['run', 'replay', 'inspect', 'instrument', 'Exit codes'])
    assert.ok(help.out.includes(word));
  assert.match(runHelp.out, /Examples:\n {2}wasm-engine run system\.toml/);
  assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
  assert.equal(none.code, 2);
  assert.match(none.err, /Usage: wasm-engine/);
  for (const result of [unknown, option, number, missing, resumed, ...others]) {
    assert.deepEqual([result.code, result.out], [2, '']);
  }
  oneError(unknown, /unknown command 'rnu' \(Did you mean run\?\)/);
  oneError(option, /unknown option '--sed' \(Did you mean --seed\?\)/);
  oneError(number, /found "two", wanted a whole number from 0 to 64/);
  const wanted = [
    /Cannot begin a run with models of ".*x": the system file says where they lie/,
    /Cannot use --models without --recompute/,
    /Cannot use --keep-derived without --redact/,
    /Cannot use --no-state without --tick/,
    /found an empty text, wanted a name/,
  ];
  assert.equal(others.length, wanted.length);
  for (const [index, result] of others.entries()) oneError(result, wanted[index]!);
});

test('colours are for those who want them, and a stack trace for those who ask', async () => {
  const words = ['run'];
  const [plain, forced, never, debug] = await Promise.all([
    cli(words),
    cli(words, { FORCE_COLOR: '1' }),
    cli(words, { FORCE_COLOR: '1', NO_COLOR: '1' }),
    cli(words, { WASM_ENGINE_DEBUG: '1' }),
  ]);
  assert.ok(forced.err.includes('\u001b[31m'));
  for (const { err } of [plain, never]) assert.equal(err.includes('\u001b'), false);
  assert.doesNotMatch(plain.err, /^ {4}at /m);
  assert.match(debug.err, /^ {4}at /m);
});

test('what cannot be written on standard output is a fault of the host; standard error that takes nothing changes nothing', {
  skip: process.platform !== 'linux',
}, () => {
  const full = openSync('/dev/full', 'w');
  try {
    const end = (words: string[], out: 'pipe' | number, err: 'pipe' | number): SpawnSyncReturns<string> =>
      spawnSync(process.execPath, [main, ...words], { stdio: ['ignore', out, err], encoding: 'utf8' });
    const mute = end(['--version'], full, 'pipe');
    assert.equal(mute.status, 70);
    assert.match(mute.stderr, /^error: Cannot write to standard output: ENOSPC: .*\n$/);
    assert.equal(end(['rnu'], 'pipe', full).status, 2);
    assert.equal(end(['run'], 'pipe', full).status, 2);
    assert.equal(end(['run', 'none.toml', '--json'], 'pipe', full).status, 1);
  } finally {
    closeSync(full);
  }
});
