// The registry as a program uses it.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EngineError } from '../base/errors.ts';
import { ModelRegistry } from './model-registry.ts';
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
  const wrong = { ...x(1), type: 'int32' } as const;
  await assert.rejects(
    registry.infer('sign', { x: wrong }),
    isCode('input-invalid', /found int32, wanted float32/),
  );
  const pinned = new ModelRegistry({ repository, pins: { sign: { 1: 'ff' } } });
  await assert.rejects(pinned.loadModel('sign', '1'), isCode('model-refused', /its hash is \w+, wanted ff/));
  await pinned.close();
});
