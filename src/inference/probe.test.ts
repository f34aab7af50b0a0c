// When a graphics provider may run a model.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ElementType, type ElementTypeName, encodeStrings } from '../abi/tensor-list.ts';
import type { Tensors } from './batching.ts';
import { differenceOf, halfValue, judge, probe } from './probe.ts';
import { hashModelFolder } from './repository.ts';
import { decoderFiles, llamaModel, qwenModel } from './testing/sample-decoders.ts';
import { folderOf, withoutRuntime } from './testing/sample-models.ts';

function result(...values: readonly number[]): Tensors {
  const data = new Uint8Array(new Float32Array(values).buffer);
  return new Map([['y', { name: 'y', type: ElementType.float32, dims: [values.length], data }]]);
}

test('differences count against the largest value; another shape or a NaN in one of them is too far', () => {
  assert.equal(differenceOf(result(1, -4), result(1, -4)), 0);
  assert.equal(differenceOf(result(1, -4), result(2, -4)), 0.25);
  assert.equal(differenceOf(result(1), result(1, 2)), Number.POSITIVE_INFINITY);
  assert.equal(differenceOf(result(1), result(Number.NaN)), Number.POSITIVE_INFINITY);
  assert.equal(differenceOf(result(Number.NaN), result(Number.NaN)), 0);
});

test('whole numbers of every size count by their values, and texts are the same or not', () => {
  const of = (name: ElementTypeName, view: ArrayBufferView, count = 1): Tensors => {
    const data = new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
    return new Map([['y', { name: 'y', type: ElementType[name], dims: [count], data }]]);
  };
  const apart = (name: ElementTypeName, a: ArrayBufferView, b: ArrayBufferView, count?: number): number =>
    differenceOf(of(name, a, count), of(name, b, count));
  assert.equal(apart('int32', Int32Array.of(-256), Int32Array.of(-255)), 1 / 256);
  assert.equal(apart('uint32', Uint32Array.of(2 ** 32 - 1), Uint32Array.of(0)), 1);
  assert.equal(apart('int16', Int16Array.of(256), Int16Array.of(255)), 1 / 256);
  assert.equal(apart('uint16', Uint16Array.of(65_280), Uint16Array.of(65_279)), 1 / 65_280);
  assert.equal(apart('int8', Int8Array.of(100, -1), Int8Array.of(100, 0), 2), 0.01);
  assert.equal(apart('uint64', BigUint64Array.of(2n ** 63n), BigUint64Array.of(2n ** 62n)), 0.5);
  assert.equal(apart('uint4', Uint8Array.of(0x0f, 1), Uint8Array.of(0x0f, 2), 3), 1 / 15);
  assert.equal(apart('int4', Uint8Array.of(0xf8), Uint8Array.of(0x08), 2), 1 / 8);
  const [cat, cau] = [encodeStrings(['cat']), encodeStrings(['cau'])];
  assert.equal(apart('string', cat, cat.slice()), 0);
  assert.equal(apart('string', cat, cau), Number.POSITIVE_INFINITY, 'one letter away is another label');
});

test('a provider is used within 2% of the processor and 5% of itself, and says what it was', () => {
  const wanted = result(100);
  assert.deepEqual(judge(wanted, [result(101), result(101)]).usable, true);
  assert.match(
    judge(wanted, [result(103)]).reason,
    /differ by 3.00% from the processor's, wanted at most 2.00%/,
  );
  assert.equal(judge(result(100, 1), [result(100, 0), result(101, 1)]).variance, 0.01);
});

test('decoders of both forms are tried with a prompt, the processor standing in for the hardware', {
  skip: withoutRuntime('native'),
}, async () => {
  for (const files of [decoderFiles(qwenModel(), 'qwen2'), decoderFiles(llamaModel(), 'llama')]) {
    const folder = folderOf(files);
    const { sha256 } = hashModelFolder(folder);
    const verdict = await probe({ folder, mode: 'gpu', provider: 'cpu', sha256, batchMax: 1 });
    assert.deepEqual(verdict, { usable: true, reason: '', difference: 0, variance: 0 });
  }
});

test('halves have their values', () => {
  assert.deepEqual([0x3c00, 0xc000, 0x7c00, 0x0001, 0x3555].map(halfValue), [
    1,
    -2,
    Number.POSITIVE_INFINITY,
    2 ** -24,
    0.333251953125,
  ]);
  assert.ok(Number.isNaN(halfValue(0x7e00)));
});
