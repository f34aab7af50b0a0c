// A session in the process of its caller: what it is for those who run it step by step.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ElementType, encodeTensorList } from '../abi/tensor-list.ts';
import { ModelSession } from './session.ts';
import { elementwise, hosted, looping, withoutRuntime } from './testing/sample-models.ts';

test('a session tells its signature and runs until it is released', {
  skip: withoutRuntime('portable'),
}, async () => {
  const session = await ModelSession.open({ ...hosted(elementwise('Abs')), provider: 'wasm' });
  assert.deepEqual(session.signature.outputs, [{ name: 'y', type: ElementType.float32, dims: ['n'] }]);
  const x = new session.runtime.Tensor('float32', new Float32Array([-3]), [1]);
  assert.deepEqual([...((await session.inner.run({ x })).y!.data as Float32Array)], [3]);
  const { answers } = await session.run([encodeTensorList([])], 100);
  assert.equal(answers[0]!.problem, 'Cannot run the model: input "x" is missing');
  await session.release();
});

test('a run that takes long says so before its answers are there', {
  skip: withoutRuntime('portable'),
}, async () => {
  const session = await ModelSession.open({ ...hosted(looping(100_000)), provider: 'wasm' });
  const data = new Uint8Array(new Float32Array([1]).buffer);
  const request = encodeTensorList([{ name: 'x', type: ElementType.float32, dims: [1], data }]);
  const seen: string[] = [];
  const allocate = (size: number): Uint8Array<ArrayBuffer> => {
    seen.push('answer');
    return new Uint8Array(size);
  };
  await session.run([request], 100, allocate, () => seen.push('run'));
  assert.deepEqual(seen, ['run', 'answer']);
  await session.release();
});
