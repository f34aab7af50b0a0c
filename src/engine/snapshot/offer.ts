// Pages of a snapshot that was read, for a fork of that run: packs become files of both runs, or pages are copied.

import { onStorage, openFile, readInto } from '../../log/files.ts';
import type { Storage } from '../../log/index.ts';
import type { PageEntry } from './tables.ts';

/** A page that was read, and is what its hash says. */
export interface OfferedPage {
  readonly key: string;
  readonly entry: PageEntry;
  /** As it lies in its pack. */
  readonly packed: Uint8Array;
}

export interface Offer {
  readonly storage: Storage;
  readonly pages: readonly OfferedPage[];
  /** Bytes of each pack that the pages lie in. */
  readonly packSizes: ReadonlyMap<number, number>;
}

export interface TakenOver {
  /** Pages in packs that are files of both runs now. */
  readonly linked: ReadonlyMap<string, PageEntry>;
  /** The other pages, as they lie in their packs. */
  readonly borrowed: ReadonlyMap<string, Uint8Array>;
}

/** A pack is taken over whole only where at least this part of it is wanted: the rest would go where the run goes. */
const wantedPart = 0.5;

/** @param nameOf the file of a pack, which is called the same in both runs */
export function takeOver(offer: Offer, storage: Storage, nameOf: (pack: number) => string): TakenOver {
  const linked = new Map<string, PageEntry>();
  const borrowed = new Map<string, Uint8Array>();
  for (const [pack, pages] of Map.groupBy(offer.pages, ({ entry }) => entry.pack)) {
    const wanted = pages.reduce((sum, { packed }) => sum + packed.length, 0);
    const name = nameOf(pack);
    const isWanted = wanted >= offer.packSizes.get(pack)! * wantedPart;
    const isLinked = isWanted && link(offer.storage, storage, name, pages);
    for (const { key, entry, packed } of pages) {
      if (isLinked) linked.set(key, entry);
      else borrowed.set(key, packed);
    }
  }
  return { linked, borrowed };
}

/**
 * Whether a pack is a file of both runs now. Where the other run goes on, its packs come and go, and another one may
 * have the name by now: a file is kept only where the pages lie in it as they were read.
 */
function link(from: Storage, storage: Storage, name: string, pages: readonly OfferedPage[]): boolean {
  if (!onStorage(storage, name, 'link', () => storage.link(from, name))) return false;
  if (holds(storage, name, pages)) return true;
  onStorage(storage, name, 'remove', () => storage.remove(name));
  return false;
}

function holds(storage: Storage, name: string, pages: readonly OfferedPage[]): boolean {
  const handle = openFile(storage, name);
  if (handle === undefined) return false;
  try {
    // One buffer for all: a fork is to cost little, and the system compares it faster than a loop.
    const read = Buffer.alloc(pages.reduce((most, { packed }) => Math.max(most, packed.length), 0));
    return pages.every(({ entry, packed }) => {
      const part = read.subarray(0, packed.length);
      return readInto(handle, entry.offset, part) === packed.length && part.equals(packed);
    });
  } finally {
    handle.close();
  }
}
