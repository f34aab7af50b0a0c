// Reading requests one after another: what was read before changes nothing of what is read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ElementType, encodeStrings, encodeTensorList, type FlatTensor } from '../abi/tensor-list.ts';
import { RequestReader } from './request-reader.ts';
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
        assert.deepEqual(reader.read(bytes), alone);
        if (alone.ok) assert.deepEqual([...alone.tensors.keys()], ['x', 'u']);
      }
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
