// Opens a run directory that somebody else made: nothing about it is believed before it was compared.

import { bytesEqual, decodeUtf8 } from '../base/encoding.ts';
import { EngineError } from '../base/errors.ts';
import { storageAt } from './archive/archive-storage.ts';
import { sha256 } from './chain.ts';
import { decodeEvent } from './channels.ts';
import { type ReadOptions, readEvents } from './event-log-reader.ts';
import type { RunOrigin } from './events.ts';
import { onStorage, readWhole } from './files.ts';
import { isLogFolder } from './log-folder.ts';
import {
  invalid,
  manifestBytes,
  missing,
  RunDirectory,
  type RunManifest,
  recordFormat,
  takeLock,
} from './run-directory.ts';
import type { Storage } from './storage.ts';

export interface OpenOptions extends Pick<ReadOptions, 'ignoreHead'> {
  /** Locks the directory, until `unlock`, before anything of it is read: only so may it be written into. */
  readonly forWriting?: boolean;
}

/**
 * Opens a run directory, whose run may still be going. Its small files are compared with the first event of the log;
 * the rest of the log, and the modules, are checked when they are read.
 *
 * @throws EngineError `run-directory-invalid` where it is not one, or one of another format; `record-damaged` where its
 *   files were changed.
 */
export function openRunDirectory(
  path: string,
  storage: Storage = storageAt(path),
  { forWriting = false, ...options }: OpenOptions = {},
): RunDirectory {
  const names = onStorage(storage, '.', 'list', () => storage.list(''));
  if (names === undefined) throw invalid(path, 'there is no such folder, nor an archive of one');
  for (const name of ['run.json', 'config.json', 'modules']) {
    if (!names.includes(name)) throw missing(path, name);
  }
  // Not in a folder that is no run directory: the lock leaves a file behind.
  const lock = forWriting ? takeLock(storage) : undefined;
  try {
    const bytes = readWhole(storage, 'run.json');
    if (bytes === undefined) throw missing(path, 'run.json');
    const directory = new RunDirectory(storage, parseManifest(path, bytes), lock);
    checkStart(directory, options);
    return directory;
  } catch (error) {
    lock?.release();
    throw error;
  }
}

/** Whether there is a run directory, or an archive of one, at a path; what is in it is not looked at. */
export function isRecordedRun(path: string): boolean {
  try {
    const storage = storageAt(path);
    return (onStorage(storage, '.', 'list', () => storage.list('')) ?? []).includes('run.json');
  } catch (error) {
    if (error instanceof EngineError && error.code === 'run-directory-invalid') return false;
    throw error;
  }
}

/**
 * The identity of the run in a run directory.
 * @throws EngineError what `openRunDirectory` throws
 */
export function recordedRunId(path: string): string {
  return openRunDirectory(path).manifest.runId;
}

/** Compares configuration and manifest with what the log says of them; a log without an event says nothing. */
function checkStart(directory: RunDirectory, options: ReadOptions): void {
  const { path, manifest } = directory;
  for (const { channel, payload } of readEvents(directory, options)) {
    if (channel !== 'run-started') return;
    const started = decodeEvent(channel, payload);
    for (const fact of ['format', 'runId', 'engine', 'durability', 'costTable'] as const) {
      if (manifest[fact] !== started[fact]) {
        const found = `"${fact}" is ${JSON.stringify(manifest[fact])}`;
        throw damaged(path, 'run.json', `${found}, and the log says ${JSON.stringify(started[fact])}`);
      }
    }
    if ((manifest.baseTick ?? 0) !== started.baseTick) {
      throw damaged(
        path,
        'run.json',
        `"baseTick" is ${manifest.baseTick}, and the log says ${started.baseTick}`,
      );
    }
    if (JSON.stringify(manifest.redacted ?? []) !== JSON.stringify(started.redacted))
      throw damaged(path, 'run.json', '"redacted" is not what the log says');
    if (JSON.stringify(manifest.origin) !== JSON.stringify(started.origin))
      throw damaged(path, 'run.json', '"origin" is not what the log says');
    if (!bytesEqual(sha256(directory.config()), started.configSha256)) {
      throw damaged(path, 'config.json', 'its hash is not the one in the log');
    }
    return;
  }
}

function parseManifest(path: string, bytes: Uint8Array): RunManifest {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes) ?? '');
  } catch {
    throw damaged(path, 'run.json', 'it is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw damaged(path, 'run.json', 'it is not an object');
  const { format, runId, engine, durability, costTable, baseTick, origin, log, redacted } = value as Record<
    string,
    unknown
  >;
  if (typeof format !== 'number') throw damaged(path, 'run.json', '"format" is not a number');
  if (format !== recordFormat) {
    throw invalid(path, `it has format ${format}, and this version reads format ${recordFormat}`);
  }
  if (typeof runId !== 'string' || !/^[0-9a-f]{32}$/.test(runId))
    throw damaged(path, 'run.json', '"runId" is not 32 digits of lower-case hexadecimal');
  if (typeof engine !== 'string') throw damaged(path, 'run.json', '"engine" is not a text');
  if (typeof durability !== 'string') throw damaged(path, 'run.json', '"durability" is not a text');
  if (typeof costTable !== 'number') throw damaged(path, 'run.json', '"costTable" is not a number');
  if (baseTick !== undefined && typeof baseTick !== 'number')
    throw damaged(path, 'run.json', '"baseTick" is not a number');
  const base = baseTick === undefined ? {} : { baseTick };
  const from = origin === undefined ? {} : { origin: parseOrigin(path, origin) };
  const isList = Array.isArray(redacted) && redacted.every((topic) => typeof topic === 'string');
  if (redacted !== undefined && !isList)
    throw damaged(path, 'run.json', '"redacted" is not a list of topics');
  if (log !== undefined && !isLogFolder(log))
    throw damaged(path, 'run.json', '"log" is not the folder of a log');
  const place = log === undefined ? {} : { log };
  const hidden = redacted === undefined ? {} : { redacted: redacted as string[] };
  const manifest = { format, runId, engine, durability, costTable, ...base, ...from, ...place, ...hidden };
  if (!bytesEqual(bytes, manifestBytes(manifest))) throw damaged(path, 'run.json', 'it was changed');
  return manifest;
}

function parseOrigin(path: string, value: unknown): RunOrigin {
  const { runId, name, tick, digest, changes } = (value ?? {}) as Record<string, unknown>;
  const isWhole =
    [runId, name, digest].every((text) => typeof text === 'string') &&
    typeof tick === 'number' &&
    Array.isArray(changes) &&
    changes.every((change) => typeof change === 'string');
  if (!isWhole) throw damaged(path, 'run.json', '"origin" lacks something');
  return { runId, name, tick, digest, changes } as RunOrigin;
}

function damaged(path: string, file: string, what: string): EngineError {
  const details = { file, offset: 0, path };
  return new EngineError('record-damaged', `Cannot read "${file}" in "${path}": ${what}`, details);
}
