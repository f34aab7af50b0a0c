import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { superfluous } from './retention.ts';

/** Snapshots taken one after the other, each followed by what goes. */
function taken(ticks: readonly number[], start: number, kept: number): number[] {
  let there: number[] = [];
  for (const tick of ticks) {
    there.push(tick);
    const gone = superfluous(there, start, kept);
    there = there.filter((one) => !gone.includes(one));
  }
  return there;
}

const steps = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 300 });

test('the newest stay, and no gap is wider than its age allows, or than it was', () => {
  const property = fc.property(steps, fc.integer({ min: 1, max: 9 }), (widths, kept) => {
    const ticks = widths.map(
      (
        (sum) => (width: number) =>
          (sum += width)
      )(0),
    );
    const there = taken(ticks, 0, kept);
    assert.deepEqual(there.slice(-kept), ticks.slice(-kept));
    const newest = ticks.at(-1)!;
    const whole = [0, ...there];
    for (let i = 1; i < whole.length; i++) {
      const gap = whole[i]! - whole[i - 1]!;
      const original = whole[i]! - [0, ...ticks][ticks.indexOf(whole[i]!)]!;
      assert.ok(
        gap <= Math.max((newest - whole[i]!) / kept, original),
        `${whole[i - 1]} to ${whole[i]} of ${newest}`,
      );
    }
  });
  fc.assert(property);
});

test('how many stay grows with the logarithm of the run', () => {
  const count = (length: number): number =>
    taken(
      Array.from({ length }, (_, i) => (i + 1) * 10),
      0,
      8,
    ).length;
  const [short, long] = [count(500), count(4000)];
  assert.ok(short < 70 && long < short + 8 * 3 * 2.5, `${short} of 500, ${long} of 4000`);
});

test('nothing goes while there are few, nor what the run began from', () => {
  assert.deepEqual(superfluous([], 0, 4), []);
  assert.deepEqual(superfluous([5], 0, 1), []);
  assert.deepEqual(superfluous([10, 20, 30, 40], 0, 4), []);
  assert.ok(!superfluous([7, 10, 20, 30, 4000], 7, 1).includes(7));
});
