// The table of names against a Map.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteTable } from './byte-table.ts';

const names = fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 60 });

test('a byte table finds just what it was given, anywhere in memory', () => {
  fc.assert(
    fc.property(names, names, fc.nat(20), (given, others, offset) => {
      const keyOf = (bytes: Uint8Array): string => bytes.join();
      const wanted = new Map(given.map((bytes) => [keyOf(bytes), bytes]));
      const entries = [...wanted.values()].map((bytes, value) => [bytes, value] as const);
      const values = new Map(entries.map(([bytes, value]) => [keyOf(bytes), value]));
      const table = new ByteTable(entries);
      for (const bytes of [...given, ...others]) {
        const memory = new Uint8Array(offset + bytes.length + 3).fill(0x7f);
        memory.set(bytes, offset);
        assert.equal(table.find(memory, offset, bytes.length), values.get(keyOf(bytes)) ?? -1);
      }
    }),
  );
});

test('a name longer than any known one is not read at all', () => {
  const table = new ByteTable([[new Uint8Array([1, 2]), 7]]);
  const unread = new Proxy(new Uint8Array(8), {
    get: (_, key) => assert.fail(`byte ${String(key)} was read`),
  });
  assert.equal(table.find(unread, 0, 3), -1);
  assert.equal(new ByteTable([]).find(unread, 0, 1), -1);
});
