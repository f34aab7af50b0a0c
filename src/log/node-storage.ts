// Storage on the real disk, by Node's synchronous calls. It adds nothing: errors are those of the system.

import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { lockFile } from './node-lock.ts';
import type { AppendHandle, ReadHandle, Storage, UpdateHandle } from './storage.ts';

/** Storages of this kind, and the folders that they are. */
const paths: WeakMap<Storage, string> = new WeakMap();

/** The folder at `path`, which need not exist yet. */
export function nodeStorage(path: string): Storage {
  const at = (name: string): string => join(path, ...name.split('/'));
  const storage: Storage = {
    place: path,
    list: (folder) => listFolder(at(folder)),
    makeFolder: (folder) => makeFolder(at(folder)),
    syncFolder: (folder) => syncFolder(at(folder)),
    create: (name) => appendHandle(fs.openSync(at(name), 'w')),
    openAppend: (name) => appendHandle(fs.openSync(at(name), fs.constants.O_WRONLY | fs.constants.O_APPEND)),
    openUpdate: (name) => updateHandle(fs.openSync(at(name), 'r+')),
    openRead: (name) => openRead(at(name)),
    rename: (from, to) => fs.renameSync(at(from), at(to)),
    truncate: (name, size) => truncate(at(name), size),
    remove: (name) => fs.rmSync(at(name)),
    link: (from, name) => {
      const other = paths.get(from);
      return other !== undefined && link(join(other, ...name.split('/')), at(name));
    },
    lock: (name) => lockFile(at(name)),
  };
  paths.set(storage, path);
  return storage;
}

/**
 * What a system says that cannot do it: another disk, one without links or one that is only read and knows of no sync,
 * too many of them; or the file just went away.
 */
const cannotLink: ReadonlySet<string | undefined> = new Set(
  'EXDEV EPERM EACCES ENOTSUP EOPNOTSUPP ENOSYS EMLINK ENOENT EINVAL EROFS'.split(' '),
);

/** Only a file itself is linked: a name that leads to another may lead elsewhere tomorrow. */
function link(from: string, to: string): boolean {
  if (fs.lstatSync(from, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    // Whoever put it there may not have waited for the disk: it came with a copy of a run, say.
    syncFile(from);
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if (cannotLink.has((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}

function syncFile(path: string): void {
  // Windows syncs only what may be written.
  const file = fs.openSync(path, process.platform === 'win32' ? 'r+' : 'r');
  try {
    fs.fdatasyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}

function listFolder(path: string): readonly string[] | undefined {
  try {
    return fs.readdirSync(path).sort();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Each new folder is made durable in the one above it; so is one that is there: whoever made it may not have waited. */
function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let folder = resolve(path); !isFolder(folder); folder = dirname(folder)) missing.push(folder);
  if (missing.length === 0) syncAbove(path);
  // One by one: Node's own way of making them all never ends where the system lets nobody make the first (`/proc`).
  for (const folder of missing.toReversed()) {
    makeOne(folder);
    syncFolder(dirname(folder));
  }
}

/** What a system says of a folder that is not ours to sync: it may not be read, or is on a disk that is only read. */
const notOurs: ReadonlySet<string | undefined> = new Set('EACCES EPERM EINVAL EROFS'.split(' '));

function syncAbove(path: string): void {
  try {
    syncFolder(dirname(fs.realpathSync(path)));
  } catch (error) {
    if (!notOurs.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}

function isFolder(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? dirname(path) === path;
}

/** Somebody else may make it at the same time. */
function makeOne(path: string): void {
  try {
    fs.mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(path)) throw error;
  }
}

function syncFolder(path: string): void {
  // Windows cannot sync a folder (EPERM) and needs none.
  if (process.platform === 'win32') return;
  const file = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}

function truncate(path: string, size: number): void {
  const file = fs.openSync(path, 'r+');
  try {
    fs.ftruncateSync(file, size);
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}

function appendHandle(file: number): AppendHandle {
  return {
    write: (bytes) => fs.writeSync(file, bytes),
    sync: () => fs.fdatasyncSync(file),
    beginSync: () => syncAside(file),
    close: () => fs.closeSync(file),
  };
}

function updateHandle(file: number): UpdateHandle {
  return {
    write: (bytes, offset) => fs.writeSync(file, bytes, 0, bytes.length, offset),
    sync: () => fs.fdatasyncSync(file),
    beginSync: () => syncAside(file),
    close: () => fs.closeSync(file),
  };
}

/** On a thread of Node's pool. */
function syncAside(file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(file, (error) => (error === null ? resolve() : reject(error)));
  });
}

function openRead(path: string): ReadHandle | undefined {
  let file: number;
  try {
    file = fs.openSync(path, 'r');
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
    throw error;
  }
  // Some systems open a folder, and say only at the first read that it is none.
  if (fs.fstatSync(file).isDirectory()) {
    fs.closeSync(file);
    return undefined;
  }
  return {
    size: () => fs.fstatSync(file).size,
    read: (into, offset) => fs.readSync(file, into, 0, into.length, offset),
    identity: () => identity(file),
    close: () => fs.closeSync(file),
  };
}

/** Some file systems number no files: all have 0 then. */
function identity(file: number): string | undefined {
  const { dev, ino } = fs.fstatSync(file, { bigint: true });
  return ino === 0n ? undefined : `${dev} ${ino}`;
}

/** Nothing of that name, or a file where a folder was wanted. */
function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
