import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueType } from '../binary/types.ts';
import { LocalTypes } from './local-types.ts';

const { i32, i64, f32, f64, v128 } = valueType;

function body(...locals: readonly (readonly [number, number])[]) {
  const groups = locals.map(([count, type]) => ({ count, type }));
  return { locals: groups, localCount: groups.reduce((sum, { count }) => sum + count, 0), start: 0, end: 0 };
}

test('of() answers the type of each local, parameters first, however many there are', () => {
  const types = new LocalTypes();
  types.reset({ params: [i32, f64], results: [] }, body([1, f32], [300, i64], [0, i32], [2, v128]));
  assert.deepEqual(
    [0, 1, 2, 3, 255, 256, 302, 303, 304, 305].map((index) => types.of(index)),
    [i32, f64, f32, i64, i64, i64, i64, v128, v128, 0],
  );
});

test('of() knows nothing of the locals of an earlier function', () => {
  const types = new LocalTypes();
  types.reset({ params: [], results: [] }, body([400, f64]));
  assert.equal(types.of(399), f64);
  types.reset({ params: new Array<number>(300).fill(i32), results: [] }, body([1, i64]));
  assert.deepEqual([types.of(299), types.of(300), types.of(301)], [i32, i64, 0]);
  types.reset({ params: [], results: [] }, body([1, f32]));
  assert.deepEqual([types.of(0), types.of(1), types.of(255), types.of(300)], [f32, 0, 0, 0]);
});
