// A run directory that was packed into one tar archive, as a storage that can only be read.

import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { onStorage, readRange } from '../files.ts';
import { nodeStorage } from '../node-storage.ts';
import type { ReadHandle, Storage } from '../storage.ts';
import { readOnly } from './read-only.ts';
import { decodeTarHeader, tarBlockBytes } from './tar-header.ts';

interface Range {
  readonly offset: number;
  readonly size: number;
}

/**
 * The run directory in an archive: the folder in it that holds `run.json`.
 *
 * @param path the archive, for people; `file` is its name in `parent`
 * @throws EngineError `run-directory-invalid` where it is no tar archive, or holds no run; `record-damaged` where it
 *   ends within a file
 */
export function archiveStorage(path: string, parent: Storage, file: string): Storage {
  const open = (): ReadHandle => {
    const handle = parent.openRead(file);
    if (handle === undefined) throw invalid(path, 'there is no such file');
    return handle;
  };
  const handle = onStorage(parent, file, 'open', open);
  let files: ReadonlyMap<string, Range>;
  try {
    files = runFiles(path, readIndex(path, handle));
  } finally {
    handle.close();
  }
  const refuse = (): never => {
    const text = `Cannot write into "${path}": it is an archive, and only read; unpack it with tar to go on with the run`;
    throw new EngineError('run-directory-invalid', text, { path });
  };
  const openRead = (name: string): ReadHandle | undefined => {
    const range = files.get(name);
    return range === undefined ? undefined : rangeHandle(open(), range);
  };
  return readOnly({ place: path, list: (folder) => listNames(files, folder), openRead }, refuse);
}

/** The storage at a path: that of a folder, or of an archive where the path is a file. */
export function storageAt(path: string): Storage {
  if (!isFile(path)) return nodeStorage(path);
  return archiveStorage(path, nodeStorage(dirname(path)), basename(path));
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // What is not there, or cannot be reached, is said by whoever opens it.
    return false;
  }
}

function rangeHandle(handle: ReadHandle, { offset, size }: Range): ReadHandle {
  return {
    size: () => size,
    read: (into, at) => (at >= size ? 0 : handle.read(into.subarray(0, size - at), offset + at)),
    close: () => handle.close(),
  };
}

const neither = 'it is neither a folder nor a tar archive of one';

/** Where each file's bytes lie. */
function readIndex(path: string, handle: ReadHandle): ReadonlyMap<string, Range> {
  const files = new Map<string, Range>();
  const end = handle.size();
  if (end < tarBlockBytes) throw invalid(path, neither);
  for (let at = 0; at + tarBlockBytes <= end; ) {
    const block = readRange(handle, at, tarBlockBytes);
    if (block.every((byte) => byte === 0)) break;
    const entry = decodeTarHeader(block);
    if (entry === undefined && at === 0) throw invalid(path, neither);
    if (entry === undefined) throw damaged(path, at, 'the header of a file is not whole');
    const { name, size, isFile } = entry;
    const offset = at + tarBlockBytes;
    if (offset + size > end) throw damaged(path, at, `it ends within "${name}"`);
    if (isFile) files.set(name.replace(/^\.\//, ''), { offset, size });
    at = offset + Math.ceil(size / tarBlockBytes) * tarBlockBytes;
  }
  return files;
}

function runFiles(path: string, files: ReadonlyMap<string, Range>): ReadonlyMap<string, Range> {
  const manifest = [...files.keys()].find((name) => /^([^/]+\/)?run\.json$/.test(name));
  if (manifest === undefined) throw invalid(path, 'it is an archive without a "run.json"');
  const root = manifest.slice(0, -'run.json'.length);
  return new Map(
    [...files].flatMap(([name, range]) => (name.startsWith(root) ? [[name.slice(root.length), range]] : [])),
  );
}

function listNames(files: ReadonlyMap<string, Range>, folder: string): readonly string[] | undefined {
  const start = folder === '' ? '' : `${folder}/`;
  const names = new Set<string>();
  for (const name of files.keys()) {
    if (name.startsWith(start)) names.add(name.slice(start.length).split('/')[0]!);
  }
  return names.size === 0 && folder !== '' ? undefined : [...names].sort();
}

function invalid(path: string, what: string): EngineError {
  return new EngineError('run-directory-invalid', `Cannot open "${path}" as a run directory: ${what}`, {
    path,
  });
}

function damaged(path: string, offset: number, what: string): EngineError {
  const text = `Cannot read the archive "${path}" at byte ${offset}: ${what}`;
  return new EngineError('record-damaged', text, { file: path, offset, path });
}
