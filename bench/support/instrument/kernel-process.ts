// A process that measures kernels against the plain module: `node kernel-process.ts MODULE NAME…`. It prints one
// line of JSON a kernel. The least time of many rounds counts: what else the machine does only ever adds.

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { start, startPlain } from '../../../src/wasm/test-module.ts';
import { kernels } from './kernels.ts';
import { type Measured, protectionSets } from './protection-sets.ts';

const rounds = 40;
const warmUpRounds = 25;
const fuel = 1e15;

function timeMs(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

const [path, ...names] = process.argv.slice(2);
const bytes = readFileSync(path!);
const plain = startPlain(bytes);
const variants = protectionSets.map(({ protections }) => start(bytes, { protections }));

for (const { name, size } of kernels) {
  if (!names.includes(name)) continue;
  const runs = [
    () => plain.exports[name]!(size),
    ...variants.map(
      ({ exports }) =>
        () =>
          exports[name]!(size),
    ),
  ];
  const times: number[][] = runs.map(() => []);
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    // The optimising tier compiles in the background.
    if (round < warmUpRounds) await setTimeout(40);
    for (const variant of variants) variant.setFuel(fuel);
    const values = new Set<unknown>();
    for (const [index, run] of runs.entries()) {
      const ms = timeMs(() => values.add(run()));
      if (round >= warmUpRounds) times[index]!.push(ms);
    }
    if (round === 0) assert.equal(values.size, 1, `${name} computes the same in every variant`);
  }
  const [plainMs, ...own] = times.map((all) => Math.min(...all));
  const measured: Measured = { name, size, plainMs: plainMs!, ratios: own.map((ms) => ms / plainMs!) };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}
