// The commands of the checkout take paths from where their user stands.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = dirname(import.meta.dirname);
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

test('a command of the checkout runs where npm was called', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-here-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const here = join(folder, 'where I stand');
  mkdirSync(here);
  writeFileSync(join(here, 'mine.toml'), 'agents = 5\n');
  writeFileSync(join(here, 'mine.ts'), 'export function f(): i32 { return "no"; }\n');
  const npmRun = (name: 'wasm-engine' | 'compile', ...words: string[]): string => {
    const [node, ...script] = (scripts[name] as string).split(' ');
    assert.equal(node, 'node');
    const env = { ...process.env, INIT_CWD: here };
    const done = spawnSync(process.execPath, [...script, ...words], { cwd: root, env, encoding: 'utf8' });
    assert.equal(done.status, 1, done.stderr);
    return `${done.stdout}${done.stderr}`;
  };
  assert.match(npmRun('wasm-engine', 'run', 'mine.toml'), /mine\.toml:1:1 {2}agents: found 5/);
  assert.match(npmRun('compile', 'mine.ts', '-o', 'mine.wasm'), /TS2322/);
  assert.equal(existsSync(join(here, 'runs')), false);
});
