// What is read of a model before a runtime sees it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ElementType } from '../../abi/tensor-list.ts';
import { EngineError } from '../../base/errors.ts';
import { elementwise, external, looping, zeros } from '../testing/sample-models.ts';
import { readModel } from './read-model.ts';

function refusal(bytes: Uint8Array): string {
  try {
    readModel(bytes);
  } catch (error) {
    assert.ok(error instanceof EngineError && error.code === 'model-refused', String(error));
    return error.message;
  }
  return '';
}

test('readModel() tells inputs and outputs, without those that have a value of their own', () => {
  const { inputs, outputs, externalFiles, unbounded } = readModel(elementwise('Relu'));
  assert.deepEqual(inputs, [{ name: 'x', type: ElementType.float32, dims: ['n'] }]);
  assert.deepEqual(outputs, [{ name: 'y', type: ElementType.float32, dims: ['n'] }]);
  assert.deepEqual([externalFiles, unbounded], [[], undefined]);
});

test('a loop ends when its number of steps is a constant that is not too large', () => {
  assert.equal(readModel(looping(1000)).unbounded, undefined);
  assert.match(readModel(looping('none')).unbounded ?? '', /without a constant number of steps/);
  assert.match(readModel(looping('input')).unbounded ?? '', /without a constant number of steps/);
  assert.match(readModel(looping(2 ** 40)).unbounded ?? '', /more than 10000000 steps/);
});

test('weights may lie in files of the same folder, and nowhere else', () => {
  assert.deepEqual(readModel(external('w.bin')).externalFiles, ['w.bin']);
  assert.deepEqual(readModel(external('./w.bin')).externalFiles, ['w.bin']);
  for (const file of ['../w.bin', '/etc/passwd', 'a/b.bin', '..', 'c:w', 'a\\b', ''])
    assert.match(refusal(external(file)), /wanted a file of its own folder/, file);
});

test('damaged bytes are refused with one error, or read as some other model', () => {
  const models = [elementwise('Relu'), looping(3), external('w'), zeros(9)];
  const damaged = fc.tuple(fc.constantFrom(...models), fc.nat(), fc.nat(255), fc.nat());
  fc.assert(
    fc.property(damaged, ([model, place, value, length]) => {
      const bytes = model.slice(0, 1 + (length % model.length));
      bytes[place % bytes.length] = value;
      refusal(bytes);
    }),
    { numRuns: 400 },
  );
  assert.match(refusal(new Uint8Array(0)), /it has no graph/);
  assert.match(refusal(new TextEncoder().encode('<html>')), /no ONNX model/);
});
