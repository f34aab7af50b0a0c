// Names of functions and globals, from the custom section and from exports.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assemble } from '../test-module.ts';
import { moduleNames } from './module-names.ts';

const text = `(module
  (import "wasm_engine" "output" (func $out (param i32 i32) (result i32)))
  (global $count (mut i32) (i32.const 0)) (global (export "limit") (mut i32) (i32.const 0))
  (global $own (export "other") i32 (i32.const 0))
  (func $inner) (func (export "run") (export "again")) (func $named (export "exported")))`;

test('moduleNames() takes the custom section first, then the first export, for functions and globals', () => {
  const { functions, globals } = moduleNames(assemble(text));
  assert.deepEqual(
    [...functions].sort(([a], [b]) => a - b),
    [
      [0, 'out'],
      [1, 'inner'],
      [2, 'run'],
      [3, 'named'],
    ],
  );
  assert.deepEqual(
    [...globals].sort(([a], [b]) => a - b),
    [
      [0, 'count'],
      [1, 'limit'],
      [2, 'own'],
    ],
  );
});

test('a module whose custom section is damaged at any byte has at least the names of its exports', () => {
  const bytes = assemble(text);
  const start = Buffer.from(bytes).lastIndexOf('name') + 4;
  assert.ok(start > 100);
  for (let at = start; at < bytes.length; at++) {
    for (const value of [0, 0x7f, 0xff]) {
      const damaged = bytes.slice();
      damaged[at] = value;
      const { globals } = moduleNames(damaged);
      assert.ok(globals.has(1), `byte ${at}`);
    }
  }
});
