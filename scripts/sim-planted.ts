// Deliberate mistakes that the simulator must find: npm run sim:planted -- [--seeds N] [--ticks M] [NAME...]. Each is
// planted in a copy of the source, outside the checkout, and simulated there. Says in how many seeds each was found.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type PlantedBug, plant, plantedBugs } from '../test/sim/planted/bugs.ts';

const root = dirname(import.meta.dirname);
const copied = ['src', 'test/sim', 'scripts/sim.ts', 'package.json'];
/** A mistake by which a simulation never ends is found, too. */
const hangMs = 10 * 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '100' },
    ticks: { type: 'string', default: '60' },
  },
});

interface Found {
  readonly seeds: number;
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
      how: `its text does not stand once in ${bug.file}: say in test/sim/planted/bugs.ts how it does`,
    };
  }
  writeFileSync(path, planted);
  const simulation = ['scripts/sim.ts', '--no-shrink', '--seeds', values.seeds, '--ticks', values.ticks];
  const done = spawnSync(process.execPath, simulation, { cwd: folder, encoding: 'utf8', timeout: hangMs });
  writeFileSync(path, before);
  const counted = /(\d+) passed, (\d+) failed\n$/.exec(done.stdout);
  if (counted === null) return { seeds: 1, how: `the simulation ends: ${lastLine(done.stderr)}` };
  const first = /^seed \d+: (.{1,90})/m.exec(done.stdout);
  return { seeds: Number(counted[2]), how: first?.[1] ?? '' };
}

function lastLine(text: string): string {
  return /^\w*Error.*$/m.exec(text)?.[0] ?? 'it hangs';
}

const wanted = plantedBugs.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
);
const folder = copyTree();
let missed = 0;
try {
  for (const bug of wanted) {
    const { seeds, how } = findIn(folder, bug);
    if (seeds === 0) missed++;
    const count = seeds === 0 ? 'NOT FOUND' : `${seeds} of ${values.seeds} seeds`;
    process.stdout.write(`${count.padEnd(18)} ${bug.name}${how === '' ? '' : `\n${' '.repeat(19)}${how}`}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${wanted.length - missed} passed, ${missed} failed\n`);
process.exitCode = missed > 0 ? 1 : 0;
