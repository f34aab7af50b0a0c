// The registry as a program uses it.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EngineError } from '../base/errors.ts';
import { ModelRegistry, type ModelTensors } from './model-registry.ts';
import { hashModelFolder } from './repository.ts';
import { elementwise, folderOf, withoutRuntime } from './testing/sample-models.ts';

const skip = withoutRuntime('portable');
const repository = folderOf({});
for (const [name, operator] of [
  ['sign/1', 'Neg'],
  ['sign/2', 'Abs'],
  ['text/1', 'Identity'],
] as const) {
  mkdirSync(join(repository, name), { recursive: true });
  writeFileSync(join(repository, name, 'model.onnx'), elementwise(operator, operator === 'Identity' ? 8 : 1));
}
const registry = new ModelRegistry({ repository, batchMax: 4 });
after(() => registry.close());

const x = (...values: number[]) =>
  ({ type: 'float32', dims: [values.length], data: new Float32Array(values) }) as const;
const isCode = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof EngineError && error.code === code && words.test(error.message);

test('versions stand side by side; the one loaded last is used, and what is unloaded is gone', {
  skip,
}, async () => {
  const first = await registry.loadModel('sign', '1');
  assert.equal(first.sha256, hashModelFolder(join(repository, 'sign', '1')).sha256);
  assert.deepEqual([first.batching, first.inputs[0]!.name], ['any', 'x']);
  assert.deepEqual([...((await registry.infer('sign', { x: x(1, -2) })).y!.data as Float32Array)], [-1, 2]);
  await registry.loadModel('sign', '2');
  await registry.loadModel('sign', '2');
  assert.deepEqual([...((await registry.infer('sign', { x: x(1, -2) })).y!.data as Float32Array)], [1, 2]);
  const old = await registry.infer('sign', { x: x(1, -2) }, '1');
  assert.deepEqual([...(old.y!.data as Float32Array)], [-1, 2]);
  await registry.unloadModel('sign', '2');
  assert.deepEqual((await registry.infer('sign', { x: x(-3) })).y!.dims, [1]);
  await registry.unloadModel('sign', '2');
  await assert.rejects(registry.infer('sign', { x: x(1) }, '2'), isCode('input-invalid', /it is not loaded/));
  assert.deepEqual([...((await registry.infer('sign', { x: x(5) })).y!.data as Float32Array)], [-5]);
});

test('what a model takes and gives is told in the words of its tensors', { skip }, async () => {
  const { inputs, outputs } = await registry.loadModel('text', '1');
  assert.deepEqual(inputs, [{ name: 'x', type: 'string', dims: ['n'] }]);
  assert.deepEqual(outputs, [{ name: 'y', type: 'string', dims: ['n'] }]);
});

test('loading is given up after loadTimeoutMs, with one clear error', { skip }, async () => {
  const hasty = new ModelRegistry({ repository, loadTimeoutMs: 1 });
  const late = isCode('model-refused', /^Cannot load model "sign\/1": loading it took longer than 1 ms$/);
  await assert.rejects(hasty.loadModel('sign', '1'), late);
  await hasty.close();
});

test('results may be as large as they like where that is said', { skip }, async () => {
  const open = new ModelRegistry({ repository, outputBytesMax: Number.POSITIVE_INFINITY });
  await open.loadModel('sign', '1');
  assert.deepEqual([...((await open.infer('sign', { x: x(2) })).y!.data as Float32Array)], [-2]);
  await open.close();
});

test('several lists are answered in their order; texts pass, too', { skip }, async () => {
  await registry.loadModel('sign', '1');
  await registry.loadModel('text', '1');
  const outputs = await registry.batchInfer('sign', [{ x: x(1) }, { x: x(2, 3) }, { x: x(4) }]);
  assert.deepEqual(
    outputs.map(({ y }) => [...(y!.data as Float32Array)]),
    [[-1], [-2, -3], [-4]],
  );
  const words = { type: 'string', dims: [2], data: ['ü', 'two'] } as const;
  assert.deepEqual((await registry.infer('text', { x: words })).y, words);
});

test('what is wrong is an error with its code', { skip }, async () => {
  await registry.loadModel('sign', '1');
  await assert.rejects(registry.loadModel('sign', '9'), isCode('model-missing', /no folder at/));
  await assert.rejects(registry.loadModel('../sign', '1'), isCode('input-invalid', /wanted up to 64/));
  await assert.rejects(registry.infer('sign', {}), isCode('input-invalid', /input "x" is missing/));
  const wrong = { type: 'int32', dims: [1], data: new Int32Array([1]) } as const;
  await assert.rejects(
    registry.infer('sign', { x: wrong }),
    isCode('input-invalid', /found int32, wanted float32/),
  );
  const pinned = new ModelRegistry({ repository, pins: { sign: { 1: 'f'.repeat(64) } } });
  await assert.rejects(pinned.loadModel('sign', '1'), isCode('model-refused', /its hash is \w+, wanted ff/));
  await pinned.close();
});

