// A run directory: what it is called, what must be in it, and its small files. The log has files of its own.

import { encodeHex, encodeUtf8 } from '../base/encoding.ts';
import { EngineError } from '../base/errors.ts';
import { sha256 } from './chain.ts';
import type { RunOrigin } from './events.ts';
import { onStorage, readWhole, writeWhole } from './files.ts';
import { encodeHeadFile, firstHead, headFile } from './head-record.ts';
import { logCount, logFolderName, removeOtherLogs, withLogIn } from './log-folder.ts';
import type { Lock, Storage } from './storage.ts';

/** The format of the directory and its log that this version writes. */
export const recordFormat = 1;

/** The facts in `run.json`. */
export interface RunManifest {
  readonly format: number;
  /** Identity of the run: 16 random bytes in lower-case hexadecimal. */
  readonly runId: string;
  /** Version of the engine that began the run. */
  readonly engine: string;
  /** `tick`, `batch` or `none`. */
  readonly durability: string;
  /** Version of the cost table that fuel was counted by. */
  readonly costTable: number;
  /** The tick of the snapshot that the run began from, for a fork; absent where it began from nothing. */
  readonly baseTick?: number;
  /** Where it comes from, for a fork. */
  readonly origin?: RunOrigin;
  /** The folder of the log, where it was compacted; absent where the log lies beside this file. */
  readonly log?: string;
  /** Topics whose payloads from outside were replaced by their hashes: such a record cannot be executed again. */
  readonly redacted?: readonly string[];
}

/** The file name of a segment of the log. */
export function segmentName(number: number): string {
  return `events-${String(number).padStart(6, '0')}.mcap`;
}

const segmentPattern = /^events-(\d{6,})\.mcap$/;
const modulePattern = /^([0-9a-f]{64})\.wasm$/;

/** By folder, the names under which files are written before they get their own. */
const unfinished: Readonly<Record<string, RegExp>> = {
  '': /^(head|(run|config|models)\.json)\.tmp$/,
  modules: /^[0-9a-f]{64}\.wasm\.tmp$/,
  snapshots: /^\d{12,}\.(snapshot|pages)\.tmp$/,
};

/** Held by whoever writes into the directory. Nothing is in it. */
export const lockName = 'lock';

/** A run directory and its small files. */
export class RunDirectory {
  readonly path: string;
  readonly storage: Storage;
  readonly manifest: RunManifest;
  #lock: Lock | undefined;

  /** As `storage`, with the files of every log as they lie. */
  readonly root: Storage;

  /** Use `createRunDirectory` or `openRunDirectory`. */
  constructor(root: Storage, manifest: RunManifest, lock?: Lock) {
    this.path = root.place;
    this.root = root;
    this.storage = withLogIn(root, manifest.log);
    this.manifest = manifest;
    this.#lock = lock;
  }

