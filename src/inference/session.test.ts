// A session in the process of its caller: what it is for those who run it step by step.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ElementType, encodeTensorList } from '../abi/tensor-list.ts';
import { ModelSession } from './session.ts';
import { elementwise, hosted, withoutRuntime } from './testing/sample-models.ts';

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
