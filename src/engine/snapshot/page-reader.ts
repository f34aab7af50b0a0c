// Reads pages out of their packs, each compared with its hash.

import { zstdDecompressSync } from 'node:zlib';
import { bytesEqual } from '../../base/encoding.ts';
import type { EngineError } from '../../base/errors.ts';
import { openFile, readRange } from '../../log/files.ts';
import type { Storage } from '../../log/index.ts';
import { keptBytesMax } from '../../sandbox/index.ts';
import { sha256 } from '../sha256.ts';
import type { OfferedPage } from './offer.ts';
import { keyOf, packedBytesMax } from './page-gatherer.ts';
import type { PageEntry } from './tables.ts';

export interface ReadPage extends OfferedPage {
  /** As images hold it. */
  readonly kept: Uint8Array;
}

export class PageReader {
  readonly #storage: Storage;
  readonly #nameOf: (pack: number) => string;
  readonly #damaged: (file: string, offset: number, why: string) => EngineError;
  /** Packs that were read. */
  readonly #packs: Map<number, Uint8Array> = new Map();

  /** @param damaged makes the error of what is wrong with a file */
  constructor(
    storage: Storage,
    nameOf: (pack: number) => string,
    damaged: (file: string, offset: number, why: string) => EngineError,
  ) {
    this.#storage = storage;
    this.#nameOf = nameOf;
    this.#damaged = damaged;
  }

  /** Bytes of each pack that a page was read from. */
  get packSizes(): ReadonlyMap<number, number> {
    return new Map([...this.#packs].map(([pack, bytes]) => [pack, bytes.length]));
  }

  /** @throws EngineError `record-damaged` */
  read(entry: PageEntry): ReadPage {
    const packed = this.#pack(entry.pack).subarray(entry.offset, entry.offset + entry.length);
    try {
      const kept = zstdDecompressSync(packed, { maxOutputLength: keptBytesMax, chunkSize: packedBytesMax });
      if (bytesEqual(sha256(kept), entry.sha256))
        return { key: keyOf(entry.sha256), entry, packed, kept: fitting(kept) };
    } catch {
      // Said below.
    }
    throw this.#damaged(this.#nameOf(entry.pack), entry.offset, 'a page is not what its hash says');
  }

  #pack(number: number): Uint8Array {
    const read = this.#packs.get(number);
    if (read !== undefined) return read;
    const handle = openFile(this.#storage, this.#nameOf(number));
    if (handle === undefined) throw this.#damaged(this.#nameOf(number), 0, 'it is missing');
    try {
      const pack = readRange(handle, 0, handle.size());
      this.#packs.set(number, pack);
      return pack;
    } finally {
      handle.close();
    }
  }
}

/** What fills less than half of its buffer does not keep that. */
function fitting(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes;
}
