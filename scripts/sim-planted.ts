// Deliberate mistakes that the simulator must find: npm run sim:planted -- [--seeds N] [--ticks M] [NAME...]. Each is
// planted in a copy of the source, outside the checkout, and simulated there. Says in how many seeds each was found.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { wholeNumber } from '../src/cli/command-options.ts';
import { plantedBugs } from '../test/sim/planted/bugs.ts';
import { type PlantedBug, plant } from '../test/sim/planted/plant.ts';
import { programOf } from './command-line.ts';

const root = dirname(import.meta.dirname);
const copied = ['src', 'test/sim', 'scripts/sim.ts', 'scripts/command-line.ts', 'package.json'];
/** A mistake by which a simulation never ends is found, too. */
const hangMs = 10 * 60_000;

const program = programOf(
  'sim:planted',
  'Plants deliberate mistakes and says in how many seeds each is found.',
)
  .argument('[names...]', 'parts of the names of mistakes; all of them where none is given')
  .option(
    '--seeds <count>',
    'how many seeds, and nine times as many where these find nothing',
    wholeNumber(1, 1e6),
    100,
  )
  .option('--ticks <count>', 'ticks of each run', wholeNumber(1, 1e6), 60)
  .parse();
const { seeds, ticks } = program.opts<{ readonly seeds: number; readonly ticks: number }>();

interface Found {
  readonly seeds: number;
  /** Seeds that were simulated. */
  readonly of: number;
  readonly how: string;
}

function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-planted-'));
  for (const path of copied) cpSync(join(root, path), join(folder, path), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Simulates the copy with the mistake in it, and takes the mistake out again. */
function findIn(folder: string, bug: PlantedBug): Found {
  const path = join(folder, bug.file);
  const before = readFileSync(path, 'utf8');
  const planted = plant(bug, before);
  if (planted === undefined) {
    return {
      seeds: 0,
      of: 0,
      how: `its text does not stand once in ${bug.file}: say in test/sim/planted how it does`,
    };
  }
  writeFileSync(path, planted);
  let found = simulate(folder, 1, seeds);
  // Some take two deaths in the right moments.
  if (found.seeds === 0) found = simulate(folder, seeds + 1, seeds * 9);
  writeFileSync(path, before);
  return found;
}

function simulate(folder: string, first: number, count: number): Found {
  const range = ['--seed', String(first), '--seeds', String(count), '--ticks', String(ticks)];
  const done = spawnSync(process.execPath, ['scripts/sim.ts', '--no-shrink', ...range], {
    cwd: folder,
    encoding: 'utf8',
    timeout: hangMs,
  });
  const counted = /(\d+) passed, (\d+) failed\n$/.exec(done.stdout);
  if (counted === null) return { seeds: 1, of: count, how: `the simulation ends: ${lastLine(done.stderr)}` };
  const how = /^seed \d+: (.{1,90})/m.exec(done.stdout)?.[1] ?? '';
  return { seeds: Number(counted[2]), of: first + count - 1, how };
}

function lastLine(text: string): string {
  return /^\w*Error.*$/m.exec(text)?.[0] ?? 'it hangs';
}

const wanted = plantedBugs.filter(
  ({ name }) => program.args.length === 0 || program.args.some((part) => name.includes(part)),
);
if (wanted.length === 0) program.error(`error: no mistake's name holds ${program.args.join(', ')}`);
const folder = copyTree();
let missed = 0;
try {
  for (const bug of wanted) {
    const { seeds: hits, of, how } = findIn(folder, bug);
    if (hits === 0) missed++;
    const count = hits === 0 ? `NOT in ${of} seeds` : `${hits} of ${of} seeds`;
    process.stdout.write(`${count.padEnd(18)} ${bug.name}${how === '' ? '' : `\n${' '.repeat(19)}${how}`}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${wanted.length - missed} passed, ${missed} failed\n`);
process.exitCode = missed > 0 ? 1 : 0;