test('what is no tensor is refused with what was found and wanted, and never read as another', {
  skip,
}, async () => {
  await registry.loadModel('sign', '1');
  await registry.loadModel('text', '1');
  const good = { type: 'float32', dims: [1, 3], data: new Float32Array(3) };
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [{ ...good, data: [1, 2, 3] }, /input "x": found a list as data of type "float32", wanted Float32Array$/],
    [
      { ...good, data: new Int32Array(3) },
      /found Int32Array as data of type "float32", wanted Float32Array$/,
    ],
    [{ ...good, data: undefined }, /found undefined as data of type "float32"/],
    [{ ...good, data: new Float32Array(4) }, /found 16 bytes of data, wanted 12 for dims \[1,3\]$/],
    [{ ...good, type: 'Float32' }, /found type "Float32", wanted float32, uint8/],
    [{ ...good, type: '__proto__' }, /found type "__proto__", wanted/],
    [{ ...good, type: undefined }, /found undefined as its type/],
    [{ ...good, dims: undefined }, /found undefined as its dims, wanted a list of sizes$/],
    [{ ...good, dims: [1.5, 2] }, /found 1.5 among its dims, wanted whole numbers from 0 to 4294967295$/],
    [{ ...good, dims: [-1, 3] }, /found -1 among its dims/],
    [{ ...good, dims: [Number.NaN, 3] }, /found NaN among its dims/],
    [{ ...good, dims: [2 ** 32 + 1, 3] }, /found 4294967297 among its dims/],
    [{ ...good, dims: ['3'] }, /found a string among its dims/],
    [{ ...good, dims: [2 ** 31, 3] }, /it has 6442450944 elements/],
    [{ ...good, dims: [2 ** 32 - 1, 0], data: new Float32Array(0) }, /it has no elements, and 4294967295/],
    [{ ...good, dims: new Array(17).fill(1) }, /it has 17 dimensions, wanted at most 16$/],
    [null, /input "x": found null, wanted a tensor with type, dims and data$/],
    [new Float32Array(3), /input "x": found Float32Array, wanted a tensor/],
  ];
  const infer = (id: string, inputs: unknown) => registry.infer(id, inputs as ModelTensors);
  for (const [tensor, words] of bad)
    await assert.rejects(infer('sign', { x: tensor }), isCode('input-invalid', words), String(words));
  const texts: readonly (readonly [unknown, RegExp])[] = [
    [[1], /found a number in its data, wanted texts$/],
    [new Uint8Array(1), /found Uint8Array as data of type "string", wanted a list of texts$/],
    [['a', 'b'], /found 2 texts of data, wanted 1 for dims \[1\]$/],
    [['a\0b'], /found a text with a NUL/],
    [['\ud800'], /found a text with half a surrogate pair/],
  ];
  for (const [data, words] of texts) {
    const inputs = { x: { type: 'string', dims: [1], data } };
    await assert.rejects(infer('text', inputs), isCode('input-invalid', words), String(words));
  }
  await assert.rejects(infer('sign', null), isCode('input-invalid', /inputs of model "sign": found null/));
  assert.throws(
    () => new ModelRegistry({ repository, mode: 'fast' as 'native' }),
    isCode('input-invalid', /its mode is "fast", wanted "portable", "native", "gpu"$/),
  );
});

test('options are looked at once, and none is clamped or passed over', () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /its options are undefined, wanted a table with a "repository"$/],
    [{}, /its repository is undefined, wanted the path of a folder$/],
    [{ repository, modelByteMax: 5 }, /it has the option "modelByteMax", wanted repository, /],
    [{ repository, batchMax: 2.5 }, /its batchMax is 2.5, wanted a whole number from 1 to 1024$/],
    [{ repository, batchMax: 1e9 }, /its batchMax is 1000000000, wanted/],
    [{ repository, outputBytesMax: Number.NaN }, /its outputBytesMax is NaN, wanted/],
    // A timer of that length would end at once.
    [
      { repository, timeoutMs: 1e13 },
      /its timeoutMs is 10000000000000, wanted a whole number from 1 to 86400000$/,
    ],
    [{ repository, timeoutMs: 5 }, /its timeoutMs is 5, wanted none in mode "portable", which waits/],
    [{ repository, loadTimeoutMs: Number.POSITIVE_INFINITY }, /its loadTimeoutMs is Infinity, wanted/],
    [{ repository, modelBytesMax: '5' }, /its modelBytesMax is "5", wanted/],
    [{ repository, onEvent: 5 }, /its onEvent is 5, wanted a function$/],
    [{ repository, pins: null }, /its pins are null, wanted a table of models$/],
    [{ repository, pins: { sign: '1' } }, /its pins of "sign" are "1", wanted a table of versions$/],
    [{ repository, pins: { sign: { 1: 'FF' } } }, /its pin of "sign\/1" is "FF", wanted a SHA-256/],
  ];
  for (const [options, words] of wrong)
    assert.throws(() => new ModelRegistry(options as { repository: string }), isCode('input-invalid', words));
});

test('names that are no texts and data that are gone are errors like others', { skip }, async () => {
  const [one, two] = [1, undefined] as unknown as string[];
  await assert.rejects(
    registry.loadModel('sign', one!),
    isCode('input-invalid', /Cannot load a name of type number/),
  );
  await assert.rejects(registry.loadModel(two!, '1'), isCode('input-invalid', /a name of type undefined/));
  await registry.loadModel('sign', '1');
  const data = new Float32Array(2);
  structuredClone(data, { transfer: [data.buffer] });
  const gone = registry.infer('sign', { x: { type: 'float32', dims: [2], data } });
  await assert.rejects(gone, isCode('input-invalid', /found data that were transferred away/));
  // Memory that nothing writes takes no room.
  const wide = { type: 'uint8', dims: [2 ** 31 - 1], data: new Uint8Array(2 ** 31 - 1) } as const;
  const large = registry.infer('sign', { x: wide });
  await assert.rejects(
    large,
    isCode('input-invalid', /found tensors of 2147483647 bytes together, wanted at most/),
  );
});
