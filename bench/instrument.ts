// What instrumentation costs: pure computation in an instrumented module against the plain one, in turns, ratio by
// ratio so that what else the machine does cancels; and how fast the pass itself is.

import { strict as assert } from 'node:assert';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { instrument } from '../src/wasm/index.ts';
import { start, startPlain } from '../src/wasm/test-module.ts';
import { kernelCalls, kernelsText } from './support/kernels.ts';
import { median, shown } from './support/measure.ts';

const rounds = 40;
const warmUpRounds = 10;

function timeMs(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

const plain = startPlain(kernelsText);
const running = start(kernelsText);
console.log(`node ${process.version}, ${process.platform} ${process.arch}; medians of ${rounds} rounds`);
console.log(`${'computation'.padEnd(28)} plain ms  instrumented   ratio`);
for (const [name, size] of kernelCalls) {
  assert.deepEqual(running.call(name, [size], 1e15).value, plain.call(name, [size]).value);
  const pairs: (readonly [number, number])[] = [];
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    const plainMs = timeMs(() => plain.exports[name]!(size));
    running.setFuel(1e15);
    const ownMs = timeMs(() => running.exports[name]!(size));
    if (round >= warmUpRounds) pairs.push([plainMs, ownMs]);
  }
  const ratio = median(pairs.map(([plainMs, ownMs]) => ownMs / plainMs));
  const [plainMs, ownMs] = [median(pairs.map(([ms]) => ms)), median(pairs.map(([, ms]) => ms))];
  console.log(
    `  ${`${name}(${size})`.padEnd(26)} ${shown(plainMs).padStart(8)} ${shown(ownMs).padStart(13)} ${ratio.toFixed(2).padStart(7)}`,
  );
}

console.log(`${'module'.padEnd(28)} bytes     pass ms   growth`);
const root = join(import.meta.dirname, '..');
for (const path of globSync('examples/*/build/*.wasm', { cwd: root }).sort()) {
  const bytes = readFileSync(join(root, path));
  const passMs = median(Array.from({ length: 9 }, () => timeMs(() => instrument(bytes))));
  const growth = instrument(bytes).bytes.length / bytes.length;
  console.log(
    `  ${basename(path).padEnd(26)} ${shown(bytes.length).padStart(7)} ${shown(passMs).padStart(9)} ${growth.toFixed(2).padStart(8)}`,
  );
}
