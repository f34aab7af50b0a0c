// Snapshots that cannot be used: their errors, and whether one is to be believed.

import { bytesEqual } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { readWhole } from '../../log/files.ts';
import type { Storage } from '../../log/index.ts';
import { snapshotFormat } from './snapshot-file.ts';

/** @param path of the run directory */
export function damagedFile(path: string, file: string, offset: number, why: string): EngineError {
  const text = `Cannot read "${file}" in "${path}": ${why}`;
  return new EngineError('record-damaged', text, { file, offset, path });
}

/** @param path of the run directory */
export function ofOtherFormat(path: string, file: string, format: number): EngineError {
  const why = `it has format ${format}, and this version reads format ${snapshotFormat}`;
  const text = `Cannot use the snapshot "${file}" in "${path}": ${why}`;
  return new EngineError('run-directory-invalid', text, { file, path, format });
}

/** What is read of a snapshot, or what is wrong with it: it is damaged, or of another format. */
export function orUnreadable<T>(read: () => T): T | EngineError {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (error.code !== 'record-damaged' && error.details.format === undefined) throw error;
    return error;
  }
}

/** Undefined where a snapshot is damaged, or of another format. */
export function unlessUnreadable<T>(read: () => T): T | undefined {
  const found = orUnreadable(read);
  return found instanceof EngineError ? undefined : found;
}

/**
 * Reads a snapshot. The run may be going: its snapshots are written anew where their pages move, so one that cannot be
 * read is read again where its file has become another meanwhile.
 *
 * @param read gets the bytes of its file; undefined where there is none
 */
export function readSteadily<T>(
  storage: Storage,
  name: string,
  read: (bytes: Uint8Array<ArrayBuffer> | undefined) => T,
): T {
  for (let bytes = readWhole(storage, name); ; ) {
    try {
      return read(bytes);
    } catch (error) {
      const now = readWhole(storage, name);
      if (bytes === undefined || now === undefined || bytesEqual(bytes, now)) throw error;
      bytes = now;
    }
  }
}
