// When requests run together, and that no answer shows it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ElementType, encodeTensorList, type FlatTensor } from '../abi/tensor-list.ts';
import { encodeHex } from '../base/encoding.ts';
import {
  findBatching,
  groupRequests,
  hasRows,
  joinRows,
  type Rows,
  sampleInputs,
  splitRows,
  type Tensors,
} from './batching.ts';
import { modelProto, node, tensorProto, valueInfo } from './onnx/write-model.ts';
import { ModelSession } from './session.ts';
import type { TensorSpec } from './signature.ts';
import { elementwise, hosted, looping, withoutRuntime } from './testing/sample-models.ts';

const { float32, int64 } = ElementType;
const skip = withoutRuntime('portable');

function rows(...values: readonly number[]): Tensors {
  const data = new Uint8Array(new Float32Array(values).buffer);
  return new Map([['x', { name: 'x', type: float32, dims: [values.length], data }]]);
}

const x: TensorSpec = { name: 'x', type: float32, dims: ['n', 2] };

test('only a model whose every input and output begins with rows may run several requests together', () => {
  assert.equal(hasRows({ inputs: [x], outputs: [x] }), true);
  assert.equal(hasRows({ inputs: [], outputs: [x] }), false);
  assert.equal(hasRows({ inputs: [{ ...x, dims: [1, 2] }], outputs: [x] }), false);
  assert.equal(hasRows({ inputs: [x, { ...x, dims: ['m'] }], outputs: [x] }), false);
  assert.equal(hasRows({ inputs: [x], outputs: [{ ...x, dims: [] }] }), false);
  assert.equal(hasRows({ inputs: [x, { ...x, type: ElementType.string }], outputs: [x] }), false);
});

test('rows that are joined come apart again', () => {
  const joined = joinRows([rows(1, 2), rows(3), rows(4, 5, 6)]);
  assert.deepEqual(joined.get('x')?.dims, [6]);
  assert.deepEqual(
    splitRows(joined, 6),
    [1, 2, 3, 4, 5, 6].map((value) => rows(value)),
  );
  assert.equal(splitRows(joined, 5), undefined);
});

test('requests of one shape go together in order, as many rows as are allowed', () => {
  const request = (count: number): Rows => ({ rows: count, shape: 'x' });
  const requests = [request(1), request(2), undefined, request(1), request(5), request(1)];
  assert.deepEqual(groupRequests(requests, { kind: 'any', rowsMax: 4 }), [[0, 1, 3], [2], [4], [5]]);
  assert.deepEqual(groupRequests(requests, { kind: 'padded', rows: 3 }), [[0, 1], [2], [3, 5], [4]]);
  assert.deepEqual(groupRequests(requests, { kind: 'single' }), [[0], [1], [2], [3], [4], [5]]);
});

test('a model that adds its rows up, or fails on made-up inputs, runs singly', async () => {
  const signature = { inputs: [x], outputs: [x] };
  const mixing = async (inputs: Tensors): Promise<Tensors> => {
    const { dims, data } = inputs.get('x')!;
    const sum = new Float32Array(data.slice().buffer).reduce((all, value) => all + value, 0);
    return new Map([['x', { name: 'x', type: float32, dims, data: bytesOf(dims[0]! * 2, sum) }]]);
  };
  assert.deepEqual(await findBatching(signature, 8, mixing), { kind: 'single' });
  const failing = (): Promise<Tensors> => Promise.reject(new Error('index out of range'));
  assert.deepEqual(await findBatching(signature, 8, failing), { kind: 'single' });
});

test('a model whose sums depend on the size of the batch fills every batch up', async () => {
  const signature = { inputs: [x], outputs: [x] };
  const bySize = async (inputs: Tensors): Promise<Tensors> => {
    const { dims, data } = inputs.get('x')!;
    const values = new Float32Array(data.slice().buffer).map((value) => value * (1 + dims[0]!));
    return new Map([['x', { name: 'x', type: float32, dims, data: new Uint8Array(values.buffer) }]]);
  };
  assert.deepEqual(await findBatching(signature, 8, bySize), { kind: 'padded', rows: 8 });
});

