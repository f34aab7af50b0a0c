import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Status } from '../../abi/guest-exports.ts';
import { start } from '../test-module.ts';

/** The fuel that a function `f` of one parameter uses. */
function usedBy(code: string, locals = ''): (value: number) => number {
  const running = start(`(module (memory 1) (func $g) (func (export "f") (param $n i32) ${locals} ${code}))`);
  return (value) => {
    const { used, trap } = running.call('f', [value], 100_000);
    assert.equal(trap, undefined);
    return used;
  };
}

const work = (count: number) => '(drop (i32.const 1))'.repeat(count);

test('what a branch leaves out is not charged, however many constructs it leaves', () => {
  const used = usedBy(
    `(block $out (block $mid (block $in (br_if $out (local.get $n)) ${work(3)}) ${work(5)}) ${work(7)})`,
  );
  assert.equal(used(0) - used(1), 15);
});

test('each way back to a loop pays for its head, a branch table too', () => {
  const used = usedBy(
    `(loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
       (block $b (br_table $b $l (i32.lt_u (local.get $i) (local.get $n))))
       (br_if $l (i32.eq (local.get $i) (i32.const -1))))`,
    '(local $i i32)',
  );
  // Four for the sum, three for the comparison, eight for the table.
  assert.equal(used(2) - used(1), 15);
  assert.equal(used(20) - used(1), 19 * 15);
});

test('a loop that goes on by a branch costs each time what its blocks cost, and nothing at its end', () => {
  const step = '(local.tee $n (i32.sub (local.get $n) (i32.const 1)))';
  const whole = usedBy(
    `(loop $l (if (i32.and (local.get $n) (i32.const 1)) (then ${work(4)})) ${work(2)} (br_if $l ${step}))`,
  );
  assert.equal(whole(3) - whole(1), whole(5) - whole(3));
  // Head: the condition and the if; its arm; then two constants, the step and the branch.
  assert.equal(whole(2) - whole(1), 4 + 2 + 5);
  assert.equal(whole(3) - whole(2), 4 + 4 + 2 + 5);
});

test('a loop whose head goes back to the loop around it pays for that one, each time', () => {
  const used = usedBy(
    `(loop $outer ${work(3)}
       (loop $inner ${work(5)}
         (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1))))
         (br_if $inner (i32.const 0))))`,
  );
  assert.equal(used(3) - used(2), 13);
  assert.equal(used(40) - used(1), 39 * 13);
  for (const [outwards, inwards] of ['01', '10', '11']) {
    const endless = start(`(module (memory 1) (func (export "f")
      (loop $outer (loop $inner (br_if $outer (i32.const ${outwards})) (br_if $inner (i32.const ${inwards}))))))`);
    assert.equal(endless.call('f', [], 1000).status, Status.outOfFuel);
  }
});

test('fuel that is missing for what comes later stops nothing earlier', () => {
  const text = `(module (memory (export "memory") 1) (func (export "f") (param $n i32)
    (i32.store8 (i32.const 0) (i32.const 1))
    (if (local.get $n) (then (i32.store8 (i32.const 1) (i32.const 1))))
    ${work(40)} (loop ${work(9)})))`;
  const marks = (limit: number) => {
    const running = start(text);
    const { status, used } = running.call('f', [1], limit);
    const bytes = new Uint8Array(running.memory.buffer);
    return { status, used, marks: [bytes[0], bytes[1]] };
  };
  const enough = marks(1000);
  assert.deepEqual(enough.marks, [1, 1]);
  // The entry is tested by its own block alone; the rest shows at the loop.
  assert.deepEqual(marks(6), { status: Status.outOfFuel, used: enough.used, marks: [1, 1] });
  assert.deepEqual(marks(4), { status: Status.outOfFuel, used: 6, marks: [0, 0] });
});
