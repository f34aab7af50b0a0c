// Writes files into a tar archive, whole or not at all. The same files give the same bytes.

import { assert, EngineError } from '../../base/errors.ts';
import { AppendFile, onStorage, openFile, readRange } from '../files.ts';
import type { Storage } from '../storage.ts';
import { encodeTarHeader, tarBlockBytes } from './tar-header.ts';

/** Bytes that are copied at once. */
const copyBytes = 1_048_576;

export interface ArchivedFile {
  /** Name within the storage. */
  readonly name: string;
  /** Only so many of its first bytes; else all. */
  readonly size?: number;
  /** Its content, where that is not read from the storage. */
  readonly bytes?: Uint8Array;
}

/** Where an archive is written. */
export interface ArchivePlace {
  readonly storage: Storage;
  readonly name: string;
  /** Its name until it is whole: one that nobody else has. */
  readonly unfinished: string;
}

/**
 * Packs files of a storage under one folder of a new archive, durable when this answers; one of its name is replaced
 * when all is written.
 *
 * @returns the bytes of the archive
 */
export function writeArchive(
  target: ArchivePlace,
  source: Storage,
  folder: string,
  files: readonly ArchivedFile[],
): number {
  const { storage, name, unfinished } = target;
  const archive = new AppendFile(storage, unfinished, 'create');
  let written = 0;
  const write = (bytes: Uint8Array): void => {
    archive.write(bytes);
    written += bytes.length;
  };
  try {
    for (const file of files) {
      if (file.bytes === undefined) copyFile(write, source, folder, file);
      else writeFile(write, `${folder}/${file.name}`, file.bytes);
    }
    write(new Uint8Array(2 * tarBlockBytes));
    archive.sync();
  } catch (error) {
    archive.abandon();
    throw error;
  }
  archive.close();
  onStorage(storage, name, 'rename to', () => storage.rename(unfinished, name));
  // Whoever is told that it is there may remove what it was packed from.
  onStorage(storage, name, 'sync the folder of', () => storage.syncFolder(''));
  return written;
}

function writeFile(write: (bytes: Uint8Array) => void, name: string, bytes: Uint8Array): void {
  write(encodeTarHeader(name, bytes.length));
  write(bytes);
  write(paddingAfter(bytes.length));
}

function paddingAfter(size: number): Uint8Array {
  return new Uint8Array((tarBlockBytes - (size % tarBlockBytes)) % tarBlockBytes);
}

function copyFile(
  write: (bytes: Uint8Array) => void,
  source: Storage,
  folder: string,
  { name, size: wanted }: ArchivedFile,
): void {
  const handle = openFile(source, name);
  if (handle === undefined) {
    const text = `Cannot pack "${name}" of "${source.place}": it went away meanwhile; try again`;
    throw new EngineError('run-failed', text, { file: name, path: source.place });
  }
  try {
    const size = wanted ?? handle.size();
    write(encodeTarHeader(`${folder}/${name}`, size));
    for (let at = 0; at < size; at += copyBytes) {
      const bytes = readRange(handle, at, Math.min(copyBytes, size - at));
      assert(bytes.length === Math.min(copyBytes, size - at), `"${name}" does not shrink while it is packed`);
      write(bytes);
    }
    write(paddingAfter(size));
  } finally {
    handle.close();
  }
}
