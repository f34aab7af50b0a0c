import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineExport, Status } from '../abi/guest-exports.ts';
import { instrument } from './index.ts';
import { assemble, type Running, start } from './test-module.ts';

const text = `(module
  (import "env" "both" (func $both (param f64 i64) (result f32 i64 f64)))
  (import "wasm_engine" "random" (func $random (param i32 i32) (result i32)))
  (import "env" "tell" (func $tell (param i32)))
  (table funcref (elem $tell))
  (func (export "bits") (param f64 i64) (result i32 i64 i64) (local i64 f64)
    (call $both (local.get 0) (local.get 1))
    (local.set 3) (local.set 2) (i32.reinterpret_f32)
    (local.get 2) (i64.reinterpret_f64 (local.get 3)))
  (func (export "random") (param i32 i32) (result i32) (call $random (local.get 0) (local.get 1)))
  (func (export "through") (param i32) (call_indirect (param i32) (local.get 0) (i32.const 0)))
  (func $down (export "down") (param i32) (call $tell (local.get 0)) (call $down (local.get 0)))
  (func (export "empty")))`;

const nothing = { tell: () => undefined, both: () => [0, 0n, 0] };

test('functions from other modules are taken where they are asked for, and named in order', () => {
  const module = instrument(assemble(text), { ownImports: true });
  assert.deepEqual(module.imports, ['random']);
  assert.deepEqual(module.ownImports, [
    { module: 'env', name: 'both' },
    { module: 'env', name: 'tell' },
  ]);
  assert.throws(() => instrument(assemble(text)), /imports "env\.both", only imports from "wasm_engine"/);
});

test('values pass through in both directions, and a NaN comes in canonical', () => {
  const seen: unknown[] = [];
  const payload = new Float32Array(Int32Array.of(0xffc0_1234).buffer)[0]!;
  const running = start(text, {
    ownImports: true,
    own: {
      env: {
        ...nothing,
        both: (...values: unknown[]) => {
          seen.push(...values);
          return [payload, -7n, -Number.NaN];
        },
      },
    },
  });
  assert.deepEqual(running.call('bits', [2.5, 9n]).value, [0x7fc0_0000, -7n, 0x7ff8_0000_0000_0000n]);
  assert.deepEqual(seen, [2.5, 9n]);
});

test('a call costs the same whatever the function does, and is not made without the fuel for it', () => {
  let told = 0;
  const tell = (): void => {
    told++;
  };
  const running = start(text, { ownImports: true, own: { env: { ...nothing, tell } } });
  const { used } = running.call('through', [1]);
  assert.ok(used >= 100 && used < 130, `used ${used}`);
  assert.equal(running.call('through', [1], used).status, Status.none);
  assert.equal(told, 2);
  const short = running.call('through', [1], 60);
  assert.equal(short.status, Status.outOfFuel);
  assert.equal(told, 2);
});

test('a function that calls back shares fuel and stack with whoever called it', () => {
  let depth = 0;
  const calls: { running?: Running } = {};
  const tell = (value: number): void => {
    if (value === 0 || ++depth > 20) return;
    calls.running!.exports['through']!(value);
  };
  calls.running = start(text, { ownImports: true, own: { env: { ...nothing, tell } } });
  const once = calls.running.call('through', [0]).used;
  assert.equal(calls.running.call('through', [1]).used, 21 * once);
  depth = 100;
  assert.equal(calls.running.call('down', [1]).status, Status.stackExhausted);
  calls.running.exports[engineExport.fuelSet]!(1000);
  assert.equal(start(text, { ownImports: true, own: { env: nothing } }).call('empty').trap, undefined);
});

test('what cannot pass through JavaScript is refused, and other kinds still are', () => {
  const refused = (source: string, wanted: RegExp): void => {
    assert.throws(() => instrument(assemble(source), { ownImports: true }), wanted);
  };
  refused(
    '(module (import "a" "b" (func (param v128))))',
    /imports "a\.b" as \(v128\) -> \(\), wanted numbers/,
  );
  refused('(module (import "a" "b" (func (result funcref))))', /wanted numbers alone/);
  refused('(module (import "a" "b" (memory 1)))', /imports the memory "a\.b"/);
  refused('(module (import "a" "b" (global i32)))', /imports the global "a\.b"/);
  refused('(module (import "wasm_engine" "none" (func)))', /which is no host function/);
  assert.throws(() => instrument(assemble('(module)'), { ownImports: true, agent: true }), {
    code: 'config-invalid',
    message: /an agent imports from the engine alone/,
  });
});
