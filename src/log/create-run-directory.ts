// Makes run directories. A folder is one when its `run.json` is there, which is written last; what an attempt left that
// did not come so far is taken away by the next one. Nothing else in a folder is ever touched.

import { EngineError } from '../base/errors.ts';
import { failureText } from '../base/failure-text.ts';
import { onStorage, writeUnnamed, writeWhole } from './files.ts';
import { encodeHeadFile, firstHead, headFile } from './head-record.ts';
import { nodeStorage } from './node-storage.ts';
import {
  checkModule,
  lockName,
  manifestBytes,
  RunDirectory,
  type RunManifest,
  takeLock,
} from './run-directory.ts';
import type { Storage } from './storage.ts';

/** What a run directory holds from its beginning. */
export interface RunContents {
  readonly manifest: RunManifest;
  /** The normalised configuration, as canonical JSON. */
  readonly config: Uint8Array;
  /** Original module bytes by their SHA-256 in hexadecimal. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** Files beside the record, by name: facts of the machine. */
  readonly notes?: ReadonlyMap<string, Uint8Array>;
}

/** A folder that is locked and holds everything but what makes it a run directory. */
export interface BegunRunDirectory {
  readonly directory: RunDirectory;
  /** Makes it one; durable when this answers. */
  commit(): void;
}

/**
 * Makes a run directory, durable when this answers, and locks it. The folder may exist if it is empty, or holds nothing
 * but what an attempt left that was interrupted.
 *
 * @throws EngineError `run-directory-invalid` where the folder is not empty or cannot be made; `host-fault` where the
 *   storage fails.
 */
export function createRunDirectory(path: string, contents: RunContents, storage?: Storage): RunDirectory {
  const { directory, commit } = beginRunDirectory(path, contents, storage);
  commit();
  return directory;
}

/**
 * As `createRunDirectory`, for whoever has more to write before the folder may pass for a run.
 * @throws EngineError what `createRunDirectory` throws
 */
export function beginRunDirectory(
  path: string,
  contents: RunContents,
  storage: Storage = nodeStorage(path),
): BegunRunDirectory {
  for (const [hash, bytes] of contents.modules) checkModule(hash, bytes);
  makeVacant(path, storage);
  const directory = new RunDirectory(storage, contents.manifest, takeLock(storage));
  unlockOnFailure(directory, () => {
    // Whoever had the lock until now may have begun a run.
    removeLeftovers(storage, makeVacant(path, storage));
    writeContents(storage, contents);
  });
  const commit = (): void => {
    unlockOnFailure(directory, () => writeWhole(storage, '', 'run.json', manifestBytes(contents.manifest)));
  };
  return { directory, commit };
}

function unlockOnFailure(directory: RunDirectory, work: () => void): void {
  try {
    work();
  } catch (error) {
    directory.unlock();
    throw error;
  }
}

function writeContents(storage: Storage, { manifest, config, modules, notes }: RunContents): void {
  // It may be there already, made by somebody whom a loss of power takes it from.
  onStorage(storage, '.', 'make folder', () => storage.makeFolder(''));
  onStorage(storage, 'modules', 'make folder', () => storage.makeFolder('modules'));
  for (const [hash, bytes] of modules) writeUnnamed(storage, 'modules', `${hash}.wasm`, bytes);
  onStorage(storage, 'modules', 'sync the folder', () => storage.syncFolder('modules'));
  writeUnnamed(storage, '', 'config.json', config);
  for (const [name, bytes] of notes ?? []) writeUnnamed(storage, '', name, bytes);
  const { runId, baseTick } = manifest;
  writeUnnamed(storage, '', headFile, encodeHeadFile(firstHead(runId, baseTick ?? 0)));
  onStorage(storage, '.', 'sync the folder', () => storage.syncFolder(''));
}

/**
 * Makes the folder where it is not there; answers the files that an interrupted attempt left in it. A place where no
 * folder can be made is a mistake of whoever named it, not a fault of the host.
 */
function makeVacant(path: string, storage: Storage): readonly string[] {
  let why: string;
  let cause: unknown;
  try {
    const names = storage.list('');
    const others = (names ?? []).filter((name) => name !== lockName);
    if (names === undefined) storage.makeFolder('');
    if (others.length === 0) return [];
    // Its lock is the first that an attempt makes.
    const left = names?.includes(lockName) === true ? leftovers(storage, others) : undefined;
    if (left !== undefined) return left;
    why = `it is not empty, it holds "${others[0]}"`;
  } catch (error) {
    why = failureText(error);
    cause = error;
  }
  const message = `Cannot make a run directory of "${path}": ${why}`;
  throw new EngineError('run-directory-invalid', message, { path }, cause);
}

/** Files of an attempt that did not come to `run.json`, and folders with the files that it puts into them. */
const ownFile = /^((head|config\.json|models\.json)(\.tmp)?|run\.json\.tmp)$/;
const ownFolders: Readonly<Record<string, RegExp>> = {
  modules: /^[0-9a-f]{64}\.wasm(\.tmp)?$/,
  snapshots: /^\d{12,}\.(snapshot|pages)(\.tmp)?$/,
};

/** Undefined where something else is there. */
function leftovers(storage: Storage, names: readonly string[]): string[] | undefined {
  const files: string[] = [];
  for (const name of names) {
    const own = Object.hasOwn(ownFolders, name) ? ownFolders[name] : undefined;
    const inside = own === undefined ? undefined : storage.list(name);
    if (own === undefined && ownFile.test(name)) files.push(name);
    else if (inside?.every((each) => own!.test(each)) !== true) return undefined;
    else files.push(...inside.map((each) => `${name}/${each}`));
  }
  return files;
}

function removeLeftovers(storage: Storage, files: readonly string[]): void {
  for (const file of files) onStorage(storage, file, 'remove', () => storage.remove(file));
  const folders = new Set(files.map((file) => file.slice(0, Math.max(0, file.lastIndexOf('/')))));
  for (const folder of folders)
    onStorage(storage, folder, 'sync the folder', () => storage.syncFolder(folder));
}
