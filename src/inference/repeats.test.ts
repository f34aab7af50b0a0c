// Lists in few words.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listOf, repeatsOf } from './repeats.ts';

test('a list comes back as it was, in as many words as it changes', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(2), fc.constantFrom('', 'a'))), (list) => {
      const repeats = repeatsOf(list);
      assert.deepEqual(listOf(repeats), list);
      assert.equal(repeats.values.length, list.filter((value, i) => i === 0 || list[i - 1] !== value).length);
    }),
  );
  assert.deepEqual(repeatsOf([4, 4, 4]), { values: [4], times: [3] });
});
