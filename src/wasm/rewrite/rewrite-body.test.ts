import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Status } from '../../abi/guest-exports.ts';
import { bothOutcomes, start } from '../test-module.ts';

/** One function of each class of instructions; every one takes an i32 and gives an i32 or several values. */
const classes: Readonly<Record<string, string>> = {
  'integer arithmetic': `(func (export "f") (param i32) (result i32)
    (i32.rotl (i32.xor (i32.mul (local.get 0) (i32.const 31)) (i32.shr_u (local.get 0) (i32.const 3))) (i32.popcnt
      (local.get 0))))`,
  'division that may trap': `(func (export "f") (param i32) (result i32)
    (i32.add (i32.div_s (i32.const -2147483648) (local.get 0)) (i32.rem_u (i32.const 7) (local.get 0))))`,
  '64-bit and conversions': `(func (export "f") (param i32) (result i32)
    (i32.wrap_i64 (i64.add (i64.extend_i32_s (local.get 0)) (i64.trunc_sat_f64_s (f64.sqrt (f64.convert_i32_u
      (local.get 0)))))))`,
  'truncation that may trap': `(func (export "f") (param i32) (result i32)
    (i32.trunc_f32_s (f32.div (f32.const 1e9) (f32.convert_i32_s (local.get 0)))))`,
  'sign extension': `(func (export "f") (param i32) (result i32)
    (i32.add (i32.extend8_s (local.get 0)) (i32.wrap_i64 (i64.extend16_s (i64.extend_i32_u (local.get 0))))))`,
  'memory access': `(memory 1) (func (export "f") (param i32) (result i32)
    (i64.store offset=3 (i32.mul (local.get 0) (i32.const 40000)) (i64.const 0x1122334455667788))
    (i32.load16_s offset=5 (i32.mul (local.get 0) (i32.const 40000))))`,
  'a loop with two exits': `(func (export "f") (param i32) (result i32) (local $sum i32)
    (block $out (loop $again
      (br_if $out (i32.gt_s (local.get $sum) (i32.const 1000)))
      (local.set $sum (i32.add (local.get $sum) (local.get 0)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (local.get $sum))`,
  'if with and without else': `(func (export "f") (param i32) (result i32) (local $x i32)
    (if (i32.and (local.get 0) (i32.const 1)) (then (local.set $x (i32.const 5))))
    (if (result i32) (i32.and (local.get 0) (i32.const 2)) (then (return (local.get $x))) (else (i32.const 9)))
    (i32.add (local.get $x)))`,
  'a branch table': `(func (export "f") (param i32) (result i32)
    (block $a (result i32) (block $b (result i32) (block $c (result i32)
      (br_table $a $b $c 3 $b (i32.const 100) (local.get 0)))
      (i32.add (i32.const 1))) (i32.add (i32.const 10))) (i32.add (i32.const 100)))`,
  'a branch to the function': `(func (export "f") (param i32) (result i32)
    (block (br_if 1 (i32.const 11) (i32.eqz (local.get 0))) (drop)) (loop (result i32) (br 1 (i32.const 12))))`,
  'many values through blocks': `(func $two (param i32) (result i32 i64) (local.get 0) (i64.const 7))
    (func (export "f") (param i32) (result i32 i64 f64)
      (call $two (local.get 0)) (block (param i32 i64) (result i32 i64) (br_if 0 (local.get 0)) (drop) (drop)
        (call $two (i32.const 1)))
      (loop (param i32 i64) (result i32 i64)) (f64.const 2.5))`,
  'return with values below': `(func (export "f") (param i32) (result i32)
    (i32.const 1) (i32.const 2) (i64.const 3) (return (local.get 0)))`,
  'dead code of every kind': `(memory 1) (table 1 funcref) (global $g (mut i32) (i32.const 0))
    (func $d (param i32) (result i32) (unreachable) (i32.add) (drop) (memory.fill) (call $d) (br_table 0 0)
      (memory.grow) (drop)
      (block (result i32) (loop (br 0)) (unreachable) (select)) (if (result i32) (then (unreachable)) (else
        (unreachable) (return))) (call_indirect (param i32) (result i32)))
    (func (export "f") (param i32) (result i32)
      (if (local.get 0) (then (return (i32.const 3)) (drop (call $d (i32.const 1))) (return_call $d (i32.const 1))))
      (block (br 0) (global.set $g) (local.set 0)) (loop (br 1 (i32.const 4)) (br 0))  (unreachable))`,
  'indirect calls': `(table funcref (elem $a $b)) (type $t (func (param i32) (result i32)))
    (func $a (type $t) (i32.add (local.get 0) (i32.const 1))) (func $b (param i64) (result i32) (i32.const 1))
    (func (export "f") (param i32) (result i32) (call_indirect (type $t) (i32.const 5) (local.get 0)))`,
  'tail calls': `(func $count (param i32 i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
      (return_call $count (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 3))))
    (func (export "f") (param i32) (result i32) (return_call $count (i32.mul (i32.const 500) (i32.and
      (local.get 0) (i32.const 15))) (i32.const 0)))`,
  'indirect tail calls': `(table funcref (elem $even $odd)) (type $t (func (param i32) (result i32)))
    (func $even (type $t) (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
      (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
    (func $odd (type $t) (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
      (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
    (func (export "f") (param i32) (result i32) (call $even (i32.mul (i32.and (local.get 0) (i32.const 15))
      (i32.const 501))))`,
  'globals and select': `(global $g (mut i64) (i64.const 5)) (global $c i32 (i32.const 4))
    (func (export "f") (param i32) (result i32) (global.set $g (i64.mul (global.get $g) (i64.extend_i32_s
      (local.get 0))))
      (select (result i32) (i32.wrap_i64 (global.get $g)) (global.get $c) (local.get 0)))`,
  vectors: `(memory 1) (func (export "f") (param i32) (result i32) (local v128)
    (local.set 1 (i32x4.mul (i32x4.splat (local.get 0)) (v128.const i32x4 1 2 3 4)))
    (v128.store (i32.const 16) (f32x4.sqrt (f32x4.convert_i32x4_u (local.get 1))))
    (i32.add (i32x4.extract_lane 3 (i8x16.swizzle (local.get 1) (v128.load (i32.const 16))))
      (i32x4.extract_lane 1 (v128.load32_lane 1 (i32.const 20) (local.get 1)))))`,
  references: `(table $t 3 funcref) (elem declare func $a) (func $a (result i32) (i32.const 8))
    (func (export "f") (param i32) (result i32) (table.set $t (i32.const 1) (ref.func $a))
      (if (result i32) (ref.is_null (table.get $t (local.get 0))) (then (i32.const 0)) (else (call_indirect $t
        (result i32) (local.get 0)))))`,
  'bulk memory': `(memory 1) (data $d "hello, world") (func (export "f") (param i32) (result i32)
    (memory.init $d (i32.const 10) (i32.const 0) (i32.mul (local.get 0) (i32.const 4)))
    (memory.copy (i32.const 12) (i32.const 10) (i32.const 9)) (memory.fill (i32.const 30) (local.get 0) (i32.const 5))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (data.drop $d)))
    (i32.add (i32.load (i32.const 14)) (i32.load (i32.const 30))))`,
};