test('long rows are tried where sizes are free, and a model that takes none is judged by short ones', async () => {
  const spec: TensorSpec = { name: 'x', type: float32, dims: ['n', 'd'] };
  const signature = { inputs: [spec], outputs: [spec] };
  const scaled =
    (factor: (rows: number, width: number, row: number) => number) =>
    async (inputs: Tensors): Promise<Tensors> => {
      const { dims, data } = inputs.get('x')!;
      const [count, width] = dims as [number, number];
      const values = new Float32Array(data.slice().buffer);
      const out = values.map((value, i) => value * factor(count, width, Math.floor(i / width)));
      return new Map([['x', { name: 'x', type: float32, dims, data: new Uint8Array(out.buffer) }]]);
    };
  const never = (): boolean => false;
  const bySize = scaled((count, width) => (width > 8 ? 1 + count : 1));
  assert.deepEqual(await findBatching(signature, 8, bySize, never), { kind: 'padded', rows: 8 });
  const byPlace = scaled((_, width, row) => (width > 8 ? 1 + (row % 2) : 1));
  assert.deepEqual(await findBatching(signature, 8, byPlace, never), { kind: 'single' });
  const short = scaled((_, width) => {
    if (width > 1) throw new Error('it takes one number');
    return 2;
  });
  assert.deepEqual(await findBatching(signature, 8, short, never), { kind: 'any', rowsMax: 8 });
});

function bytesOf(count: number, value: number): Uint8Array {
  return new Uint8Array(new Float32Array(count).fill(value).buffer);
}

/** x times a constant matrix: its sums are the same in any batch. */
function product(size: number): Uint8Array<ArrayBuffer> {
  const weights = Float32Array.from({ length: size * size }, (_, i) => ((i * 7919) % 2003) / 1013 - 0.97);
  return modelProto({
    nodes: [node('MatMul', ['x', 'w'], ['m']), node('Tanh', ['m'], ['y'])],
    inputs: [valueInfo('x', float32, ['n', size])],
    outputs: [valueInfo('y', float32, ['n', size])],
    initializers: [tensorProto('w', float32, [size, size], weights)],
  });
}

test('rows of whole numbers that are made up have more and fewer of each', () => {
  for (const type of [int64, ElementType.int32, ElementType.uint8]) {
    const signature = { inputs: [{ name: 'ids', type, dims: ['n', 6] }], outputs: [] };
    const sums = Array.from({ length: 8 }, (_, seed) => {
      const { data } = sampleInputs(signature, seed).get('ids')!;
      assert.ok(data.every((byte) => byte <= 1));
      return data.reduce((sum, byte) => sum + byte, 0);
    });
    assert.ok(new Set(sums).size > 2, `${sums}`);
  }
});

