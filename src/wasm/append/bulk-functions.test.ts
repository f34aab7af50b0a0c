import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineExport, Status } from '../../abi/guest-exports.ts';
import { memoryGrowCost, memoryGrowCostPerPage } from '../binary/cost-table.ts';
import { type Running, start } from '../test-module.ts';

const growing = `(module (memory (export "memory") 1 10)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size)))`;

function grow(running: Running, delta: number): unknown {
  return running.call('grow', [delta]).value;
}

test('memory grows to the limit of the host and answers -1 exactly beyond it', () => {
  const running = start(growing, { pagesMax: 5 });
  assert.equal(grow(running, 0), 1);
  assert.equal(grow(running, 5), -1);
  assert.equal(grow(running, 4), 1);
  assert.equal(grow(running, 1), -1);
  assert.equal(grow(running, 0), 5);
  assert.equal(grow(running, -1), -1);
  assert.equal(running.call('size').value, 5);
  assert.equal(running.memory.buffer.byteLength, 5 * 65_536);
  assert.equal(running.status(), Status.none);
});

test("memory never grows past the module's own maximum, whatever the host allows", () => {
  const running = start(growing, { pagesMax: 10 });
  running.exports[engineExport.memoryPagesMaxSet]!(1000);
  assert.equal(grow(running, 10), -1);
  assert.equal(grow(running, 9), 1);
});

test('growth is charged flat and by page, but not where it is refused or by 0', () => {
  const running = start(growing, { pagesMax: 5 });
  const idle = running.call('grow', [0]).used;
  assert.equal(running.call('grow', [100]).used, idle);
  assert.equal(running.call('grow', [2]).used, idle + memoryGrowCost + 2 * memoryGrowCostPerPage);
  assert.equal(running.call('grow', [1], 50_000).status, Status.outOfFuel);
  assert.equal(running.memory.buffer.byteLength, 3 * 65_536);
});

test('a growth that the host cannot serve kills with its own status', () => {
  const running = start(growing, { pagesMax: 3 });
  running.exports[engineExport.memoryPagesMaxSet]!(9);
  const { trap, status } = running.call('grow', [5]);
  assert.match(trap!, /unreachable/);
  assert.equal(status, Status.growthFailed);
});

const bulk = `(module (memory (export "memory") 1) (data $d "0123456789")
  (table $t 10 20 funcref) (elem $e funcref (ref.func $f) (ref.null func) (ref.func $f)) (func $f)
  (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (data.drop $d))
  (func (export "tinit") (param i32 i32 i32) (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))
  (func (export "tdrop") (elem.drop $e))
  (func (export "tcopy") (param i32 i32 i32) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "tfill") (param i32 i32) (table.fill $t (local.get 0) (ref.func $f) (local.get 1)))
  (func (export "tgrow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
  (func (export "tsize") (result i32) (table.size $t)))`;

test('bulk operations are charged by length, in steps of 8 bytes', () => {
  const running = start(bulk);
  const empty = running.call('fill', [0, 0]).used;
  assert.equal(running.call('fill', [0, 1]).used, empty + 1);
  assert.equal(running.call('fill', [0, 8]).used, empty + 1);
  assert.equal(running.call('fill', [0, 9]).used, empty + 2);
  assert.equal(running.call('fill', [0, 65_536]).used, empty + 8192);
  assert.equal(running.call('copy', [100, 200, 800]).used - running.call('copy', [100, 200, 0]).used, 100);
  assert.equal(running.call('init', [0, 0, 10]).used - running.call('init', [0, 0, 0]).used, 2);
  assert.equal(running.call('tinit', [0, 0, 3]).used - running.call('tinit', [0, 0, 0]).used, 3);
  assert.equal(running.call('tcopy', [0, 5, 5]).used - running.call('tcopy', [0, 5, 0]).used, 5);
  assert.equal(running.call('tfill', [2, 8]).used - running.call('tfill', [2, 0]).used, 8);
});

test('a bulk operation without fuel does nothing', () => {
  const running = start(bulk);
  const { status, trap } = running.call('fill', [0, 65_536], 8000);
  assert.match(trap!, /unreachable/);
  assert.equal(status, Status.outOfFuel);
  assert.equal(new Uint8Array(running.memory.buffer)[0], 0);
});

const outOfBounds: readonly (readonly [string, ...number[]])[] = [
  ['fill', 65_536, 1],
  ['fill', 0, 65_537],
  ['fill', -1, 2],
  ['fill', 8, -1],
  ['copy', 65_530, 0, 7],
  ['copy', 0, 65_530, 7],
  ['copy', 0, 0, -1],
  ['init', 65_530, 0, 8],
  ['init', 0, 4, 7],
  ['init', 0, 11, 0],
  ['tinit', 8, 0, 3],
  ['tinit', 0, 1, 3],
  ['tcopy', 8, 0, 3],
  ['tcopy', 0, 8, 3],
  ['tfill', 9, 2],
];

for (const [name, ...values] of outOfBounds) {
  test(`${name}(${values.join(', ')}) traps out of bounds, uncharged, however little fuel is left`, () => {
    const running = start(bulk);
    const idle = running.call(
      name,
      values.map(() => 0),
    ).used;
    const { trap, used, status } = running.call(name, values, idle);
    assert.match(trap!, /out of bounds/);
    assert.ok(used <= idle);
    assert.equal(status, Status.none);
  });
}

test('a dropped segment has no bytes and no elements left', () => {
  const running = start(bulk);
  assert.equal(running.call('init', [0, 0, 10]).trap, undefined);
  running.call('drop');
  assert.match(running.call('init', [0, 0, 1], 100).trap!, /out of bounds/);
  assert.equal(running.call('init', [0, 0, 0]).trap, undefined);
  running.call('tdrop');
  assert.match(running.call('tinit', [0, 0, 1], 100).trap!, /out of bounds/);
});

test('a table grows to its maximum and answers -1 beyond it', () => {
  const running = start(bulk);
  assert.equal(running.call('tgrow', [0]).value, 10);
  assert.equal(running.call('tgrow', [11]).value, -1);
  assert.equal(running.call('tgrow', [-1]).value, -1);
  assert.equal(running.call('tgrow', [10]).value, 10);
  assert.equal(running.call('tsize').value, 20);
});

test('a table without maximum grows to a hundred thousand elements', () => {
  const running = start(`(module (table 1 funcref)
    (func (export "grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))`);
  assert.equal(grow(running, 100_000), -1);
  assert.equal(grow(running, 99_999), 1);
  assert.equal(grow(running, 1), -1);
});

test('tables grow to a bound that they share, and each to its own maximum', () => {
  const running = start(`(module (table $a 10 funcref) (table $b 5 20 funcref)
    (func (export "a") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
    (func (export "b") (param i32) (result i32) (table.grow $b (ref.null func) (local.get 0))))`);
  const grow = (name: string, delta: number): unknown => running.call(name, [delta]).value;
  assert.deepEqual([grow('b', 16), grow('b', 10), grow('b', 0)], [-1, 5, 15]);
  assert.deepEqual([grow('a', 99_976), grow('a', -1), grow('a', 99_970)], [-1, -1, 10]);
  assert.deepEqual([grow('b', 6), grow('b', 5), grow('a', 1), grow('b', 1)], [-1, 15, -1, -1]);
  assert.deepEqual([grow('a', 0), grow('b', 0)], [99_980, 20]);
});
