// What a command does before it runs, in a folder of its own with a stand-in for npm that only notes what it was told.

import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';

const root = dirname(import.meta.dirname);
const standIn = `import { appendFileSync } from 'node:fs';
appendFileSync(process.env.TOLD, process.argv.slice(2).join(' ') + '\\n');
process.exit(Number(process.env.NPM_EXIT ?? 0));
`;
const wanted = { '': {}, 'node_modules/a': { version: '1.0.0', integrity: 'x' } };

class Checkout {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'wasm-engine-setup-'));

  constructor(t: TestContext) {
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
    mkdirSync(join(this.folder, 'scripts'));
    cpSync(join(root, 'scripts', 'setup.mjs'), join(this.folder, 'scripts', 'setup.mjs'));
    writeFileSync(join(this.folder, 'npm-cli.mjs'), standIn);
    writeFileSync(join(this.folder, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  }

  /** As npm leaves it after an install of `packages`. */
  installed(packages: object): this {
    for (const name of ['a', 'node']) mkdirSync(join(this.folder, 'node_modules', name), { recursive: true });
    writeFileSync(join(this.folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
    return this;
  }

  setup(environment: Record<string, string> = {}): SpawnSyncReturns<string> {
    const env = {
      ...process.env,
      npm_execpath: join(this.folder, 'npm-cli.mjs'),
      npm_node_execpath: process.execPath,
      TOLD: join(this.folder, 'told'),
      ...environment,
    };
    const script = join(this.folder, 'scripts', 'setup.mjs');
    const done = spawnSync(process.execPath, [script], { cwd: tmpdir(), env, encoding: 'utf8' });
    assert.equal(done.stdout, '', 'standard output belongs to the command that follows');
    return done;
  }

  get told(): string {
    const file = join(this.folder, 'told');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }
}

test('setup installs in a fresh clone, and says so in one line', (t) => {
  const checkout = new Checkout(t);
  const done = checkout.setup();
  assert.equal(done.status, 0, done.stderr);
  assert.equal(checkout.told, 'ci --loglevel=error\n');
  assert.match(done.stderr, /^Installing packages with "npm ci": first time …\n$/);
});

test('setup does and says nothing where everything is there', (t) => {
  const checkout = new Checkout(t).installed({ 'node_modules/a': { version: '1.0.0', integrity: 'x' } });
  const done = checkout.setup();
  assert.deepEqual([done.status, done.stderr, checkout.told], [0, '', '']);
});

test('setup installs again where a package is missing, another version, or the last install broke off', (t) => {
  const cases: [RegExp, (checkout: Checkout) => void][] = [
    [/"node_modules\/a" is missing/, (checkout) => checkout.installed({})],
    [
      /"node_modules\/a" is missing/,
      (checkout) => {
        checkout.installed(wanted);
        rmSync(join(checkout.folder, 'node_modules', 'a'), { recursive: true });
      },
    ],
    [
      /is not version 1\.0\.0/,
      (checkout) => checkout.installed({ 'node_modules/a': { version: '2.0.0', integrity: 'x' } }),
    ],
    [/did not finish/, (checkout) => mkdirSync(join(checkout.folder, 'node_modules'))],
  ];
  for (const [reason, prepare] of cases) {
    const checkout = new Checkout(t);
    prepare(checkout);
    assert.match(checkout.setup().stderr, reason);
    assert.match(checkout.told, /^ci /);
  }
});

test('setup does not ask for packages of other platforms', (t) => {
  const checkout = new Checkout(t).installed(wanted);
  const packages = { ...wanted, 'node_modules/other-platform': { version: '1.0.0', optional: true } };
  writeFileSync(join(checkout.folder, 'package-lock.json'), JSON.stringify({ packages }));
  assert.deepEqual([checkout.setup().stderr, checkout.told], ['', '']);
});

test('setup fails with one line where npm fails, or where npm did not start it', (t) => {
  const failed = new Checkout(t).setup({ NPM_EXIT: '7' });
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /^Cannot install packages: "npm ci" ended with 7\.$/m);
  const alone = new Checkout(t).setup({ npm_execpath: '' });
  assert.equal(alone.status, 1);
  assert.match(alone.stderr, /^Cannot install packages: .* Wanted: npm run setup$/m);
});

test('setup says what to install where neither Node is new enough', (t) => {
  if (process.platform === 'win32') return t.skip('the stand-in for an old Node is a shell script');
  const checkout = new Checkout(t).installed(wanted);
  const oldNode = join(checkout.folder, 'old-node');
  writeFileSync(oldNode, '#!/bin/sh\necho v20.1.0\n');
  chmodSync(oldNode, 0o755);
  const done = checkout.setup({ npm_node_execpath: oldNode });
  assert.equal(done.status, 1);
  assert.match(done.stderr, /^Cannot go on with Node v20\.1\.0: .* Wanted: Node 22\.18 or newer/m);
});
