// Simulation: npm run sim -- --seeds N --ticks M [--seed S]. Each seed is a system, its inputs and what goes wrong. What
// does not hold is shrunk and printed with its seed. All of it happens in memory, without real time.

import { parseArgs } from 'node:util';
import type { Fault } from '../test/sim/faults.ts';
import { simulate } from '../test/sim/simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    ticks: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    faults: { type: 'string' },
  },
});
const [seeds, ticks, first] = [Number(values.seeds), Number(values.ticks), Number(values.seed)];
const faults = values.faults === undefined ? {} : { faults: JSON.parse(values.faults) as Fault[] };
const begin = performance.now();
let failed = 0;
for (let seed = first; seed < first + seeds; seed++) {
  const outcome = await simulate({ seed, ticks, ...faults });
  if (outcome.violation === undefined) continue;
  failed++;
  process.stdout.write(`seed ${seed}: ${outcome.violation}\n${JSON.stringify(outcome.faults)}\n`);
  process.stdout.write(`${outcome.trail.join('\n')}\n`);
}
const seconds = (performance.now() - begin) / 1000;
process.stdout.write(`${seeds} seeds, ${failed} failed, ${(seeds / seconds).toFixed(1)} seeds/s\n`);
process.exitCode = failed > 0 ? 1 : 0;
