// A sample of all bits and all lengths of a log and a snapshot. All of them: npm run damage.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflict } from './inflict.ts';
import { closedLog, interruptedLog, snapshot } from './subjects.ts';

/** One in so many, spread by a multiplicative hash: the same ones each time. */
function oneIn(many: number): (number: number) => boolean {
  return (number) => Math.imul(number, 2_654_435_761) >>> 0 < 4_294_967_296 / many;
}

test('a closed log shows every flipped bit and every cut; a slot of its head record is healed by the other', (t) => {
  const { flips, cuts } = inflict(closedLog(), oneIn(1500));
  t.diagnostic(JSON.stringify({ flips, cuts }));
  assert.ok(flips.refused > 200 && flips.healed > 20 && cuts.refused > 30);
});

test('an interrupted log shows every damage below its head record, and heals what is behind', (t) => {
  const { flips, cuts } = inflict(interruptedLog(), oneIn(1500));
  t.diagnostic(JSON.stringify({ flips, cuts }));
  assert.ok(flips.refused > 150 && flips.healed > 100 && cuts.refused > 20 && cuts.healed > 10);
});

test('a snapshot shows every flipped bit and every cut', async (t) => {
  const { flips, cuts } = inflict(await snapshot(), oneIn(1500));
  t.diagnostic(JSON.stringify({ flips, cuts }));
  assert.ok(flips.refused > 300 && cuts.refused > 30 && cuts.healed === 0);
});
