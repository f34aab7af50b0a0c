// Simulated runs as part of every check: few and short; `npm run sim` has more. And what the simulator itself must be:
// the same from the same seed, and able to see what is wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './simulate.ts';
import { everyFault } from './sweep.ts';

test('whatever goes wrong, a run comes to the digests of the run in which nothing does', async () => {
  let lives = 0;
  for (let seed = 1; seed <= 80; seed++) {
    const outcome = await simulate({ seed, ticks: 30 });
    const again = `npm run sim -- --seeds 1 --seed ${seed} --ticks 30`;
    assert.equal(outcome.violation, undefined, `seed ${seed}: see it with ${again}`);
    lives += outcome.lives;
  }
  assert.ok(lives > 150, `${lives} lives`);
});

test('every call through a port can be the one that fails', async () => {
  const [seed, ticks] = [5, 5];
  const { extent } = await simulate({ seed, ticks, faults: [] });
  let count = 0;
  for (const faults of everyFault(extent)) {
    // Each call in one of its ways; `npm run sim -- --sweep` tries all.
    if (count++ % 7 !== 0) continue;
    const { violation } = await simulate({ seed, ticks, faults });
    assert.equal(violation, undefined, JSON.stringify(faults));
  }
  assert.ok(count > 500);
});

test('a seed gives the same run each time', async () => {
  const [first, second] = [await simulate({ seed: 12, ticks: 40 }), await simulate({ seed: 12, ticks: 40 })];
  assert.deepEqual(first, second);
  assert.notEqual((await simulate({ seed: 13, ticks: 40 })).digest, first.digest);
});
