// Gathers the pages of one snapshot: each distinct one once, those that no earlier snapshot had compressed on other
// threads and appended to a pack in their order. What is held in memory is bounded.

import { keptBytesMax } from '../../sandbox/index.ts';
import type { Ports } from '../ports.ts';
import { sha256 } from '../sha256.ts';
import type { PackWriter } from './pack-writer.ts';
import type { SlabLease } from './slabs.ts';
import type { PageEntry } from './tables.ts';

/** The name of a page: its hash in hexadecimal. */
export function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('hex');
}

/** What a page compresses to, at most: zstd adds less than this where nothing gets smaller. */
export const packedBytesMax: number = keptBytesMax + 1022;

/** Pages that are compressed at once, at most. */
const windowPages = 48;
/** Pages that are hashed before everything else gets its turn: about a millisecond. */
const turnPages = 16;

interface Compressing {
  readonly position: number;
  readonly sha256: Uint8Array;
  readonly into: Uint8Array;
  readonly size: Promise<number>;
}

export class PageGatherer {
  /** The table of the snapshot. Complete once `drain` has resolved. */
  readonly pages: PageEntry[] = [];
  readonly #ports: Pick<Ports, 'compress' | 'clock'>;
  readonly #known: ReadonlyMap<string, PageEntry>;
  readonly #borrowed: ReadonlyMap<string, () => Uint8Array>;
  readonly #pack: PackWriter;
  readonly #packNumber: number;
  readonly #lease: SlabLease;
  /** Places for compressed pages that hold none now. */
  readonly #places: Uint8Array[] = [];
  /** Indices by hash, counted from 1. */
  readonly #indices: Map<string, number> = new Map();
  readonly #compressing: Compressing[] = [];
  readonly #fresh: Map<string, PageEntry> = new Map();
  #hashed = 0;

  /**
   * @param known pages of earlier snapshots, by hash
   * @param borrowed compressed pages of another run, by hash; each is there until the next one is asked for
   */
  constructor(
    ports: Pick<Ports, 'compress' | 'clock'>,
    known: ReadonlyMap<string, PageEntry>,
    pack: PackWriter,
    packNumber: number,
    borrowed: ReadonlyMap<string, () => Uint8Array>,
    lease: SlabLease,
  ) {
    this.#ports = ports;
    this.#known = known;
    this.#pack = pack;
    this.#packNumber = packNumber;
    this.#borrowed = borrowed;
    this.#lease = lease;
  }

  /** The key of a page as it is kept. Nobody writes to its bytes until `drain` has resolved. */
  async add(kept: Uint8Array): Promise<string> {
    if (++this.#hashed % turnPages === 0) await this.#ports.clock.yield();
    const hash = sha256(kept);
    const key = keyOf(hash);
    if (this.has(key)) return key;
    const into = this.#places.pop() ?? this.#lease.allocate(packedBytesMax);
    const size = this.#ports.compress(sharedBytes(kept, into), into);
    // Whoever waits for it is told; nobody else has to hear of it.
    size.catch(() => {});
    this.#compressing.push({ position: this.pages.length, sha256: hash, into, size });
    this.pages.push({ sha256: hash, pack: this.#packNumber, offset: 0, length: 0 });
    this.#indices.set(key, this.pages.length);
    if (this.#compressing.length >= windowPages) await this.#append();
    return key;
  }

  /** Index of a page that was added, or that an earlier snapshot had. */
  indexOf(key: string): number {
    if (!this.has(key)) throw new Error(`no snapshot has the page ${key}`);
    return this.#indices.get(key)!;
  }

  /** Pages that no earlier snapshot had, by hash; complete once `drain` has resolved. */
  get fresh(): ReadonlyMap<string, PageEntry> {
    return this.#fresh;
  }

  /** Resolves when every page has its place in the pack. */
  async drain(): Promise<void> {
    while (this.#compressing.length > 0) await this.#append();
  }

  /** Whether the page is in the table; one that an earlier snapshot had, or that can be borrowed, is taken into it. */
  has(key: string): boolean {
    if (this.#indices.has(key)) return true;
    const page = this.#known.get(key) ?? this.#takeOver(key);
    if (page === undefined) return false;
    this.pages.push(page);
    this.#indices.set(key, this.pages.length);
    return true;
  }

  #takeOver(key: string): PageEntry | undefined {
    const bytes = this.#borrowed.get(key)?.();
    if (bytes === undefined) return undefined;
    const [offset, { length }] = [this.#pack.append(bytes), bytes];
    const page = { sha256: Buffer.from(key, 'hex'), pack: this.#packNumber, offset, length };
    this.#fresh.set(key, page);
    return page;
  }

  async #append(): Promise<void> {
    const { position, sha256: hash, into, size } = this.#compressing.shift()!;
    const length = await size;
    const offset = this.#pack.append(into.subarray(0, length));
    this.#places.push(into);
    const page = { sha256: hash, pack: this.#packNumber, offset, length };
    this.pages[position] = page;
    this.#fresh.set(keyOf(hash), page);
  }
}

/** Bytes that are not in shared memory are copied to where they become compressed, word by word. */
function sharedBytes(bytes: Uint8Array, place: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const start = bytes.byteOffset % 8;
  const copy = place.subarray(start, start + bytes.length);
  copy.set(bytes);
  return copy;
}
