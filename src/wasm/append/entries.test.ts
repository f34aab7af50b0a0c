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
