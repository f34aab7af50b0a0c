// The flat form of tensors: the shared vectors, a round trip, and what reading makes of damage.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeHex, encodeHex } from '../base/encoding.ts';
import {
  bytesOfElements,
  decodeInferenceAnswer,
  decodeStrings,
  decodeTensorList,
  ElementType,
  type ElementTypeName,
  elementCount,
  encodeInferenceError,
  encodeRowLists,
  encodeStrings,
  encodeTensorList,
  type FlatTensor,
  InferenceStatus,
} from './tensor-list.ts';

interface Vectors {
  readonly lists: readonly {
    readonly title: string;
    readonly tensors: readonly {
      readonly name: string;
      readonly type: ElementTypeName;
      readonly dims: readonly number[];
      readonly dataHex?: string;
      readonly strings?: readonly string[];
    }[];
    readonly bytesHex: string;
  }[];
  readonly errors: readonly {
    readonly title: string;
    readonly status: keyof typeof InferenceStatus;
    readonly text: string;
    readonly bytesHex: string;
  }[];
  readonly malformed: readonly {
    readonly title: string;
    readonly bytesHex: string;
    readonly problem: string;
  }[];
}

const root = join(import.meta.dirname, '..', '..');
const vectors: Vectors = JSON.parse(readFileSync(join(root, 'test', 'vectors', 'abi-tensors.json'), 'utf8'));
const page = readFileSync(join(root, 'docs', 'formats', 'abi.md'), 'utf8');

test('lists have the bytes of the shared vectors, both ways', () => {
  for (const { title, tensors, bytesHex } of vectors.lists) {
    const flat = tensors.map(({ name, type, dims, dataHex = '', strings }): FlatTensor => {
      const data = strings === undefined ? decodeHex(dataHex)! : encodeStrings(strings);
      return { name, type: ElementType[type], dims, data };
    });
    assert.equal(encodeHex(encodeTensorList(flat)), bytesHex, title);
    const list = decodeTensorList(decodeHex(bytesHex)!);
    assert.deepEqual(list, { ok: true, tensors: flat }, title);
  }
});

test('answers that say why there is no result have the bytes of the shared vectors, both ways', () => {
  for (const { title, status, text, bytesHex } of vectors.errors) {
    assert.equal(encodeHex(encodeInferenceError(InferenceStatus[status], text)), bytesHex, title);
    const answer = decodeInferenceAnswer(decodeHex(bytesHex)!);
    assert.deepEqual(answer, { status: InferenceStatus[status], text }, title);
  }
});

test('malformed lists are refused with what is wrong', () => {
  for (const { title, bytesHex, problem } of vectors.malformed) {
    assert.deepEqual(decodeTensorList(decodeHex(bytesHex)!), { ok: false, problem }, title);
  }
});

const tensor = fc
  .record({
    name: fc.string({ maxLength: 9 }),
    type: fc.constantFrom(...Object.values(ElementType)),
    dims: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.uint8Array({ minLength: 64, maxLength: 64 }),
    text: fc.string({ unit: 'binary', maxLength: 6 }).map((text) => text.replaceAll('\0', ' ')),
  })
  .map(({ name, type, dims, seed, text }): FlatTensor => {
    const count = elementCount(dims);
    const size = bytesOfElements(type, count);
    const data =
      type === ElementType.string
        ? encodeStrings(Array.from({ length: count }, (_, i) => text.slice(0, i).toWellFormed()))
        : Uint8Array.from({ length: size }, (_, i) => seed[i % 64]!);
    return { name: name.toWellFormed(), type, dims, data };
  });

test('any list comes back as it was, and every data begins at a multiple of eight', () => {
  fc.assert(
    fc.property(fc.array(tensor, { maxLength: 4 }), (tensors) => {
      const bytes = encodeTensorList(tensors);
      const list = decodeTensorList(bytes);
      assert.ok(list.ok);
      assert.deepEqual(
        list.tensors.map((each) => ({ ...each, data: each.data.slice() })),
        tensors,
      );
      for (const { data } of list.tensors) assert.equal(data.length === 0 || data.byteOffset % 8 === 0, true);
    }),
  );
});

