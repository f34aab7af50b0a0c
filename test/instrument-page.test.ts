// The example of docs/INSTRUMENT.md runs as it stands there, and does what the page says.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { assemble } from '../src/wasm/test-module.ts';

const root = dirname(import.meta.dirname);
const page = readFileSync(join(root, 'docs', 'INSTRUMENT.md'), 'utf8');
const example = /^```js\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '';
const face = pathToFileURL(join(root, 'src', 'wasm', 'index.ts')).href;

const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-instrument-page-'));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'example.mjs'), example.replace("'wasm-engine/instrument'", `'${face}'`));

function run(work: string, value: number): string {
  const text = `(module (memory (export "memory") 1) (data (i32.const 4) "\\07")
    (func $work (export "work") (param $n i32) (result i32) ${work}))`;
  writeFileSync(join(folder, 'module.wasm'), assemble(text));
  const done = spawnSync(process.execPath, ['example.mjs', 'module.wasm', String(value)], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout.trim();
}

test('a result comes with its fuel, and segments are applied', () => {
  assert.match(run('(i32.add (local.get $n) (i32.load (i32.const 4)))', 5), /^12, with \d fuel$/);
});

test('loops, recursion and traps end with their reason and the place in the module', () => {
  const place = 'in work at byte \\d+ of the module$';
  assert.match(run('(loop $again (br $again)) (i32.const 0)', 1), new RegExp(`^out of fuel, ${place}`));
  assert.match(
    run('(i32.add (call $work (local.get $n)) (i32.const 1))', 1),
    new RegExp(`^too deep, ${place}`),
  );
  assert.match(run('(i32.div_u (local.get $n) (i32.const 0))', 1), new RegExp(`^divide by zero, ${place}`));
});
