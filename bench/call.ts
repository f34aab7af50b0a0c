// What a call of an agent costs beside other ways to run such code: 64 bytes in, their sum in 8 bytes out. The ways
// take turns in each round, and ratios are taken round by round, so that what else the machine does cancels.

import { strict as assert } from 'node:assert';
import { type Call, type Callers, manyOnly, withCallers } from './support/callers.ts';
import { median, shown } from './support/measure.ts';

const rounds = 15;
const warmUpRounds = 5;
const roundMs = 30;
const payload = new Uint8Array(64).map((_, i) => i * 3 + 7);
const expected = payload.reduce((total, byte) => total + byte, 0);

/** Microseconds of one call in a round, `batch` of them at a time. */
async function round(call: Call, batch: number): Promise<number> {
  const startedMs = performance.now();
  let count = 0;
  let elapsedMs = 0;
  while (elapsedMs < roundMs) {
    const answers = await call(payload, batch);
    assert.equal(answers.length, batch);
    for (const { buffer, byteOffset } of answers) {
      assert.ok(new DataView(buffer, byteOffset).getUint32(0, true) === expected);
    }
    count += batch;
    elapsedMs = performance.now() - startedMs;
  }
  return (elapsedMs * 1000) / count;
}

/** Rounds in which every way has its turn: microseconds of a call, by name. */
async function compare(callers: Callers, batch: number): Promise<Map<string, number[]>> {
  const names = Object.keys(callers).filter((name) => batch > 1 || name !== manyOnly);
  const micros = new Map(names.map((name) => [name, [] as number[]]));
  for (let i = 0; i < warmUpRounds + rounds; i++) {
    for (const [name, taken] of micros) {
      const took = await round(callers[name]!, batch);
      if (i >= warmUpRounds) taken.push(took);
    }
  }
  return micros;
}

function print(title: string, micros: ReadonlyMap<string, readonly number[]>): void {
  console.log(`${title.padEnd(32)} us a call   ratio`);
  const [first] = micros.values();
  for (const [name, taken] of micros) {
    const ratio = median(taken.map((took, i) => took / first![i]!));
    console.log(`  ${name.padEnd(30)} ${shown(median(taken)).padStart(8)} ${ratio.toFixed(2).padStart(8)}`);
  }
}

await withCallers(async (callers) => {
  console.log(`node ${process.version}, ${process.platform} ${process.arch}; medians of ${rounds} rounds`);
  console.log('ratio: time of a call against that of the first line');
  print('one call, then the next', await compare(callers, 1));
  print('100 calls at once', await compare(callers, 100));
});
