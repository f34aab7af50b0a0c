// What a fork takes over from the run that it comes from: files where it wants most of them, bytes where not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStorage } from '../../log/test-storage.ts';
import { type Offer, type OfferedPage, takeOver } from './offer.ts';
import { OpenPacks } from './open-packs.ts';

const nameOf = (pack: number): string => `snapshots/${pack}`;

function pageOf(key: string, pack: number, length: number): OfferedPage {
  return { key, entry: { sha256: new Uint8Array(32), pack, offset: 0, length } };
}

/** Packs of so many bytes, by number, and pages in them. */
function offerOf(from: MemoryStorage, sizes: Readonly<Record<number, number>>, pages: OfferedPage[]): Offer {
  const missing = (): never => assert.fail('a pack is missing');
  const packs = new OpenPacks(from, nameOf, missing, 10);
  for (const [pack, size] of Object.entries(sizes)) {
    from.files.set(nameOf(Number(pack)), new Uint8Array(size));
    packs.get(Number(pack));
  }
  return { storage: from, pages, packs, readPacked: ({ length }) => new Uint8Array(length) };
}

test('a pack of which half is wanted becomes a file of both runs; pages of others are copied', () => {
  const [from, to] = [new MemoryStorage(), new MemoryStorage()];
  const pages = [pageOf('a', 1, 20), pageOf('b', 2, 50), pageOf('c', 1, 30)];
  const { linked, borrowed } = takeOver(offerOf(from, { 1: 100, 2: 101 }, pages), to);
  assert.deepEqual([[...linked.keys()], [...borrowed.keys()]], [['a', 'c'], ['b']]);
  assert.equal(borrowed.get('b')!().length, 50);
  assert.deepEqual([...to.files.keys()], [nameOf(1)]);
});

test('where a file cannot be of both runs its pages are copied', () => {
  const [from, to] = [new MemoryStorage(), new MemoryStorage()];
  const offer = offerOf(from, { 1: 20 }, [pageOf('a', 1, 20)]);
  from.files.delete(nameOf(1));
  const { linked, borrowed } = takeOver(offer, to);
  assert.deepEqual([linked.size, [...borrowed.keys()]], [0, ['a']]);
  assert.deepEqual(to.calls, [`link ${nameOf(1)}`]);
});

test('a pack that is another file by now is not taken for the one that was read, though it holds as much', () => {
  for (const content of [0, 7]) {
    const [from, to] = [new MemoryStorage(), new MemoryStorage()];
    const offer = offerOf(from, { 1: 20 }, [pageOf('a', 1, 20)]);
    from.files.set(nameOf(1), new Uint8Array(20).fill(content));
    const { linked, borrowed } = takeOver(offer, to);
    assert.deepEqual([linked.size, [...borrowed.keys()]], [0, ['a']]);
    assert.deepEqual([[...to.files.keys()], [...from.files.keys()]], [[], [nameOf(1)]]);
  }
});

test('where the system does not tell files apart pages are copied', () => {
  const [from, to] = [new MemoryStorage(), new MemoryStorage()];
  const offer = offerOf(from, { 1: 20 }, [pageOf('a', 1, 20)]);
  const get = (pack: number) => ({ ...offer.packs.get(pack), identity: () => undefined });
  const { linked, borrowed } = takeOver({ ...offer, packs: { get, nameOf } }, to);
  assert.deepEqual([linked.size, [...borrowed.keys()], to.calls], [0, ['a'], []]);
});

test('a pack of very many pages is taken over, too', () => {
  const [from, to] = [new MemoryStorage(), new MemoryStorage()];
  const count = 200_000;
  const pages = Array.from({ length: count }, (_, i) => pageOf(`${i}`, 1, 4));
  assert.equal(takeOver(offerOf(from, { 1: 4 }, pages), to).linked.size, count);
});

test('a disk that fails says so', () => {
  const [from, to] = [new MemoryStorage(), new MemoryStorage()];
  const offer = offerOf(from, { 1: 20 }, [pageOf('a', 1, 20)]);
  to.failAt = 0;
  assert.throws(() => takeOver(offer, to), { code: 'host-fault', message: /snapshots\/1/ });
});
