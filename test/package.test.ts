// What `npm pack` makes, installed in an empty folder as a user would: command, imports, types, an example.
// Must never read the checkout through the installed package.

import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, type TestContext, test } from 'node:test';

const root = dirname(import.meta.dirname);
const offline = /ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|ENOTCACHED/;

function npm(folder: string, ...commandArguments: string[]): SpawnSyncReturns<string> {
  const script = process.env['npm_execpath'];
  const all = ['--loglevel=error', ...commandArguments];
  if (script === undefined || !/npm-cli\.c?js$/.test(script)) {
    return spawnSync('npm', all, { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' });
  }
  return spawnSync(process.env['npm_node_execpath'] ?? process.execPath, [script, ...all], {
    cwd: folder,
    encoding: 'utf8',
  });
}

function told(done: SpawnSyncReturns<string>): string {
  return `ended with ${done.status}\n${done.stdout}${done.stderr}${done.error?.message ?? ''}`;
}

suite('the packed package', () => {
  let folder = '';
  let home = '';
  let noInstall: string | undefined;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'wasm-engine-package-'));
    home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), '{ "name": "home", "private": true, "type": "module" }\n');
    const packed = npm(root, 'pack', '--pack-destination', folder);
    assert.equal(packed.status, 0, told(packed));
    const file = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    assert.ok(file !== undefined, 'npm pack left no file');
    const installed = npm(
      home,
      'install',
      '--ignore-scripts',
      '--omit=optional',
      '--prefer-offline',
      join(folder, file),
    );
    if (installed.status !== 0 && offline.test(installed.stderr)) {
      noInstall = 'the registry cannot be reached, so the dependencies cannot be installed';
      return;
    }
    assert.equal(installed.status, 0, told(installed));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  function installedTest(title: string, body: (t: TestContext) => void): void {
    test(title, (t) => (noInstall === undefined ? body(t) : t.skip(noInstall)));
  }

  function runScript(text: string): string {
    writeFileSync(join(home, 'try.mjs'), text);
    const done = spawnSync(process.execPath, ['try.mjs'], { cwd: home, encoding: 'utf8' });
    assert.equal(done.status, 0, told(done));
    return done.stdout.trim();
  }

  installedTest('holds what is built and the documents, no sources and no tests', () => {
    const files = readdirSync(join(home, 'node_modules', 'wasm-engine'), { recursive: true }).map(String);
    const strange = files.filter((name) => /\.test\.|(?<!\.d)\.ts$|^(src|scripts|test)([\\/]|$)/.test(name));
    assert.deepEqual(strange, []);
    for (const wanted of ['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json'])
      assert.ok(files.includes(wanted), wanted);
  });

  installedTest('gives a command that says its version and its help', () => {
    const version = npm(home, 'exec', '--offline', '--', 'wasm-engine', '--version');
    assert.equal(version.status, 0, told(version));
    const manifest: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.equal(version.stdout.trim(), manifest.version);
    const help = npm(home, 'exec', '--offline', '--', 'wasm-engine', '--help');
    assert.equal(help.status, 0, told(help));
    for (const command of ['run', 'replay', 'inspect'])
      assert.match(help.stdout, new RegExp(`\\b${command}\\b`));
  });

  installedTest('gives the library and the instrumentation as modules of their own', () => {
    const text = `import { Orchestrator } from 'wasm-engine';
import { instrument } from 'wasm-engine/instrument';
console.log(typeof Orchestrator, typeof instrument);`;
    assert.equal(runScript(text), 'function function');
  });

  installedTest('gives the JSON Schema of system files', () => {
    const text = `import schema from 'wasm-engine/system.schema.json' with { type: 'json' };
console.log(typeof schema.$schema, typeof schema.properties.agents);`;
    assert.equal(runScript(text), 'string object');
  });

  installedTest('gives types that a strict compiler accepts', () => {
    writeFileSync(
      join(home, 'try.ts'),
      `import { Orchestrator } from 'wasm-engine';
import { instrument } from 'wasm-engine/instrument';
export const face: unknown[] = [Orchestrator, instrument];
`,
    );
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    const types = ['--typeRoots', join(root, 'node_modules', '@types')];
    const done = spawnSync(process.execPath, [compiler, ...options, ...types, 'try.ts'], {
      cwd: home,
      encoding: 'utf8',
    });
    assert.equal(done.status, 0, told(done));
  });

  installedTest('runs and replays an example with workers', (t) => {
    const example = join(root, 'examples', 'hello');
    if (!existsSync(join(example, 'build', 'hello.wasm')))
      return t.skip('the examples are not built: npm run setup');
    cpSync(example, join(home, 'hello'), { recursive: true });
    const command = ['exec', '--offline', '--', 'wasm-engine'];
    const system = join('hello', 'system.toml');
    const run = npm(home, ...command, 'run', system, '--run-dir', 'record', '--workers', '0', '--json');
    assert.equal(run.status, 0, told(run));
    const replay = npm(home, ...command, 'replay', 'record', '--workers', '2', '--json');
    assert.equal(replay.status, 0, told(replay));
    const digestOf = (text: string): string => JSON.parse(text.trim().split('\n').at(-1) ?? '').digest;
    assert.match(digestOf(run.stdout), /^[0-9a-f]{64}$/);
    assert.equal(digestOf(replay.stdout), digestOf(run.stdout));
  });
});
