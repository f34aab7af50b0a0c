// Fuel against an interpreter that counts it by the documented table, on random programs. The long run is
// `npm run fuzz -- fuel --runs N --seed S`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costTableVersion } from '../../src/wasm/index.ts';
import { compareProgram, noCounts, sweepFuel } from './compare-runs.ts';
import { documentedVersion } from './fuel-costs.ts';

const programs = 300;
const firstSeed = 1;

test('the cost table counted here is the version that the pass charges by', () => {
  assert.equal(costTableVersion, documentedVersion);
});

test('random programs use the fuel that the documented table says, and do what they do without the pass', (t) => {
  const counts = noCounts();
  for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
    try {
      compareProgram(seed, counts);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  t.diagnostic(JSON.stringify(counts));
  assert.ok(
    counts.returned > programs / 2 && counts.trapped > programs / 20 && counts.outOfFuel > programs / 20,
  );
  assert.ok(counts.plain > programs / 3 && counts.skipped < programs / 10, JSON.stringify(counts));
});

test('every limit of fuel stops a program at a test point, with what came before it unchanged', (t) => {
  let [swept, limits] = [0, 0];
  for (let seed = firstSeed; swept < 12; seed++) {
    const tried = sweepFuel(seed, 900);
    if (tried === 0) continue;
    swept++;
    limits += tried;
  }
  t.diagnostic(`${limits} limits of ${swept} programs`);
  assert.ok(limits > 500, `${limits}`);
});