test('lists cut from rows have the bytes of each list alone, wherever they are put', () => {
  const counts = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 });
  const types = Object.values(ElementType).filter((type) => bytesOfElements(type, 2) > 1);
  const shape = fc.record({
    name: fc.string({ maxLength: 9 }).map((name) => name.toWellFormed()),
    type: fc.constantFrom(...types),
    // Long rows are copied in another way than short ones.
    rest: fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(3) }, fc.constant(200)), { maxLength: 2 }),
    by: fc.constantFrom(0, 8, 24),
  });
  fc.assert(
    fc.property(counts, fc.nat(2), fc.array(shape, { maxLength: 3 }), (sizes, padding, shapes) => {
      const rows = sizes.reduce((sum, size) => sum + size, padding);
      const tensors = shapes.map(({ name, type, rest, by }): FlatTensor => {
        const length = bytesOfElements(type, elementCount([rows, ...rest]));
        return {
          name,
          type,
          dims: [rows, ...rest],
          data: Uint8Array.from({ length: length + by }, (_, i) => i + 1).subarray(by),
        };
      });
      const lists = encodeRowLists(tensors, rows, sizes, (size) =>
        new Uint8Array(size + 8).fill(255).subarray(8),
      );
      let row = 0;
      const alone = sizes.map((size) => {
        row += size;
        return encodeTensorList(
          tensors.map((each) => {
            const rowBytes = each.data.length / rows;
            const data = each.data.subarray((row - size) * rowBytes, row * rowBytes);
            return { ...each, dims: [size, ...each.dims.slice(1)], data };
          }),
        );
      });
      assert.deepEqual(lists, alone);
    }),
  );
});

test('tensors of another number of rows, of strings, or with half bytes in a row are not cut', () => {
  const cut = (type: ElementType, dims: number[], length: number): unknown =>
    encodeRowLists(
      [{ name: 'y', type, dims, data: new Uint8Array(length) }],
      2,
      [1, 1],
      (size) => new Uint8Array(size),
    );
  assert.notEqual(cut(ElementType.float32, [2, 1], 8), undefined);
  assert.equal(cut(ElementType.float32, [4, 1], 16), undefined);
  assert.equal(cut(ElementType.string, [2], 8), undefined);
  assert.equal(cut(ElementType.uint4, [2, 1], 1), undefined);
});

test('whatever the bytes are, reading ends in a list or a text', () => {
  const damaged = fc.tuple(fc.array(tensor, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255), fc.nat());
  fc.assert(
    fc.property(damaged, ([tensors, place, value, length]) => {
      const bytes = encodeTensorList(tensors);
      bytes[place % bytes.length] = value;
      const list = decodeTensorList(bytes.subarray(0, length % (bytes.length + 1)));
      if (!list.ok) assert.ok(list.problem.length > 0);
      decodeInferenceAnswer(bytes);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => decodeTensorList(bytes).ok !== undefined),
  );
});

test('a tensor without elements may have any dimensions that are not too large together', () => {
  const empty = (dims: readonly number[]): boolean =>
    decodeTensorList(
      encodeTensorList([{ name: '', type: ElementType.float32, dims, data: new Uint8Array(0) }]),
    ).ok;
  assert.ok(empty([0]) && empty([0, 0]) && empty([0, 4096, 4096]) && empty([1, 8, 0, 128]));
  assert.ok(!empty([2 ** 24 + 1, 0]) && !empty([0, 2 ** 32 - 1]) && !empty([2 ** 31, 0, 2 ** 31]));
});

test('strings keep their text', () => {
  const texts = ['', 'ü', '😀 two', '\n'];
  assert.deepEqual(decodeStrings(encodeStrings(texts)), texts);
});

test('the page lists every type and every status with its number', () => {
  for (const [name, number] of Object.entries(ElementType)) {
    const bits = name === 'string' ? '' : bytesOfElements(number, 8);
    assert.match(page, new RegExp(`\\| ${number} \\| ${name} \\| ${bits}`), name);
  }
  for (const number of Object.values(InferenceStatus))
    assert.match(page, new RegExp(`^\\| ${number} \\| \\w`, 'm'));
});