  /** Others may write into the directory again. */
  unlock(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  /**
   * Removes files that were being written under another name when a process ended, and none that somebody else put
   * there. Whoever writes calls it.
   */
  removeUnfinished(): void {
    for (const [folder, own] of Object.entries(unfinished)) {
      const names = onStorage(this.storage, folder, 'list', () => this.storage.list(folder)) ?? [];
      for (const name of names.filter((each) => own.test(each))) {
        const path = folder === '' ? name : `${folder}/${name}`;
        onStorage(this.storage, path, 'remove', () => this.storage.remove(path));
      }
    }
  }

  /** The bytes of the configuration. */
  config(): Uint8Array<ArrayBuffer> {
    const bytes = readWhole(this.storage, 'config.json');
    if (bytes === undefined) throw missing(this.path, 'config.json');
    return bytes;
  }

  /** The bytes of the head record, as they are now. */
  headBytes(): Uint8Array<ArrayBuffer> {
    const bytes = readWhole(this.storage, headFile);
    if (bytes === undefined) throw missing(this.path, headFile);
    return bytes;
  }

  /** The file name of a segment of the log. */
  segmentName(number: number): string {
    return segmentName(number);
  }

  /** The hashes of the modules, sorted. */
  moduleHashes(): readonly string[] {
    const names = onStorage(this.storage, 'modules', 'list', () => this.storage.list('modules')) ?? [];
    return names.flatMap((name) => modulePattern.exec(name)?.[1] ?? []);
  }

  /**
   * The original bytes of a module.
   *
   * @throws EngineError `record-damaged` where it is missing or has another hash.
   */
  module(hash: string): Uint8Array<ArrayBuffer> {
    const file = `modules/${hash}.wasm`;
    const bytes = readWhole(this.storage, file);
    const found = bytes === undefined ? 'it is missing' : `its hash is ${encodeHex(sha256(bytes))}`;
    if (bytes !== undefined && encodeHex(sha256(bytes)) === hash) return bytes;
    throw new EngineError('record-damaged', `Cannot read "${file}" in "${this.path}": ${found}`, {
      file,
      offset: 0,
      path: this.path,
    });
  }

  /** Keeps the bytes of a module, durable when this answers; one that is there already is left. */
  addModule(hash: string, bytes: Uint8Array): void {
    checkModule(hash, bytes);
    if (this.moduleHashes().includes(hash)) return;
    writeWhole(this.storage, 'modules', `${hash}.wasm`, bytes);
  }

  /** The numbers of the segments of the log that are there, ascending. */
  segments(): readonly number[] {
    const names = onStorage(this.storage, '.', 'list', () => this.storage.list('')) ?? [];
    return names
      .flatMap((name) => segmentPattern.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }
}

/**
 * Keeps others from writing into a run directory, until the lock is released or the process is gone. Reading needs no
 * lock; whoever means to write has it before anything is read.
 *
 * @throws EngineError `run-directory-invalid` where somebody else writes into it
 */
export function takeLock(storage: Storage): Lock {
  const lock = onStorage(storage, lockName, 'lock', () => storage.lock(lockName));
  if (lock !== undefined) return lock;
  throw new EngineError(
    'run-directory-invalid',
    `Cannot write into "${storage.place}": another run or command is writing into it; wait for its end`,
    { path: storage.place },
  );
}

/** A log that takes the place of a run's own, once that is said. */
export interface BegunLog {
  /** The run with the new log, into which it is written. */
  readonly directory: RunDirectory;
  /** From now on the run has the new log; durable when this answers. */
  commit(): void;
  /** Removes every other log. */
  removeOthers(): void;
}

/**
 * Begins a log that goes on from the snapshot of a tick, beside the one that a run has. The run is locked; `epoch` is
 * that of its head record.
 */
export function beginLog(directory: RunDirectory, baseTick: number, epoch: number): BegunLog {
  const { manifest } = directory;
  const { root } = directory;
  const log = logFolderName(logCount(manifest.log) + 1);
  // What "run.json" says may not be on the disk, where a process died that had just replaced it: the logs go that it
  // does not name.
  onStorage(root, '.', 'sync the folder', () => root.syncFolder(''));
  // What an earlier attempt left.
  removeOtherLogs(root, manifest.log);
  onStorage(root, log, 'make folder', () => root.makeFolder(log));
  const next: RunManifest = { ...manifest, baseTick, log };
  const storage = withLogIn(root, log);
  writeWhole(storage, '', headFile, encodeHeadFile(firstHead(manifest.runId, baseTick, epoch)));
  return {
    directory: new RunDirectory(root, next),
    commit: () => writeWhole(root, '', 'run.json', manifestBytes(next)),
    removeOthers: () => removeOtherLogs(root, log),
  };
}

/** The bytes of `run.json`: the one way to write these facts. */
export function manifestBytes(manifest: RunManifest): Uint8Array {
  const { format, runId, engine, durability, costTable, baseTick, origin, log, redacted } = manifest;
  const facts = { format, runId, engine, durability, costTable, baseTick, origin, log, redacted };
  return encodeUtf8(`${JSON.stringify(facts, undefined, 2)}\n`);
}

export function checkModule(hash: string, bytes: Uint8Array): void {
  const found = encodeHex(sha256(bytes));
  if (found !== hash) {
    throw new EngineError('bug', `Invariant broken: module bytes have the hash ${found}, not ${hash}`);
  }
}

export function missing(path: string, name: string): EngineError {
  return invalid(path, `"${name}" is missing`);
}

export function invalid(path: string, what: string): EngineError {
  return new EngineError('run-directory-invalid', `Cannot open "${path}" as a run directory: ${what}`, {
    path,
  });
}
