import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineExport, memoryImport, Status } from '../../abi/guest-exports.ts';
import { instrument } from '../instrument.ts';
import { assemble } from '../test-module.ts';

function agent(receive: string): Record<string, (...values: number[]) => number> {
  const entry = (name: string, body: string) => `(func (export "${name}") (param i32) (result i32) ${body})`;
  const { bytes } = instrument(
    assemble(`(module (memory (export "memory") 1)
      (func (export "agent_init") (result i32) (i32.const 0))
      (func (export "agent_shutdown") (result i32) (i32.const 0))
      ${entry('agent_receive', receive)} ${entry('agent_step', '(i32.const 0)')}
      ${entry('agent_alloc', '(i32.const 8)')})`),
    { agent: true },
  );
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const imports = { [memoryImport.module]: { [memoryImport.name]: memory } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  return exports as unknown as Record<string, (...values: number[]) => number>;
}

test('an instance of an agent exports what the engine asks for, and nothing else of its author', () => {
  const { bytes } = instrument(
    assemble(`(module (memory (export "memory") 1) (export "other" (memory 0)) (table (export "table") 1 funcref)
      (global (export "global") i32 (i32.const 1)) (type $step (func (param i32) (result i32)))
      (func $zero (export "zero") (result i32) (i32.const 0))
      (export "agent_init" (func $zero)) (export "agent_shutdown" (func $zero))
      (func $entry (param i32) (result i32) (drop (ref.func $zero)) (i32.const 0))
      (export "agent_receive" (func $entry)) (export "agent_step" (func $entry)) (export "agent_alloc" (func $entry)))`),
    { agent: true },
  );
  const names = WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name);
  assert.deepEqual(names.filter((name) => !name.startsWith('wasm-engine:')).sort(), [
    'agent_alloc',
    'agent_init',
    'agent_receive',
    'agent_shutdown',
    'agent_step',
    'memory',
  ]);
});

test('an entry in one crossing answers, and costs, what the calls one by one do', () => {
  const exports = agent('(local.get 0)');
  for (const answer of [0, 1, 2, 3, -1, 2 ** 31 - 1, -(2 ** 31)]) {
    exports[engineExport.fuelSet]!(1000);
    assert.equal(exports['agent_receive']!(answer), answer);
    const left = exports[engineExport.fuelGet]!();
    assert.ok(left < 1000);
    const joint = exports[engineExport.receive]!(answer, 1000);
    assert.equal(joint, answer === 0 ? left : -1 - (answer >>> 0));
    assert.equal(exports[engineExport.fuelGet]!(), left);
  }
});

test('an entry in one crossing takes any limit, and tells exhaustion from an answer', () => {
  const exports = agent('(i32.const 0)');
  const cost = 1000 - exports[engineExport.receive]!(0, 1000);
  const most = Number.MAX_SAFE_INTEGER;
  assert.equal(exports[engineExport.receive]!(0, most), most - cost);
  assert.equal(exports[engineExport.step]!(0, cost), 0);
  assert.throws(() => exports[engineExport.receive]!(0, 0), WebAssembly.RuntimeError);
  assert.equal(exports[engineExport.status]!(), Status.outOfFuel);
});
