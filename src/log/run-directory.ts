// A run directory: what it is called, what must be in it, and its small files. The log has files of its own.

import { encodeHex, encodeUtf8 } from '../base/encoding.ts';
import { EngineError } from '../base/errors.ts';
import { sha256 } from './chain.ts';
import { onStorage, readWhole, writeWhole } from './files.ts';
import { nodeStorage } from './node-storage.ts';
import type { Storage } from './storage.ts';

/** The format of the directory and its log that this version writes. */
export const recordFormat = 1;

/** The facts in `run.json`. */
export interface RunManifest {
  readonly format: number;
  /** Version of the engine that began the run. */
  readonly engine: string;
  /** `tick`, `batch` or `none`. */
  readonly durability: string;
  /** Version of the cost table that fuel was counted by. */
  readonly costTable: number;
  /** The tick of the snapshot that the run began from, for a fork; absent where it began from nothing. */
  readonly baseTick?: number;
}

/** What a run directory holds from its beginning. */
export interface RunContents {
  readonly manifest: RunManifest;
  /** The normalised configuration, as canonical JSON. */
  readonly config: Uint8Array;
  /** Original module bytes by their SHA-256 in hexadecimal. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
}

/** The file name of a segment of the log. */
export function segmentName(number: number): string {
  return `events-${String(number).padStart(6, '0')}.mcap`;
}

const segmentPattern = /^events-(\d{6,})\.mcap$/;
const modulePattern = /^([0-9a-f]{64})\.wasm$/;

/** A run directory and its small files. */
export class RunDirectory {
  readonly path: string;
  readonly storage: Storage;
  readonly manifest: RunManifest;

  /** Use `createRunDirectory` or `openRunDirectory`. */
  constructor(storage: Storage, manifest: RunManifest) {
    this.path = storage.place;
    this.storage = storage;
    this.manifest = manifest;
  }

  /** The bytes of the configuration. */
  config(): Uint8Array<ArrayBuffer> {
    const bytes = readWhole(this.storage, 'config.json');
    if (bytes === undefined) throw missing(this.path, 'config.json');
    return bytes;
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
 * Makes a run directory, durable when this answers. The folder may exist if it is empty.
 *
 * @throws EngineError `run-directory-invalid` where the folder is not empty or cannot be made; `host-fault` where the
 *   storage fails.
 */
export function createRunDirectory(
  path: string,
  contents: RunContents,
  storage: Storage = nodeStorage(path),
): RunDirectory {
  for (const [hash, bytes] of contents.modules) checkModule(hash, bytes);
  makeFolders(path, storage);
  for (const [hash, bytes] of contents.modules) writeWhole(storage, 'modules', `${hash}.wasm`, bytes);
  writeWhole(storage, '', 'config.json', contents.config);
  // Last, for this file makes the folder a run directory.
  writeWhole(storage, '', 'run.json', manifestBytes(contents.manifest));
  return new RunDirectory(storage, contents.manifest);
}

/** A place where no folder can be made is a mistake of whoever named it, not a fault of the host. */
function makeFolders(path: string, storage: Storage): void {
  let why: string;
  let cause: unknown;
  try {
    const names = storage.list('') ?? [];
    if (names.length === 0) {
      storage.makeFolder('modules');
      return;
    }
    why = `it is not empty, it holds "${names[0]}"`;
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
    cause = error;
  }
  const message = `Cannot make a run directory of "${path}": ${why}`;
  throw new EngineError('run-directory-invalid', message, { path }, cause);
}

/** The bytes of `run.json`: the one way to write these facts. */
export function manifestBytes({ format, engine, durability, costTable, baseTick }: RunManifest): Uint8Array {
  const facts = { format, engine, durability, costTable, baseTick };
  return encodeUtf8(`${JSON.stringify(facts, undefined, 2)}\n`);
}

function checkModule(hash: string, bytes: Uint8Array): void {
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
