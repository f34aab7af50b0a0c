import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineExport } from '../../abi/guest-exports.ts';
import { start } from '../test-module.ts';

const text = `(module (memory 1) (global i32 (i32.const 1)) (global $a (mut i32) (i32.const -2))
  (global $b (mut i64) (i64.const 0x1122334455667788)) (global $c (mut f32) (f32.const nan:0x200001))
  (global $d (mut f64) (f64.const -nan:0x4000000000001)) (global $e (mut v128) (v128.const i32x4 1 -2 3 -4))
  (func (export "bits") (result i64) (i64.reinterpret_f64 (global.get $d))))`;

test('accessors list the mutable globals with their words', () => {
  assert.deepEqual(start(text).module.globals, [
    { index: 1, type: 'i32', words: 1 },
    { index: 2, type: 'i64', words: 2 },
    { index: 3, type: 'f32', words: 1 },
    { index: 4, type: 'f64', words: 2 },
    { index: 5, type: 'v128', words: 4 },
  ]);
});

function words(running: ReturnType<typeof start>): unknown[][] {
  return running.module.globals.map(({ words }, position) =>
    Array.from({ length: words }, (_, word) => running.exports[engineExport.globalGet]!(position, word)),
  );
}

test('accessors read every bit, those of a NaN too', () => {
  const wanted = [[-2], [0x55667788, 0x11223344], [0x7fa00001], [1, 0xfff40000 | 0], [1, -2, 3, -4]];
  assert.deepEqual(words(start(text)), wanted);
});

test('accessors write what they read, word by word, into another instance', () => {
  const source = start(text);
  const target = start(text);
  let next = 0x7ff00000;
  for (const [position, { words }] of source.module.globals.entries()) {
    for (let word = 0; word < words; word++) {
      source.exports[engineExport.globalSet]!(position, word, next);
      next = (Math.imul(next, 1_664_525) + 1_013_904_223) | 0;
    }
  }
  const copied = words(source);
  for (const [position, row] of copied.entries()) {
    for (const [word, value] of row.entries()) {
      target.exports[engineExport.globalSet]!(position, word, value as number);
    }
  }
  assert.deepEqual(words(target), copied);
  assert.deepEqual(target.call('bits'), source.call('bits'));
  assert.equal(new Set(copied.flat()).size, 10);
});

test('accessors trap on a position or word that does not exist', () => {
  const { exports } = start(text);
  for (const [position, word] of [
    [5, 0],
    [-1, 0],
    [0, 1],
    [1, 2],
    [4, 4],
    [4, -1],
  ] as const) {
    assert.throws(() => exports[engineExport.globalGet]!(position, word), /unreachable/);
    assert.throws(() => exports[engineExport.globalSet]!(position, word, 1), /unreachable/);
  }
});

test('fuel goes in and out as a whole number up to 2^53 - 1', () => {
  const running = start(text);
  for (const fuel of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    running.setFuel(fuel);
    assert.equal(running.fuel(), fuel);
  }
});

test('a module with thousands of mutable globals has accessors for each', () => {
  const many = `(module ${Array.from({ length: 4096 }, (_, i) => `(global (mut i32) (i32.const ${i}))`).join('')})`;
  const { exports } = start(many);
  for (const position of [0, 1, 2047, 4095])
    assert.equal(exports[engineExport.globalGet]!(position, 0), position);
});
