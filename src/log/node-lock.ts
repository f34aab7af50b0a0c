// A lock of the operating system on a file. Node has none of its own, but its SQLite locks files everywhere: the kernel
// lets go of the lock when the process is gone, however it went. Nothing is ever written into the file.

import type { DatabaseSync } from 'node:sqlite';
import type { Lock } from './storage.ts';

/** SQLite's answer where somebody else has the lock. */
const busy = 5;

/** Locks the file at `path`, which is made where it is missing; undefined where somebody holds the lock. */
export function lockFile(path: string): Lock | undefined {
  const { DatabaseSync } = sqlite();
  const database: DatabaseSync = new DatabaseSync(path);
  try {
    // With its journal in memory there is no second file; the lock is held until the database is closed.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === busy) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}

/** Node 22 warns that its SQLite may change; what is used of it here will not. */
function sqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    const module = process.getBuiltinModule('node:sqlite');
    if (module === undefined) throw new Error('this Node was built without SQLite, which locks files');
    return module;
  } finally {
    process.emitWarning = emitWarning;
  }
}
