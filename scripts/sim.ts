// Simulation: npm run sim -- --seeds N --ticks M [--seed S] [--faults JSON] [--sweep]. Each seed is a system,
// its inputs and what goes wrong with them, all in memory and without real time; --sweep: each call in turn goes wrong.
// What does not hold is shrunk and printed with its seed.

import { parseArgs } from 'node:util';
import type { Fault } from '../test/sim/faults.ts';
import { shrink } from '../test/sim/shrink.ts';
import { type Case, simulate } from '../test/sim/simulate.ts';
import { everyFault } from '../test/sim/sweep.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    ticks: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    faults: { type: 'string' },
    sweep: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
  },
});
const [seeds, ticks, first] = [values.seeds, values.ticks, values.seed].map(Number) as [
  number,
  number,
  number,
];
const fixed = values.faults === undefined ? {} : { faults: JSON.parse(values.faults) as Fault[] };
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
  const { trail, ...small } = values['no-shrink']
    ? { ...outcome, ticks: wanted.ticks }
    : await shrink(wanted, outcome);
  print(`  the least that goes wrong: ${small.violation}`);
  print(`  last changes of the disk: ${trail.slice(-6).join('; ')}`);
  const faults = JSON.stringify(small.faults);
  print(`  npm run sim -- --seeds 1 --seed ${wanted.seed} --ticks ${small.ticks} --faults '${faults}'`);
}

/** What goes wrong with one seed. */
async function* casesOf(seed: number): AsyncGenerator<Case> {
  if (!values.sweep) {
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
