// Taking snapshots away, and pages that none of the others refers to. After a crash between any two steps each snapshot
// that is there is whole: a file goes only when nothing refers to it, and what moves is there twice until all refer to
// the new place.

import { onStorage, openFile, readInto, writeWhole } from '../../log/files.ts';
import type { Storage } from '../../log/index.ts';
import type { PageEntry, SnapshotFile } from './tables.ts';

/** What collecting needs of the store. */
export interface CollectAccess {
  readonly storage: Storage;
  readonly folder: string;
  /** The snapshots that are there. */
  ticks(): readonly number[];
  /** The packs of pages that are there. */
  packs(): readonly number[];
  snapshotName(tick: number): string;
  packName(pack: number): string;
  freePack(): number;
  readFile(tick: number): SnapshotFile;
  writeFile(file: SnapshotFile): void;
}

/** Where pages lie now that lay elsewhere. */
export type MovedPages = ReadonlyMap<PageEntry, PageEntry>;

/** Packs of which less than this part is referred to are written anew. */
const livePart = 0.5;

/** Removes snapshots, then the pages that were theirs alone. Answers how each page is found that was moved. */
export function removeSnapshots(access: CollectAccess, gone: readonly number[]): MovedPages {
  const { storage, folder } = access;
  for (const tick of gone) {
    const name = `${folder}/${access.snapshotName(tick)}`;
    onStorage(storage, name, 'remove', () => storage.remove(name));
  }
  if (gone.length > 0) onStorage(storage, folder, 'sync the folder', () => storage.syncFolder(folder));
  return collectPages(access);
}

/** Nothing is removed where a snapshot cannot be read: what it refers to is not known. */
function collectPages(access: CollectAccess): MovedPages {
  const files = access.ticks().map((tick) => access.readFile(tick));
  const live = new Map<number, Map<number, PageEntry>>();
  for (const { pages } of files) {
    for (const page of pages) {
      let entries = live.get(page.pack);
      if (entries === undefined) live.set(page.pack, (entries = new Map()));
      entries.set(page.offset, page);
    }
  }
  const sparse: PageEntry[] = [];
  const dropped: number[] = [];
  for (const pack of access.packs()) {
    const entries = [...(live.get(pack)?.values() ?? [])];
    const bytes = entries.reduce((sum, { length }) => sum + length, 0);
    if (bytes >= packSize(access, pack) * livePart && entries.length > 0) continue;
    dropped.push(pack);
    sparse.push(...entries);
  }
  const moved = sparse.length === 0 ? new Map<PageEntry, PageEntry>() : movePages(access, files, sparse);
  for (const pack of dropped) {
    const name = `${access.folder}/${access.packName(pack)}`;
    onStorage(access.storage, name, 'remove', () => access.storage.remove(name));
  }
  return moved;
}

/** Gathers pages in a pack of their own, then writes each snapshot anew that refers to one of them. */
function movePages(
  access: CollectAccess,
  files: readonly SnapshotFile[],
  pages: readonly PageEntry[],
): MovedPages {
  const pack = access.freePack();
  const parts: Uint8Array[] = [];
  let offset = 0;
  const places = new Map<string, PageEntry>();
  for (const page of pages) {
    parts.push(readPart(access, page));
    places.set(placeKey(page), { ...page, pack, offset });
    offset += page.length;
  }
  writeWhole(access.storage, access.folder, access.packName(pack), Buffer.concat(parts));
  const moved = new Map<PageEntry, PageEntry>();
  for (const file of files) {
    let changed = false;
    const now = file.pages.map((page) => {
      const place = places.get(placeKey(page));
      if (place === undefined) return page;
      changed = true;
      moved.set(page, place);
      return place;
    });
    if (changed) access.writeFile({ ...file, pages: now });
  }
  return moved;
}

function placeKey({ pack, offset }: PageEntry): string {
  return `${pack} ${offset}`;
}

function packSize({ storage, folder, packName }: CollectAccess, pack: number): number {
  const handle = openFile(storage, `${folder}/${packName(pack)}`);
  if (handle === undefined) return 0;
  try {
    return handle.size();
  } finally {
    handle.close();
  }
}

/**
 * Bytes of a page as they are kept; its hash is checked by whoever reads it. Where its pack was cut off there are zeros
 * in place of the rest: the pages behind it lie where they are said to.
 */
function readPart({ storage, folder, packName }: CollectAccess, page: PageEntry): Uint8Array {
  const part = new Uint8Array(page.length);
  const handle = openFile(storage, `${folder}/${packName(page.pack)}`);
  if (handle === undefined) return part;
  try {
    readInto(handle, page.offset, part);
    return part;
  } finally {
    handle.close();
  }
}
