// Pages are read in the order of their places and given in that of their entries, and few packs are open meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, zstdCompressSync } from 'node:zlib';
import { EngineError } from '../../base/errors.ts';
import { MemoryStorage } from '../../log/test-storage.ts';
import { sha256 } from '../sha256.ts';
import { OpenPacks } from './open-packs.ts';
import { PageReader } from './page-reader.ts';
import type { PageEntry } from './tables.ts';

const nameOf = (pack: number): string => `snapshots/${pack}`;

/** Pages of distinct bytes that hardly get smaller, so many in each of some packs. */
function packsOf(packs: number, pages: number): { storage: MemoryStorage; entries: PageEntry[] } {
  const storage = new MemoryStorage();
  const entries: PageEntry[] = [];
  for (let pack = 0; pack < packs; pack++) {
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (let page = 0; page < pages; page++) {
      const kept = noise(pack * pages + page, 30_000);
      const packed = zstdCompressSync(kept);
      entries.push({ sha256: sha256(kept), pack, offset, length: packed.length });
      parts.push(packed);
      offset += packed.length;
    }
    storage.files.set(nameOf(pack), new Uint8Array(Buffer.concat(parts)));
  }
  return { storage, entries };
}

function noise(seed: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = seed + 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[i] = state >>> 24;
  }
  if (size > 0) bytes[0] = seed;
  return bytes;
}

function readerOf(storage: MemoryStorage, openMax: number): { reader: PageReader; packs: OpenPacks } {
  const damaged = (file: string, offset: number, why: string): EngineError =>
    new EngineError('record-damaged', why, { file, offset });
  const packs = new OpenPacks(storage, nameOf, (file) => damaged(file, 0, 'it is missing'), openMax);
  return { reader: new PageReader(packs, damaged), packs };
}

test('pages are given in the order that is asked for, and those that lie together are read together', () => {
  const { storage, entries } = packsOf(2, 20);
  const { reader, packs } = readerOf(storage, 0);
  const asked = [...entries.toReversed(), entries[3]!];
  const pages = reader.readAll(asked);
  asked.forEach((entry, i) => {
    assert.deepEqual(sha256(pages[i]!.kept), entry.sha256);
    assert.equal(pages[i]!.key, Buffer.from(entry.sha256).toString('hex'));
  });
  assert.ok(storage.readings < entries.length, `${storage.readings} calls for ${entries.length} pages`);
  packs.close();
  assert.equal(storage.openCount, 0);
});

test('a page takes the memory that it needs, whatever its frame says of it', () => {
  const storage = new MemoryStorage();
  const unsized = { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } };
  for (const size of [0, 1, 62, 63, 64, 255, 256, 257, 4098, 32_768, 50_000, 65_535, 65_536]) {
    for (const kept of [noise(size, size), new Uint8Array(size)]) {
      for (const options of [{}, unsized]) {
        const packed = zstdCompressSync(kept, options);
        storage.files.set(nameOf(0), new Uint8Array(packed));
        const { reader } = readerOf(storage, 0);
        const entry = { sha256: sha256(kept), pack: 0, offset: 0, length: packed.length };
        const [page] = reader.readAll([entry]);
        assert.deepEqual(new Uint8Array(page!.kept), kept);
        const most = options === unsized ? Math.max(2 * size, 64) : size + 64;
        assert.ok(page!.kept.buffer.byteLength <= most, `${size} bytes`);
        if (options === unsized || size < 64) continue;
        // What it says there is compared with what it holds.
        const said = storage.files.get(nameOf(0))!;
        said[5] = said[5]! ^ 2;
        assert.throws(() => readerOf(storage, 0).reader.readAll([entry]), { code: 'record-damaged' });
      }
    }
  }
});

test('no more packs stay open than were asked for, and the last one', () => {
  for (const openMax of [0, 3, 100]) {
    const { storage, entries } = packsOf(8, 1);
    const { reader, packs } = readerOf(storage, openMax);
    reader.readAll(entries);
    assert.equal(storage.openCount, Math.min(openMax + 1, 8));
    const open = entries.filter(({ pack }) => packs.has(pack));
    assert.equal(open.length, storage.openCount);
    packs.close();
    assert.equal(storage.openCount, 0);
  }
});

test('a page that is damaged, cut off or too long to be one is told by file and offset', () => {
  const { storage, entries } = packsOf(1, 3);
  const [first, second, third] = entries as [PageEntry, PageEntry, PageEntry];
  storage.files.get(nameOf(0))![second.offset + 100]! ^= 1;
  const { reader } = readerOf(storage, 0);
  const wrong = { code: 'record-damaged', details: { file: nameOf(0), offset: second.offset } };
  assert.throws(() => reader.readAll(entries), wrong);
  assert.throws(() => reader.readPacked(second), wrong);
  assert.equal(reader.readPacked(first).length, first.length);
  assert.equal(reader.readAll([first, third]).length, 2);
  for (const entry of [
    { ...third, length: third.length - 1 },
    { ...third, length: 2 ** 32 - 1 },
    { ...third, length: 0 },
    { ...third, offset: 2 ** 50 },
  ]) {
    const told = { code: 'record-damaged', details: { file: nameOf(0), offset: entry.offset } };
    assert.throws(() => reader.readAll([first, entry]), told);
    assert.throws(() => reader.readPacked(entry), told);
  }
  assert.throws(() => reader.readAll([{ ...first, pack: 9 }]), {
    code: 'record-damaged',
    message: /missing/,
  });
});
