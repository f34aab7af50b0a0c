// Builds dist/, what the published package holds: JavaScript and types of src/, the command, the JSON Schema.
// Must never leave files of an earlier build behind.

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const done = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
});
if (done.status !== 0) {
  process.stderr.write('Cannot build dist: the type check failed.\n');
  process.exit(1);
}

const command = join(dist, 'cli', 'main.js');
if (existsSync(command)) {
  const text = readFileSync(command, 'utf8');
  if (!text.startsWith('#!')) writeFileSync(command, `#!/usr/bin/env node\n${text}`);
  chmodSync(command, 0o755);
}
const schema = join(root, 'docs', 'system.schema.json');
if (existsSync(schema)) copyFileSync(schema, join(dist, 'system.schema.json'));
