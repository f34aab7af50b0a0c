// Lists the measurements of bench/, or runs those named: npm run bench -- NAME. Their figures go to standard output.
// Must never fail a build: figures are read by people, and machines differ.

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const names = globSync('bench/*.ts', { cwd: root })
  .map((file) => basename(file, '.ts'))
  .filter((name) => !name.endsWith('.test'))
  .sort();

/** The first sentence of the comment that opens a file. */
function purpose(name: string): string {
  const text = readFileSync(join(root, 'bench', `${name}.ts`), 'utf8');
  const comment =
    /^(?:\/\/.*\n)+/
      .exec(text)?.[0]
      .replace(/^\/\/ ?/gm, '')
      .replaceAll('\n', ' ') ?? '';
  return /^.*?[.:](?=\s)/.exec(comment)?.[0].slice(0, -1) ?? comment;
}

function list(): string {
  const lines = names.map((name) => `  npm run bench -- ${name.padEnd(12)} ${purpose(name)}`);
  return ['Measurements:', ...lines, '  npm run bench -- all'].join('\n');
}

const [wanted, ...rest] = process.argv.slice(2);
if (wanted === undefined || wanted === '--help' || wanted === '-h') {
  process.stdout.write(`${list()}\n`);
} else if (wanted !== 'all' && !names.includes(wanted)) {
  process.stderr.write(`Cannot run the measurement "${wanted}": bench/ has no such file.\n${list()}\n`);
  process.exitCode = 2;
} else {
  for (const name of wanted === 'all' ? names : [wanted]) {
    process.stdout.write(`== ${name}\n`);
    const script = join(root, 'bench', `${name}.ts`);
    const done = spawnSync(process.execPath, [script, ...rest], { cwd: root, stdio: 'inherit' });
    if (done.status !== 0) process.exitCode = 1;
  }
}
