// The heap against a sorted array.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHeap, popHeap, pushHeap } from './heap.ts';

test('a heap gives its items back in order, however pushes and pops are mixed', () => {
  const steps = fc.array(fc.option(fc.integer({ min: -20, max: 20 }), { freq: 3 }));
  fc.assert(
    fc.property(steps, (values) => {
      // Ties end in a unique number, as every order of the scheduler does.
      const heap = createHeap<readonly [number, number]>(
        (a, b) => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]),
      );
      const sorted: (readonly [number, number])[] = [];
      values.forEach((value, index) => {
        if (value === null) {
          assert.deepEqual(popHeap(heap), sorted.shift());
          return;
        }
        pushHeap(heap, [value, index]);
        sorted.push([value, index]);
        sorted.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      });
      while (sorted.length > 0) assert.deepEqual(popHeap(heap), sorted.shift());
      assert.equal(popHeap(heap), undefined);
      assert.equal(heap.items.length, 0);
    }),
  );
});
