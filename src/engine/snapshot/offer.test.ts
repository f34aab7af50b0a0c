// What a fork takes over from the run that it comes from: files where it wants most of them, bytes where not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStorage } from '../../log/test-storage.ts';
import { type OfferedPage, takeOver } from './offer.ts';

const nameOf = (pack: number): string => `snapshots/${pack}`;

function pageOf(key: string, pack: number, length: number): OfferedPage {
  const entry = { sha256: new Uint8Array(32), pack, offset: 0, length };
  return { key, entry, packed: new Uint8Array(length) };
}

test('a pack of which half is wanted becomes a file of both runs; pages of others are copied', () => {
  const [from, to] = [new MemoryStorage(), new MemoryStorage()];
  for (const [pack, size] of [
    [1, 100],
    [2, 101],
  ] as const)
    from.files.set(nameOf(pack), new Uint8Array(size));
  const offer = {
    storage: from,
    pages: [pageOf('a', 1, 20), pageOf('b', 2, 50), pageOf('c', 1, 30)],
    packSizes: new Map([
      [1, 100],
      [2, 101],
    ]),
  };
  const { linked, borrowed } = takeOver(offer, to, nameOf);
  assert.deepEqual([[...linked.keys()], [...borrowed.keys()]], [['a', 'c'], ['b']]);
  assert.deepEqual([...to.files.keys()], [nameOf(1)]);
});

test('where a file cannot be of both runs its pages are copied', () => {
  const to = new MemoryStorage();
  const offer = { storage: new MemoryStorage(), pages: [pageOf('a', 1, 20)], packSizes: new Map([[1, 20]]) };
  const { linked, borrowed } = takeOver(offer, to, nameOf);
  assert.deepEqual([linked.size, [...borrowed.keys()]], [0, ['a']]);
  assert.deepEqual(to.calls, [`link ${nameOf(1)}`]);
});

test('a pack that is another one by now is not taken for the one that was read', () => {
  const [from, to] = [new MemoryStorage(), new MemoryStorage()];
  from.files.set(nameOf(1), new Uint8Array(20).fill(7));
  const offer = { storage: from, pages: [pageOf('a', 1, 20)], packSizes: new Map([[1, 20]]) };
  const { linked, borrowed } = takeOver(offer, to, nameOf);
  assert.deepEqual([linked.size, [...borrowed.keys()]], [0, ['a']]);
  assert.deepEqual([[...to.files.keys()], [...from.files.keys()]], [[], [nameOf(1)]]);
});

test('a pack of very many pages is taken over, too', () => {
  const [from, to] = [new MemoryStorage(), new MemoryStorage()];
  const count = 200_000;
  from.files.set(nameOf(1), new Uint8Array(4));
  const pages = Array.from({ length: count }, (_, i) => pageOf(`${i}`, 1, 4));
  assert.equal(
    takeOver({ storage: from, pages, packSizes: new Map([[1, 4]]) }, to, nameOf).linked.size,
    count,
  );
});

test('a disk that fails says so', () => {
  const to = new MemoryStorage();
  to.failAt = 0;
  const offer = { storage: new MemoryStorage(), pages: [pageOf('a', 1, 20)], packSizes: new Map([[1, 20]]) };
  assert.throws(() => takeOver(offer, to, nameOf), { code: 'host-fault', message: /snapshots\/1/ });
});
