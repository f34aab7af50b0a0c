// What snapshots that were read offer to a fork of their run: packs become files of both runs, or pages are copied. The
// packs stay open until the fork is there, so that a file is known again by what the system says that it is.

import { onStorage, openFile } from '../../log/files.ts';
import type { Storage } from '../../log/index.ts';
import type { Snapshot } from '../turns/machine.ts';
import type { OpenPacks } from './open-packs.ts';
import type { PageEntry } from './tables.ts';

/** A page that was read, and is what its hash says. */
export interface OfferedPage {
  readonly key: string;
  readonly entry: PageEntry;
}

export interface Offer {
  /** The one that holds the files. */
  readonly storage: Storage;
  /** Those whose pack is open. */
  readonly pages: readonly OfferedPage[];
  readonly packs: Pick<OpenPacks, 'get' | 'nameOf'>;
  /** A page as it lies in its pack, compared with its hash; the bytes are there until the next one is asked for. */
  readonly readPacked: (entry: PageEntry) => Uint8Array;
}

/** Offers of the snapshots that are read for one fork. */
export class Offers {
  readonly #offers: Map<Snapshot, Offer> = new Map();
  readonly #packs: OpenPacks[] = [];

  add(snapshot: Snapshot, offer: Offer, packs: OpenPacks): void {
    this.#offers.set(snapshot, offer);
    this.#packs.push(packs);
  }

  of(snapshot: Snapshot): Offer | undefined {
    return this.#offers.get(snapshot);
  }

  /** Nothing is taken over any more. */
  close(): void {
    for (const packs of this.#packs) packs.close();
    this.#offers.clear();
  }
}

export interface TakenOver {
  /** Pages in packs that are files of both runs now. */
  readonly linked: ReadonlyMap<string, PageEntry>;
  /** The other pages, each as it lies in its pack, until the next one is asked for. */
  readonly borrowed: ReadonlyMap<string, () => Uint8Array>;
}

/** A pack is taken over whole only where at least this part of it is wanted: the rest would go where the run goes. */
const wantedPart = 0.5;

/** The packs are called the same in both runs. */
export function takeOver(offer: Offer, storage: Storage): TakenOver {
  const linked = new Map<string, PageEntry>();
  const borrowed = new Map<string, () => Uint8Array>();
  for (const [pack, pages] of Map.groupBy(offer.pages, ({ entry }) => entry.pack)) {
    const wanted = pages.reduce((sum, { entry }) => sum + entry.length, 0);
    const isWanted = wanted >= offer.packs.get(pack).size() * wantedPart;
    const isLinked = isWanted && link(offer, pack, storage);
    for (const { key, entry } of pages) {
      if (isLinked) linked.set(key, entry);
      else borrowed.set(key, () => offer.readPacked(entry));
    }
  }
  return { linked, borrowed };
}

/**
 * Whether a pack is a file of both runs now. Where the other run goes on, its packs come and go, and another one may
 * have the name by now: it is kept only where it is the very file that was read, which is still open. Where the system
 * does not tell files apart, none is.
 */
function link({ storage: from, packs }: Offer, pack: number, storage: Storage): boolean {
  const [name, identity] = [packs.nameOf(pack), packs.get(pack).identity?.()];
  if (identity === undefined) return false;
  if (!onStorage(storage, name, 'link', () => storage.link(from, name))) return false;
  if (identityOf(storage, name) === identity) return true;
  onStorage(storage, name, 'remove', () => storage.remove(name));
  return false;
}

function identityOf(storage: Storage, name: string): string | undefined {
  const handle = openFile(storage, name);
  try {
    return handle?.identity?.();
  } finally {
    handle?.close();
  }
}
