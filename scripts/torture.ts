// Torture: npm run torture -- --kills N --seed S. Runs of real processes that are killed at random moments, each
// compared with the same run left alone. Ends at the first that differs, with its seed; its folder is kept.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wholeNumber } from '../src/cli/command-options.ts';
import { torture } from '../test/torture/torture.ts';
import { programOf } from './command-line.ts';

const most = Number.MAX_SAFE_INTEGER;
const options = programOf(
  'torture',
  'Kills real processes at random moments, and compares what becomes of their runs.',
)
  .option('--kills <count>', 'how many kills, at least', wholeNumber(0, most), 100)
  .option(
    '--seed <number>',
    'the first seed; by the clock unless given',
    wholeNumber(0, most),
    Date.now() % 1_000_000,
  )
  .option('--runs <count>', 'how many runs, at most', wholeNumber(0, most), most)
  .parse()
  .opts<{ readonly kills: number; readonly seed: number; readonly runs: number }>();
const { kills: wanted, seed: first, runs: runsMax } = options;
const root = mkdtempSync(join(tmpdir(), 'wasm-engine-torture-'));
const startedAtMs = performance.now();
let [kills, runs] = [0, 0];
for (let seed = first; kills < wanted && runs < runsMax; seed++) {
  const folder = join(root, String(seed));
  try {
    kills += await torture(seed, folder, join(root, 'cache'));
    runs++;
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${text}\n\nseed ${seed} fails after ${kills} kills; its runs are in ${folder}\n`);
    process.stderr.write(`once more: npm run torture -- --seed ${seed} --runs 1\n`);
    process.exit(1);
  }
  if (process.stderr.isTTY) process.stderr.write(`\r${kills} kills, ${runs} runs\u001b[K`);
}
const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
rmSync(root, { recursive: true, force: true });
const which = `${kills} kills in ${runs} runs (seeds ${first} to ${first + runs - 1}), ${seconds} s`;
process.stdout.write(
  `${process.stderr.isTTY ? '\n' : ''}${which}: every run came to what it comes to without them\n`,
);
process.exit(0);
