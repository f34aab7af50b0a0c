// Reading requests one after another: what was read before changes nothing of what is read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ElementType, encodeStrings, encodeTensorList, type FlatTensor } from '../abi/tensor-list.ts';
import { joinRows } from './batching.ts';
import { joinAlike, type ModelRequest, RequestReader } from './request-reader.ts';
import type { Signature } from './signature.ts';

const { bool, float32, string, uint8 } = ElementType;
const numbers: Signature = {
  inputs: [
    { name: 'x', type: float32, dims: ['n', 2] },
    { name: 'u', type: uint8, dims: undefined },
  ],
  outputs: [],
};

function flat(name: string, type: ElementType, dims: readonly number[], fill: number): FlatTensor {
  const count = dims.reduce((product, dim) => product * dim, type === float32 ? 4 : 1);
  return { name, type, dims, data: new Uint8Array(count).fill(fill) };
}

/** In another piece of memory, at another place. */
function moved(bytes: Uint8Array, by: number): Uint8Array {
  const place = new Uint8Array(bytes.length + by);
  place.set(bytes, by);
  return place.subarray(by);
}

test('a request is read as if none had come before it', () => {
  const request = fc
    .record({
      // Most are alike.
      rows: fc.constantFrom(1, 1, 1, 2),
      size: fc.constantFrom(3, 3, 3, 0),
      fill: fc.nat(255),
      form: fc.constantFrom('named', 'named', 'named', 'placed', 'turned', 'lacking', 'other'),
      damage: fc.option(fc.tuple(fc.nat(90), fc.nat(3)), { freq: 2 }),
      by: fc.constantFrom(0, 8, 64),
    })
    .map(({ rows, size, fill, form, damage, by }) => {
      const name = (own: string): string => (form === 'placed' ? '' : form === 'other' ? 'z' : own);
      const x = flat(name('x'), float32, [rows, 2], fill);
      const u = flat(name('u'), uint8, [size], fill);
      const bytes = encodeTensorList(form === 'turned' ? [u, x] : form === 'lacking' ? [x] : [x, u]);
      if (damage !== null) bytes[damage[0] % bytes.length] = damage[1];
      return moved(bytes, by);
    });
  fc.assert(
    fc.property(fc.array(request, { minLength: 2, maxLength: 6 }), (requests) => {
      const reader = new RequestReader(numbers);
      for (const bytes of requests) {
        const alone = new RequestReader(numbers).read(bytes);
        const read = reader.read(bytes);
        assert.deepEqual(read, alone);
        if (read.ok && alone.ok) {
          assert.deepEqual(read.request.tensors, alone.request.tensors);
          assert.deepEqual([...alone.request.tensors.keys()], ['x', 'u']);
        }
        // The memory of requests is used again.
        bytes.fill(255);
      }
    }),
    { numRuns: 500 },
  );
});

test('requests of one form are joined as any others are, wherever they lie', () => {
  const request = fc.record({ fill: fc.nat(255), by: fc.constantFrom(0, 1, 4, 8, 12) });
  const sizes = fc.record({
    rows: fc.integer({ min: 0, max: 3 }),
    // Beyond a row of 128 numbers data are long.
    width: fc.constantFrom(1, 2, 127, 128, 129, 200),
    halves: fc.nat(3),
    requests: fc.array(request, { minLength: 1, maxLength: 5 }),
  });
  const { float16 } = ElementType;
  fc.assert(
    fc.property(sizes, ({ rows, width, halves, requests }) => {
      const reader = new RequestReader({
        inputs: [
          { name: 'x', type: float32, dims: ['n', width] },
          { name: 'h', type: float16, dims: ['n', halves] },
        ],
        outputs: [],
      });
      const taken = requests.map(({ fill, by }): ModelRequest => {
        const fields = [float32, float16].map((type, place) => {
          const dims = [rows, place === 0 ? width : halves];
          const data = new Uint8Array(dims[0]! * dims[1]! * (place === 0 ? 4 : 2)).map((_, i) => i + fill);
          return { name: place === 0 ? 'x' : 'h', type, dims, data };
        });
        const read = reader.read(moved(encodeTensorList(fields), by));
        assert.ok(read.ok);
        return read.request;
      });
      const { form } = taken[0]!;
      assert.ok(taken.every((each) => each.form === form));
      const joined = joinAlike(form, taken, (size) => new Uint8Array(size + 8).fill(255).subarray(8));
      assert.deepEqual(joined, joinRows(taken.map(({ tensors }) => tensors)));
    }),
    { numRuns: 500 },
  );
});

test('where the data decide whether a model takes them, each request is looked at', () => {
  const of = (type: ElementType): RequestReader =>
    new RequestReader({ inputs: [{ name: 'x', type, dims: ['n'] }], outputs: [] });
  const request = (type: ElementType, data: Uint8Array): Uint8Array =>
    encodeTensorList([{ name: 'x', type, dims: [1], data }]);
  const bools = of(bool);
  assert.equal(bools.read(request(bool, Uint8Array.of(1))).ok, true);
  assert.equal(bools.read(request(bool, Uint8Array.of(2))).ok, false);
  const strings = of(string);
  assert.equal(strings.read(request(string, encodeStrings(['a']))).ok, true);
  assert.equal(strings.read(request(string, encodeStrings(['\0']))).ok, false);
});

test('a model without inputs takes what has no tensors, and nothing else', () => {
  const reader = new RequestReader({ inputs: [], outputs: [] });
  assert.equal(reader.read(encodeTensorList([])).ok, true);
  assert.equal(reader.read(Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0)).ok, false);
});