for (const [title, text] of Object.entries(classes)) {
  test(`instrumentation changes no result: ${title}`, () => {
    const calls = [0, 1, 2, 3, 4, 5, 1, 17, -1].map((value) => ['f', value] as const);
    const { plain, instrumented } = bothOutcomes(`(module ${text})`, calls);
    assert.deepEqual(instrumented, plain);
  });
}

/** Prints into memory what it has done, so that a sweep sees how far it came. */
const steps = `(module (memory (export "memory") 1)
  (func $mark (param $n i32) (i32.store8 (local.get $n) (i32.const 1)))
  (func (export "f") (param i32) (local $i i32)
    (call $mark (i32.const 0))
    (loop $again
      (i32.store8 (i32.add (local.get $i) (i32.const 1)) (i32.const 1))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (if (i32.and (local.get $i) (i32.const 1)) (then (call $mark (i32.add (local.get $i) (i32.const 100)))))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 8))))
    (memory.fill (i32.const 200) (i32.const 1) (i32.const 16))
    (call $mark (i32.const 240))))`;

test('a sweep of the fuel limit stops earlier or later, and never changes what came before', () => {
  const enough = start(steps).call('f', [0]);
  assert.equal(enough.trap, undefined);
  let done = 0;
  for (let limit = 0; limit <= enough.used; limit++) {
    const running = start(steps);
    const { trap, status, used } = running.call('f', [0], limit);
    const marks = new Uint8Array(running.memory.buffer).reduce((sum, byte) => sum + byte, 0);
    assert.ok(marks >= done, `limit ${limit}: ${marks} marks, ${done} before`);
    done = marks;
    if (trap === undefined) assert.equal(used, enough.used);
    else assert.equal(status, Status.outOfFuel);
    if (trap !== undefined) assert.ok(used > limit, 'fuel is below zero after exhaustion');
    if (limit === enough.used) assert.equal(trap, undefined);
  }
});

