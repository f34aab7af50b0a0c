// Whether tensors are what a model takes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ElementType, type FlatTensor } from '../abi/tensor-list.ts';
import { matchInputs, type Signature } from './signature.ts';

const signature: Signature = {
  inputs: [
    { name: 'x', type: ElementType.float32, dims: ['n', 2] },
    { name: 'mask', type: ElementType.bool, dims: ['n'] },
    { name: 'any', type: ElementType.uint8, dims: undefined },
  ],
  outputs: [],
};

function flat(name: string, type: ElementType, dims: number[], data: number[] = []): FlatTensor {
  return { name, type, dims, data: Uint8Array.from(data) };
}

const x = flat('x', ElementType.float32, [3, 2]);
const mask = flat('mask', ElementType.bool, [3], [1, 0, 1]);
const any = flat('any', ElementType.uint8, [1, 1, 1]);

function problem(...given: FlatTensor[]): string {
  const matched = matchInputs(signature, given);
  return matched.ok ? '' : matched.problem;
}

test('tensors are found by name in any order, and by place where they have none', () => {
  assert.equal(problem(any, mask, x), '');
  assert.equal(problem({ ...x, name: '' }, { ...mask, name: '' }, { ...any, name: '' }), '');
  const matched = matchInputs(signature, [any, { ...mask, name: '' }, x]);
  assert.deepEqual(matched.ok && [...matched.tensors.keys()].sort(), ['any', 'mask', 'x']);
});

test('what is wrong is told with what was found and what was wanted', () => {
  assert.equal(problem(x, mask), 'input "any" is missing');
  assert.equal(problem(x, x), 'input "x" is there twice');
  assert.equal(problem({ ...x, name: 'z' }), 'found "z", wanted "x", "mask", "any"');
  assert.equal(
    problem(x, mask, any, { ...x, name: '' }),
    'found a tensor at place 3, wanted "x", "mask", "any"',
  );
  assert.equal(problem({ ...x, type: ElementType.int64 }), 'input "x": found int64, wanted float32');
  assert.equal(problem({ ...x, dims: [3] }), 'input "x": found [3], wanted [n, 2]');
  assert.equal(problem({ ...x, dims: [3, 4] }), 'input "x": found [3, 4], wanted [n, 2]');
  assert.equal(problem(x, { ...mask, dims: [2] }), 'input "mask": found [2], wanted [n], where "n" is 3');
  assert.equal(
    problem(x, { ...mask, data: Uint8Array.of(0, 2, 1) }),
    'input "mask": found a bool that is neither 0 nor 1',
  );
});
