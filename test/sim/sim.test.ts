// Simulated runs as part of every check: few and short; `npm run sim` has more. And what the simulator itself must be:
// the same from the same seed, and able to see what is wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from './faults.ts';
import { simulate } from './simulate.ts';

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

test('every change of the disk can be the one that fails, or the last one', async () => {
  const seed = 5;
  for (let at = 1; at <= 60; at += 2) {
    const faults: Fault[][] = [
      [
        { kind: 'kill', life: 0, at, phase: 'during' },
        { kind: 'power', life: 0 },
      ],
      [
        { kind: 'error', life: 0, of: 'change', at, calls: 1 },
        { kind: 'power', life: 0 },
      ],
    ];
    for (const each of faults) {
      const { violation } = await simulate({ seed, ticks: 6, faults: each });
      assert.equal(violation, undefined, JSON.stringify(each));
    }
  }
});

test('a seed gives the same run each time', async () => {
  const [first, second] = [await simulate({ seed: 12, ticks: 40 }), await simulate({ seed: 12, ticks: 40 })];
  assert.deepEqual(first, second);
  assert.notEqual((await simulate({ seed: 13, ticks: 40 })).digest, first.digest);
});
