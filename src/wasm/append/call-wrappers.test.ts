import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Status } from '../../abi/guest-exports.ts';
import {
  chargedLengthMax,
  fuelPerByte,
  hostFunctionNames,
  hostFunctions,
  hostKill,
} from '../../abi/host-functions.ts';
import { start } from '../test-module.ts';

/** Exports that call each host function with their own parameters. */
const every = `(module (memory (export "memory") 1) ${hostFunctionNames
  .map((name) => `(import "wasm_engine" "${name}" (func $${name} ${params(name)} (result i32)))`)
  .join('\n')}
  ${hostFunctionNames
    .map((name) => `(func (export "${name}") ${params(name)} (result i32) (call $${name} ${args(name)}))`)
    .join('\n')})`;

function params(name: (typeof hostFunctionNames)[number]): string {
  return `(param${' i32'.repeat(hostFunctions[name].parameters)})`;
}

function args(name: (typeof hostFunctionNames)[number]): string {
  return Array.from({ length: hostFunctions[name].parameters }, (_, i) => `(local.get ${i})`).join(' ');
}

// wabt wants imports before definitions.
const imported = every
  .replace('(memory (export "memory") 1) ', '')
  .replace(/\)$/, '(memory (export "memory") 1))');

for (const name of hostFunctionNames) {
  test(`a call of ${name} costs its base and each byte, and passes its values on`, () => {
    const seen: (readonly number[])[] = [];
    const running = start(imported, {
      host: (_name, values) => {
        seen.push(values);
        return 5;
      },
    });
    const { parameters, fuel, lengths } = hostFunctions[name];
    const values = Array.from({ length: parameters }, (_, index) => (lengths.includes(index) ? 100 : 3));
    const zeros = values.map((value, index) => (lengths.includes(index) ? 0 : value));
    const base = running.call(name, zeros);
    const charged = running.call(name, values);
    assert.equal(charged.value, 5);
    assert.ok(base.used >= fuel && base.used < fuel + 30, `${base.used} for a base of ${fuel}`);
    assert.equal(charged.used - base.used, 100 * fuelPerByte * lengths.length);
    assert.deepEqual(seen, [zeros, values]);
  });
}

test('a length above the greatest that is copied costs only the base', () => {
  const running = start(imported);
  const base = running.call('output', [0, 0]).used;
  assert.equal(running.call('output', [0, chargedLengthMax]).used, base + chargedLengthMax * fuelPerByte);
  assert.equal(running.call('output', [0, chargedLengthMax + 1]).used, base);
  assert.equal(running.call('output', [0, -1]).used, base);
});

test('a host function is not called without the fuel for it', () => {
  let calls = 0;
  const running = start(imported, { host: () => ++calls });
  const { trap, status } = running.call('output', [0, 1000], 1000);
  assert.match(trap!, /unreachable/);
  assert.equal(status, Status.outOfFuel);
  assert.equal(calls, 0);
});

test('the one killing answer of the host ends the call by a trap, and others do not', () => {
  const running = start(imported, { host: () => hostKill });
  const { trap, status } = running.call('random', [0, 1]);
  assert.match(trap!, /unreachable/);
  assert.equal(status, Status.hostRefused);
  assert.equal(start(imported, { host: () => -1 }).call('random', [0, 1]).value, -1);
});

test('a host function is charged wherever the module passes it on', () => {
  const text = `(module (import "wasm_engine" "random" (func $random (param i32 i32) (result i32)))
    (type $t (func (param i32 i32) (result i32)))
    (table $t 3 funcref) (elem (i32.const 0) $random) (elem (table $t) (i32.const 1) funcref (ref.func $random))
    (global $g funcref (ref.func $random)) (export "direct" (func $random))
    (func (export "indirect") (param i32 i32) (result i32) (call_indirect $t (type $t) (local.get 0) (local.get 1)
      (i32.const 0)))
    (func (export "expression") (param i32 i32) (result i32) (call_indirect $t (type $t) (local.get 0)
      (local.get 1) (i32.const 1)))
    (func (export "global") (param i32 i32) (result i32) (table.set $t (i32.const 2) (global.get $g))
      (call_indirect $t (type $t) (local.get 0) (local.get 1) (i32.const 2)))
    (func (export "reference") (param i32 i32) (result i32) (table.set $t (i32.const 2) (ref.func $random))
      (call_indirect $t (type $t) (local.get 0) (local.get 1) (i32.const 2)))
    (func (export "tail") (param i32 i32) (result i32) (return_call $random (local.get 0) (local.get 1))))`;
  const running = start(text, { host: () => 6 });
  for (const name of ['direct', 'indirect', 'expression', 'global', 'reference', 'tail']) {
    const { value, used } = running.call(name, [0, 1000]);
    assert.equal(value, 6, name);
    assert.ok(used >= 1050 && used < 1100, `${name} used ${used}`);
  }
});

test('a function that is exported twice, or only exported, can still be referred to', () => {
  const text = `(module (table $t 1 funcref) (func $f (export "a") (export "b") (result i32) (i32.const 3))
    (func (export "c") (result i32) (table.set $t (i32.const 0) (ref.func $f)) (call_indirect $t (result i32)
      (i32.const 0))))`;
  const running = start(text);
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => running.call(name).value),
    [3, 3, 3],
  );
  assert.deepEqual(running.module.exports, ['a', 'b', 'c']);
});

test('a NaN from JavaScript comes in as the one that arithmetic makes, at an export and at no inner call', () => {
  const running = start(`(module
    (func $f64 (export "f64") (param i32 f64) (result i64) (i64.reinterpret_f64 (local.get 1)))
    (func (export "f32") (param f32 i32) (result i32) (i32.reinterpret_f32 (local.get 0)))
    (func (export "inner") (result i64) (call $f64 (i32.const 0) (f64.const -nan:0x8000000001234))))`);
  const payload = new Float64Array(BigInt64Array.of(0xfff8_0000_0000_1234n).buffer)[0]!;
  for (const value of [Number.NaN, -Number.NaN, Math.sqrt(-running.fuel()), payload]) {
    assert.equal(running.call('f64', [1, value]).value, 0x7ff8_0000_0000_0000n);
    assert.equal(running.call('f32', [value, 1]).value, 0x7fc0_0000);
  }
  assert.equal(BigInt.asUintN(64, running.call('inner').value as bigint), 0xfff8_0000_0000_1234n);
  assert.equal(running.call('f64', [1, -0]).value, -0x8000_0000_0000_0000n);
});