test('each iteration of an empty loop costs fuel', () => {
  const { used, status } = start('(module (func (export "f") (loop (br 0))))').call('f', [], 12_345);
  assert.equal(used, 12_346);
  assert.equal(status, Status.outOfFuel);
});

test('a loop ended by its table of branches costs fuel', () => {
  const text = `(module (func (export "f") (local i32)
    (loop $l (block $b (br_table $l $b (i32.const 0))))))`;
  assert.equal(start(text).call('f', [], 1000).status, Status.outOfFuel);
});

test('endless recursion costs fuel where the stack does not end it', () => {
  const text = '(module (func $f (export "f") (return_call $f)))';
  assert.equal(start(text).call('f', [], 100_000).status, Status.outOfFuel);
});

test('many locals cost more than few', () => {
  const used = (locals: string) => start(`(module (func (export "f") ${locals}))`).call('f').used;
  assert.equal(used(''), used('(local i32 i64)'));
  assert.ok(used(`(local ${'i64 '.repeat(1000)})`) >= used('') + 200);
});

test('a block is charged before its effects', () => {
  const text = `(module (memory (export "memory") 1) (func (export "f") (i32.store (i32.const 0) (i32.const 9))))`;
  const need = start(text).call('f').used;
  const poor = start(text);
  assert.equal(poor.call('f', [], need - 1).status, Status.outOfFuel);
  assert.equal(new Uint8Array(poor.memory.buffer)[0], 0);
});

test('the stack is free again after each return, and after tail calls', () => {
  const text = `(module
    (func $leaf (param i32)) (func $middle (call $leaf (i32.const 1)))
    (func (export "many") (local i32) (loop $l (call $middle) (call $middle)
      (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 50000)))))
    (func $tail (param i32) (if (local.get 0) (then (call $middle) (return_call $tail (i32.sub (local.get 0)
      (i32.const 1))))))
    (func (export "tails") (call $tail (i32.const 50000)) (call $tail (i32.const 50000))))`;
  const running = start(text);
  for (let round = 0; round < 3; round++) {
    assert.equal(running.call('many').trap, undefined);
    assert.equal(running.call('tails').trap, undefined);
  }
});

test('the depth of recursion is the same in every call from the host', () => {
  const text = `(module (func $f (export "f") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
      (else (i32.const 0)))))`;
  const depthOf = () => {
    let [fits, fails] = [0, 100_000];
    while (fails - fits > 1) {
      const middle = (fits + fails) >> 1;
      if (start(text).call('f', [middle]).trap === undefined) fits = middle;
      else fails = middle;
    }
    return fits;
  };
  const depth = depthOf();
  assert.ok(depth > 1000, `${depth} levels`);
  const running = start(text);
  for (let round = 0; round < 5; round++) assert.equal(running.call('f', [depth]).value, depth);
  assert.equal(running.call('f', [depth + 1]).status, Status.stackExhausted);
});

test('a function of a large frame is checked before it is entered', () => {
  const locals = Array.from({ length: 20_000 }, (_, i) => `(local.set ${i + 1} (i64.const ${i}))`).join('\n');
  const text = `(module (func $f (export "f") (param i32) (result i32) (local ${'i64 '.repeat(20_000)}) ${locals}
    (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0)))))`;
  const running = start(text);
  assert.equal(running.call('f', [2]).value, 2);
  assert.equal(running.call('f', [100]).status, Status.stackExhausted);
});

test('the same bytes come out for the same bytes in', () => {
  const once = start(steps).module.bytes;
  assert.deepEqual(start(steps).module.bytes, once);
});
