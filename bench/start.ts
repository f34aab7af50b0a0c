// What the supervisor costs the command as it is published: a run of the smallest example, and a hundred thousand
// outputs through its pipe. Both ways take turns, and ratios are taken round by round, so that what else the machine
// does cancels.

import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { restlessAgent } from '../src/engine/testing/agents.ts';
import { median } from './support/measure.ts';

const rounds = 15;
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-start-'));
let runs = 0;

/** Milliseconds of a whole command. */
function timed(words: readonly string[], input = ''): number {
  const startedMs = performance.now();
  const runDirectory = join(folder, String(++runs));
  const main = join(root, 'dist', 'cli', 'main.js');
  const done = spawnSync(process.execPath, [main, 'run', ...words, '--run-dir', runDirectory, '--json'], {
    input,
    maxBuffer: 2 ** 30,
  });
  assert.equal(done.status, 0, String(done.stderr));
  rmSync(runDirectory, { recursive: true });
  return performance.now() - startedMs;
}

function compare(title: string, words: readonly string[], input?: string): void {
  const [one, two]: [number[], number[]] = [[], []];
  for (let i = 0; i <= rounds; i++) {
    const alone = timed([...words, '--no-supervisor'], input);
    const supervised = timed(words, input);
    // The first round loads files that nobody had read.
    if (i === 0) continue;
    one.push(alone);
    two.push(supervised);
  }
  const more = median(two.map((took, i) => took - one[i]!));
  const ratio = median(two.map((took, i) => took / one[i]!));
  const [alone, supervised] = [median(one).toFixed(0), median(two).toFixed(0)];
  const cells = [`${alone} ms`, `${supervised} ms`, `${more.toFixed(0)} ms`, ratio.toFixed(2)];
  console.log(`${title.padEnd(24)}${cells.map((cell) => cell.padStart(12)).join('')}`);
}

try {
  assert.equal(spawnSync(process.execPath, [join(root, 'scripts', 'build.ts')]).status, 0, 'the build');
  writeFileSync(join(folder, 'restless.wasm'), restlessAgent());
  writeFileSync(
    join(folder, 'restless.toml'),
    '[agents.r]\nmodule = "restless.wasm"\ncount = 10\ncapabilities = ["output"]\n',
  );
  console.log(`node ${process.version}, ${process.platform} ${process.arch}; medians of ${rounds} rounds`);
  console.log(`${''.padEnd(24)} one process  supervised        more       ratio`);
  compare('examples/hello', [join(root, 'examples', 'hello', 'system.toml')]);
  const lines = Array.from({ length: 10 }, (_, i) => `{"agent":"r/${i}","payload":1}\n`).join('');
  compare('100,000 outputs', [join(folder, 'restless.toml'), '--input', '-', '--ticks', '10001'], lines);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
