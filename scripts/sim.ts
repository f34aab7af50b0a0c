// Simulation: npm run sim -- --seeds N --ticks M [--seed S] [--faults JSON] [--sweep]. Each seed is a system,
// its inputs and what goes wrong with them, all in memory and without real time; --sweep: each call in turn goes wrong.
// What does not hold is shrunk and printed with its seed.

import { InvalidArgumentError } from 'commander';
import { wholeNumber } from '../src/cli/command-options.ts';
import type { Fault } from '../test/sim/faults.ts';
import { shrink } from '../test/sim/shrink.ts';
import { type Case, simulate } from '../test/sim/simulate.ts';
import { everyFault } from '../test/sim/sweep.ts';
import { programOf } from './command-line.ts';

interface Options {
  readonly seeds: number;
  readonly ticks: number;
  readonly seed: number;
  readonly faults?: readonly Fault[];
  readonly sweep: boolean;
  readonly shrink: boolean;
}

function faultsOf(text: string): readonly Fault[] {
  try {
    return JSON.parse(text) as Fault[];
  } catch (error) {
    throw new InvalidArgumentError(String(error));
  }
}

const program = programOf('sim', 'Simulates runs in which things go wrong, and says what does not hold.')
  .option('--seeds <count>', 'how many seeds', wholeNumber(1, 1e9), 300)
  .option('--ticks <count>', 'ticks of each run', wholeNumber(1, 1e6), 200)
  .option('--seed <number>', 'the first seed', wholeNumber(0, 2 ** 31), 1)
  .option('--faults <json>', 'what goes wrong, as a failure prints it; else chosen by the seed', faultsOf)
  .option('--sweep', 'let each call in turn be the one that goes wrong', false)
  .option('--no-shrink', 'do not look for the least that goes wrong')
  .parse();
const { seeds, ticks, seed: first, faults, sweep, shrink: shrinks } = program.opts<Options>();
const fixed = faults === undefined ? {} : { faults };
const begin = performance.now();
let [runs, failed, lives] = [0, 0, 0];

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function report(wanted: Case): Promise<void> {
  const outcome = await simulate(wanted);
  runs++;
  lives += outcome.lives;
  if (outcome.violation === undefined) return;
  failed++;
  print(`seed ${wanted.seed}: ${outcome.violation}`);
  const { trail, ...small } = shrinks ? await shrink(wanted, outcome) : { ...outcome, ticks: wanted.ticks };
  print(`  the least that goes wrong: ${small.violation}`);
  print(`  last changes of the disk: ${trail.slice(-6).join('; ')}`);
  const faults = JSON.stringify(small.faults);
  print(`  npm run sim -- --seeds 1 --seed ${wanted.seed} --ticks ${small.ticks} --faults '${faults}'`);
}

/** What goes wrong with one seed. */
async function* casesOf(seed: number): AsyncGenerator<Case> {
  if (!sweep) {
    yield { seed, ticks, ...fixed };
    return;
  }
  const { extent } = await simulate({ seed, ticks, faults: [] });
  for (const faults of everyFault(extent)) yield { seed, ticks, faults };
}

for (let seed = first; seed < first + seeds; seed++) {
  for await (const each of casesOf(seed)) await report(each);
  if ((seed - first + 1) % 500 === 0) print(`${seed - first + 1} seeds, ${failed} failed`);
}
const seconds = (performance.now() - begin) / 1000;
print(
  `${seeds} seeds of ${ticks} ticks, ${runs} runs, ${lives} lives, ${(runs / seconds).toFixed(1)} runs/s`,
);
print(`${runs - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