test('rows that are scaled by the largest of all run singly, however alike the made-up ones are', {
  skip,
}, async () => {
  const { int8 } = ElementType;
  const embedding = Float32Array.from({ length: 80 }, (_, i) => Math.sin(i * 7.3) * (i < 16 ? 1 : 5));
  const weights = Int8Array.from({ length: 24 }, (_, i) => ((i * 37) % 100) - 50);
  // A bag of words, as it is quantised for small machines: the mean of its words, times a matrix.
  const model = modelProto({
    nodes: [
      node('Gather', ['embedding', 'ids'], ['words']),
      node('ReduceMean', ['words'], ['mean'], { axes: { ints: [1] }, keepdims: { int: 0 } }),
      node('DynamicQuantizeLinear', ['mean'], ['q', 'scale', 'zero']),
      node('MatMulInteger', ['q', 'w', 'zero'], ['product']),
      node('Cast', ['product'], ['float'], { to: { int: float32 } }),
      node('Mul', ['float', 'scale'], ['y']),
    ],
    inputs: [valueInfo('ids', int64, ['n', 6])],
    outputs: [valueInfo('y', float32, ['n', 3])],
    initializers: [
      tensorProto('embedding', float32, [10, 8], embedding),
      tensorProto('w', int8, [8, 3], weights),
    ],
  });
  const session = await ModelSession.open({ ...hosted(model), provider: 'wasm' });
  const request = (word: number): Uint8Array => {
    const data = new Uint8Array(
      BigInt64Array.from({ length: 6 }, (_, i) => BigInt((i * word + word) % 10)).buffer,
    );
    return encodeTensorList([{ name: 'ids', type: int64, dims: [1, 6], data }]);
  };
  const alone = await session.run([request(1)], 1000);
  const together = await session.run([request(1), request(3), request(7), request(8)], 1000);
  assert.deepEqual(together.answers[0], alone.answers[0]);
  assert.equal(session.batching.kind, 'single');
  await session.release();
});

test('any grouping gives each request the bits that it has alone', { skip }, async () => {
  const size = 24;
  const session = await ModelSession.open({ ...hosted(product(size)), provider: 'wasm', batchMax: 8 });
  const alone = await ModelSession.open({ ...hosted(product(size)), provider: 'wasm', batchMax: 1 });
  assert.notEqual(session.batching.kind, 'single');
  const request = fc.integer({ min: 1, max: 3 }).chain((count) =>
    fc
      .array(fc.float({ noNaN: true, min: -9, max: 9 }), { minLength: count * size, maxLength: count * size })
      .map((values) => {
        const data = new Uint8Array(new Float32Array(values).buffer);
        return encodeTensorList([
          { name: '', type: float32, dims: [count, size], data } satisfies FlatTensor,
        ]);
      }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 9 }), async (requests) => {
      const together = await session.run(requests, 1e6);
      const hex = together.answers.map(({ bytes }) => encodeHex(bytes));
      for (const [i, bytes] of requests.entries()) {
        const single = session.batching.kind === 'any' ? alone : session;
        const [answer] = (await single.run([bytes], 1e6)).answers;
        assert.equal(hex[i], encodeHex(answer!.bytes));
      }
    }),
    { numRuns: 20 },
  );
  await session.release();
  await alone.release();
});

test('real models: what is element by element may run in any batch, a loop without rows singly', {
  skip,
}, async () => {
  const plain = await ModelSession.open({ ...hosted(elementwise('Sigmoid')), provider: 'wasm', batchMax: 4 });
  assert.deepEqual(plain.batching, { kind: 'any', rowsMax: 4 });
  const loop = await ModelSession.open({ ...hosted(looping(3)), provider: 'wasm', batchMax: 4 });
  assert.deepEqual(loop.batching, { kind: 'single' });
  const whole = modelProto({
    nodes: [node('ReduceSum', ['x'], ['y'], { keepdims: { int: 1 } })],
    inputs: [valueInfo('x', float32, ['n'])],
    outputs: [valueInfo('y', float32, ['k'])],
  });
  const sum = await ModelSession.open({ ...hosted(whole), provider: 'wasm', batchMax: 4 });
  assert.deepEqual(sum.batching, { kind: 'single' });
  const lookup = modelProto({
    nodes: [node('Gather', ['table', 'at'], ['y'])],
    inputs: [valueInfo('at', int64, ['n'])],
    outputs: [valueInfo('y', float32, ['n', 2])],
    initializers: [tensorProto('table', float32, [2, 2], new Float32Array([1, 2, 3, 4]))],
  });
  const gather = await ModelSession.open({ ...hosted(lookup), provider: 'wasm', batchMax: 4 });
  assert.deepEqual(gather.batching, { kind: 'any', rowsMax: 4 });
  for (const session of [plain, loop, sum, gather]) await session.release();
});
