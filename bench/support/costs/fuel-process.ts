// A process that runs the kernels instrumented: `node fuel-process.ts MODULE`. It prints one line of JSON a kernel: the
// fuel it used and the least time it took.

import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { start } from '../../../src/wasm/test-module.ts';
import { kernels } from '../instrument/kernels.ts';

export interface MeasuredFuel {
  readonly name: string;
  readonly fuel: number;
  readonly ms: number;
}

const fuelMax = 1e15;
const [warmUpRounds, rounds] = [15, 15];

const running = start(readFileSync(process.argv[2]!));
for (const { name, size } of kernels) {
  let [fuel, least] = [0, Number.POSITIVE_INFINITY];
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    // The optimising tier compiles in the background.
    if (round < warmUpRounds) await setTimeout(20);
    running.setFuel(fuelMax);
    const startedMs = performance.now();
    running.exports[name]!(size);
    const ms = performance.now() - startedMs;
    fuel = fuelMax - running.fuel();
    if (round >= warmUpRounds) least = Math.min(least, ms);
  }
  const measured: MeasuredFuel = { name, fuel, ms: least };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}
