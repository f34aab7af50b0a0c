// A log that lies in a folder of its own within the run directory: where one was compacted, so that one small file says
// which log counts. Whoever reads or writes the log does not see the difference.

import { onStorage } from './files.ts';
import type { Storage } from './storage.ts';

/** Files of the log: segments, head record, and copies and unfinished forms of both. */
const logFile = /^(head|events-)/;
const logFolder = /^log-\d+$/;

/** The name of the folder of the n-th log, from 1. */
export function logFolderName(count: number): string {
  return `log-${count}`;
}

/** How often a run was compacted. */
export function logCount(folder: string | undefined): number {
  return folder === undefined ? 0 : Number(folder.slice('log-'.length));
}

/** Whether a text may stand as the folder of a log. */
export function isLogFolder(name: unknown): name is string {
  return typeof name === 'string' && logFolder.test(name);
}

/** The storage of a run directory whose log lies in a folder; other logs are not seen. */
export function withLogIn(storage: Storage, folder: string | undefined): Storage {
  if (folder === undefined) return storage;
  const at = (name: string): string => (logFile.test(name) ? `${folder}/${name}` : name);
  return {
    place: storage.place,
    inner: storage,
    list(listed) {
      if (listed !== '') return storage.list(listed);
      const names = storage.list('')?.filter((name) => !logFile.test(name) && !logFolder.test(name));
      const own = storage.list(folder)?.filter((name) => logFile.test(name)) ?? [];
      return names === undefined ? undefined : [...names, ...own].sort();
    },
    makeFolder: (made) => storage.makeFolder(made),
    syncFolder(synced) {
      storage.syncFolder(synced);
      if (synced === '') storage.syncFolder(folder);
    },
    create: (name) => storage.create(at(name)),
    openAppend: (name) => storage.openAppend(at(name)),
    openUpdate: (name) => storage.openUpdate(at(name)),
    openRead: (name) => storage.openRead(at(name)),
    rename: (from, to) => storage.rename(at(from), at(to)),
    link: (from, name) => storage.link(from, at(name)),
    truncate: (name, size) => storage.truncate(at(name), size),
    remove: (name) => storage.remove(at(name)),
    lock: (name) => storage.lock(name),
  };
}

/** Removes the files of every log of a run directory but one. */
export function removeOtherLogs(storage: Storage, kept: string | undefined): void {
  const names = onStorage(storage, '.', 'list', () => storage.list('')) ?? [];
  const folders = ['', ...names.filter((name) => logFolder.test(name))];
  for (const folder of folders.filter((folder) => folder !== (kept ?? ''))) {
    const listed = onStorage(storage, folder, 'list', () => storage.list(folder)) ?? [];
    const files = listed.filter((name) => logFile.test(name));
    for (const name of files) {
      const path = folder === '' ? name : `${folder}/${name}`;
      onStorage(storage, path, 'remove', () => storage.remove(path));
    }
    if (files.length > 0) onStorage(storage, folder, 'sync the folder', () => storage.syncFolder(folder));
  }
}
