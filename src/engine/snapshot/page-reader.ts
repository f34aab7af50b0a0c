// Reads pages out of their packs, each compared with its hash. Packs are as large as memories are: no more of them is
// held than a few pages at once.

import { zstdDecompressSync } from 'node:zlib';
import { bytesEqual } from '../../base/encoding.ts';
import type { EngineError } from '../../base/errors.ts';
import { readInto } from '../../log/files.ts';
import { keptBytesMax } from '../../sandbox/index.ts';
import { sha256 } from '../sha256.ts';
import type { OpenPacks } from './open-packs.ts';
import { keyOf, packedBytesMax } from './page-gatherer.ts';
import type { PageEntry } from './tables.ts';

export interface ReadPage {
  /** Hash of its content, in hexadecimal. */
  readonly key: string;
  /** As images hold it. */
  readonly kept: Uint8Array;
}

/** Some pages that lie one behind another are read at once, and stay in the processor's cache. */
const bufferBytes = 256 * 1024;

export class PageReader {
  readonly #packs: OpenPacks;
  readonly #damaged: (file: string, offset: number, why: string) => EngineError;
  readonly #buffer: Uint8Array = new Uint8Array(bufferBytes);

  /** @param damaged makes the error of what is wrong with a file */
  constructor(packs: OpenPacks, damaged: (file: string, offset: number, why: string) => EngineError) {
    this.#packs = packs;
    this.#damaged = damaged;
  }

  /**
   * Pages in the order of their entries; they are read in that of their places.
   * @throws EngineError `record-damaged`
   */
  readAll(entries: readonly PageEntry[]): ReadPage[] {
    const pages = new Array<ReadPage>(entries.length);
    const order = entries.map((entry, index) => ({ entry, index }));
    order.sort((a, b) => a.entry.pack - b.entry.pack || a.entry.offset - b.entry.offset);
    for (let at = 0; at < order.length; ) {
      const { pack, offset } = order[at]!.entry;
      let [size, next] = [0, at];
      for (; next < order.length; next++) {
        const { entry } = order[next]!;
        const isBehind = entry.pack === pack && entry.offset === offset + size;
        if (!isBehind || size + entry.length > bufferBytes) break;
        size += entry.length;
      }
      // A page that has no room is none.
      if (next === at) throw this.#isOther(order[at]!.entry);
      const read = this.#read(pack, offset, size);
      for (; at < next; at++) {
        const { entry, index } = order[at]!;
        const start = entry.offset - offset;
        const kept = this.#unpack(entry, read.subarray(start, start + entry.length));
        pages[index] = { key: keyOf(entry.sha256), kept };
      }
    }
    return pages;
  }

  /**
   * A page as it lies in its pack, compared with its hash. The bytes are there until something else is read.
   * @throws EngineError `record-damaged`
   */
  readPacked(entry: PageEntry): Uint8Array {
    if (entry.length > bufferBytes) throw this.#isOther(entry);
    const packed = this.#read(entry.pack, entry.offset, entry.length);
    this.#unpack(entry, packed);
    return packed;
  }

  #read(pack: number, offset: number, size: number): Uint8Array {
    const into = this.#buffer.subarray(0, size);
    return into.subarray(0, readInto(this.#packs.get(pack), offset, into));
  }

  #unpack(entry: PageEntry, packed: Uint8Array): Uint8Array {
    try {
      const chunkSize = roomFor(packed);
      const kept = zstdDecompressSync(packed, { maxOutputLength: keptBytesMax, chunkSize });
      if (bytesEqual(sha256(kept), entry.sha256)) return fitting(kept);
    } catch {
      // Said below.
    }
    throw this.#isOther(entry);
  }

  #isOther({ pack, offset }: PageEntry): EngineError {
    return this.#damaged(this.#packs.nameOf(pack), offset, 'a page is not what its hash says');
  }
}

/** What is full is followed by another piece, and so little is a piece at least. */
const roomBytesMin = 64;

/**
 * Bytes to unpack into, at once: what the beginning of a zstd frame says that it holds, and one more. Nothing but the
 * memory that it takes depends on whether that is so.
 */
function roomFor(packed: Uint8Array): number {
  const flags = packed[4] ?? 0;
  const isSingle = (flags & 0x20) !== 0;
  const at = (isSingle ? 5 : 6) + [0, 1, 2, 4][flags & 3]!;
  const width = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6]!;
  if (width === 0 || width === 8 || at + width > packed.length) return packedBytesMax;
  const said = Buffer.from(packed.buffer, packed.byteOffset + at, width).readUIntLE(0, width);
  const size = said + (width === 2 ? 256 : 0);
  return size > keptBytesMax ? packedBytesMax : Math.max(size + 1, roomBytesMin);
}

/** What fills less than half of its buffer does not keep that. */
function fitting(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes;
}
