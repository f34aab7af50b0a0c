// The examples of README.md are taken from its text and do what the text says.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { assemble } from '../src/wasm/test-module.ts';

const root = dirname(import.meta.dirname);
const readme = readFileSync(join(root, 'README.md'), 'utf8');

function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(readme)?.[1];
  assert.ok(found !== undefined, `README.md has no block of ${language}`);
  return found;
}

function node(...scriptArguments: string[]): string {
  const done = spawnSync(process.execPath, scriptArguments, { cwd: root, encoding: 'utf8' });
  assert.equal(
    done.status,
    0,
    `${scriptArguments.join(' ')} ended with ${done.status}\n${done.stdout}${done.stderr}`,
  );
  return done.stdout;
}

test('the system of the README is at most 20 lines long and its agent at most 30', () => {
  assert.ok(block('toml').split('\n').length - 1 <= 20);
  assert.ok(block('ts').split('\n').length - 1 <= 30);
});

test('the example of the README compiles, raises its two alarms, and replays with workers', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-readme-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'monitor.ts'), block('ts'));
  writeFileSync(join(folder, 'system.toml'), block('toml'));
  writeFileSync(join(folder, 'readings.jsonl'), block('jsonl'));
  const compiler = join('sdk', 'assemblyscript', 'bin', 'wasm-engine-asc.js');
  node(compiler, join(folder, 'monitor.ts'), '-o', join(folder, 'monitor.wasm'));
  const command = join('src', 'cli', 'main.ts');
  const record = join(folder, 'first');
  const lines = node(command, 'run', join(folder, 'system.toml'), '--run-dir', record, '--json')
    .trim()
    .split('\n');
  const objects = lines.map((line): { payload?: unknown; digest?: string } => JSON.parse(line));
  const summary = objects.at(-1);
  const alarms = objects.slice(0, -1).map((object) => object.payload as { sensor: string; value: number });
  assert.deepEqual(
    alarms.map(({ sensor, value }) => [sensor, value]),
    [
      ['boiler', 71.25],
      ['pump', 90],
    ],
  );
  const replayed =
    node(command, 'replay', record, '--workers', '2', '--json').trim().split('\n').at(-1) ?? '';
  assert.equal(JSON.parse(replayed).digest, summary?.digest);
});

test('the program of the README runs as it stands there', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-readme-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const module = assemble(`(module (import "wasm_engine" "output" (func $output (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "agent_init") (result i32) (i32.const 0))
    (func (export "agent_alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "agent_receive") (param $at i32) (result i32)
      (call $output (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at))))
    (func (export "agent_step") (param i32) (result i32) (i32.const 0))
    (func (export "agent_shutdown") (result i32) (i32.const 0)))`);
  writeFileSync(join(folder, 'monitor.wasm'), module);
  const system = `[topics.readings]
[agents.monitor]
module = "monitor.wasm"
capabilities = ["output"]
subscriptions = ["readings"]
`;
  writeFileSync(join(folder, 'system.toml'), system);
  const face = pathToFileURL(join(root, 'src', 'engine', 'index.ts')).href;
  writeFileSync(join(folder, 'program.mjs'), block('js').replace("'wasm-engine'", `'${face}'`));
  const done = spawnSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8' });
  assert.equal(done.stderr, '');
  assert.equal(done.stdout, '1 monitor {"sensor":"boiler","value":80}\ntrue\n');
});
