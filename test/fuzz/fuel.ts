// A program: random programs by the interpreter that counts fuel, instrumented on V8, and plain on V8. Some of them
// run with every limit of fuel too.
import { compareProgram, noCounts, sweepFuel } from '../wasm/compare-runs.ts';
import { runSeeds } from './seed-range.ts';

const sweptEvery = 50;
const sweptFuelMax = 400;

const counts = { ...noCounts(), limits: 0 };
runSeeds((seed) => {
  compareProgram(seed, counts);
  if (seed % sweptEvery === 0) counts.limits += sweepFuel(seed, sweptFuelMax);
}, counts);
