// A session in the process of its caller: what it is for those who run it step by step.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeTensorList, ElementType, encodeTensorList } from '../abi/tensor-list.ts';
import { elementsOf } from './host-tensor.ts';
import { bytesField, graphProto, modelProto, node, valueInfo } from './onnx/write-model.ts';
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

test('a request whose inputs have different numbers of rows is answered as without others', {
  skip: withoutRuntime('portable'),
}, async () => {
  const { float32 } = ElementType;
  const model = modelProto({
    nodes: [node('Add', ['a', 'b'], ['y'])],
    // Sizes without a name may be anything.
    inputs: [valueInfo('a', float32, [-1, 1]), valueInfo('b', float32, [-1, 1])],
    outputs: [valueInfo('y', float32, [-1, 1])],
  });
  const session = await ModelSession.open({ ...hosted(model), provider: 'wasm' });
  assert.equal(session.batching.kind, 'any');
  const tensor = (name: string, rows: number) => {
    const data = new Uint8Array(new Float32Array(rows).fill(rows).buffer);
    return { name, type: float32, dims: [rows, 1], data };
  };
  const request = (a: number, b: number) => encodeTensorList([tensor('a', a), tensor('b', b)]);
  const requests = [request(1, 2), request(3, 2), request(2, 1), request(2, 3), request(2, 2)];
  const { answers } = await session.run(requests, 1000);
  for (const [i, each] of requests.entries())
    assert.deepEqual(answers[i], (await session.run([each], 1000)).answers[0], `request ${i}`);
  await session.release();
});

test('what draws random numbers is refused in mode "portable", and only there', {
  skip: withoutRuntime('portable') || withoutRuntime('native'),
}, async () => {
  const model = hosted(elementwise('RandomNormalLike'));
  const portable = ModelSession.open({ ...model, provider: 'wasm' });
  await assert.rejects(portable, {
    code: 'model-refused',
    message: /which draws random numbers, wanted a model that answers/,
  });
  const native = await ModelSession.open({ ...model, mode: 'native', provider: 'cpu' });
  assert.equal(native.batching.kind, 'single');
  await native.release();
});

test('a model whose branches do not say what they give is run', {
  skip: withoutRuntime('portable'),
}, async () => {
  const { bool, float32 } = ElementType;
  const branch = (operator: string, name: string) => ({
    graph: graphProto({ nodes: [node(operator, ['x'], [name])], inputs: [], outputs: [bytesField(1, name)] }),
  });
  const model = modelProto({
    nodes: [node('If', ['c'], ['y'], { then_branch: branch('Neg', 'a'), else_branch: branch('Abs', 'b') })],
    inputs: [valueInfo('x', float32, ['?', '?']), valueInfo('c', bool, [])],
    outputs: [valueInfo('y', float32, ['?', '?'])],
  });
  const session = await ModelSession.open({ ...hosted(model), provider: 'wasm' });
  const x = new Float32Array([-1, 2]);
  const answerTo = async (c: number) => {
    const request = encodeTensorList([
      { name: 'x', type: float32, dims: [1, 2], data: new Uint8Array(x.buffer) },
      { name: 'c', type: bool, dims: [], data: Uint8Array.of(c) },
    ]);
    const list = decodeTensorList((await session.run([request], 1000)).answers[0]!.bytes);
    return list.ok && elementsOf(float32, list.tensors[0]!.data);
  };
  assert.deepEqual(
    [await answerTo(1), await answerTo(0)],
    [
      [1, -2],
      [1, 2],
    ],
  );
  await session.release();
});

test('elements of four bits are refused where the runtime cannot give or take them', {
  skip: withoutRuntime('portable') || withoutRuntime('native'),
}, async () => {
  const { int4, uint4, float32 } = ElementType;
  const cast = (from: number, to: number) =>
    modelProto(
      {
        nodes: [node('Cast', ['x'], ['y'], { to: { int: to } })],
        inputs: [valueInfo('x', from, ['n'])],
        outputs: [valueInfo('y', to, ['n'])],
      },
      21,
    );
  const giving = hosted(cast(float32, int4));
  const taking = hosted(cast(uint4, float32));
  const refused = (message: RegExp) => ({ code: 'model-refused', message });
  await assert.rejects(ModelSession.open({ ...giving, provider: 'wasm' }), refused(/output "y" is int4/));
  const native = { mode: 'native', provider: 'cpu' } as const;
  await assert.rejects(ModelSession.open({ ...giving, ...native }), refused(/output "y" is int4/));
  await assert.rejects(ModelSession.open({ ...taking, ...native }), refused(/input "x" is uint4/));
  await (await ModelSession.open({ ...taking, provider: 'wasm' })).release();
});
