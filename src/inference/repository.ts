// Models on the disk: one folder for each version of a model, with `model.onnx` and what belongs to it. A folder has
// one hash, and a model is what its hash says, wherever it lies.

import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../base/errors.ts';

/** The file of a model within the folder of its version. */
export const modelFile = 'model.onnx';

/** What lies in the folder of a version. */
export interface ModelFolder {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Of all files together. */
  readonly bytes: number;
}

/** The folder of a version of a model within the model's own. */
export function versionFolder(modelFolder: string, version: string): string {
  return join(modelFolder, version);
}

/**
 * Hashes the folder of a version. Where `model.onnx` is alone, the hash is that file's own SHA-256; otherwise it is the
 * SHA-256 of what `sha256sum` prints for all files, ordered by name.
 * @throws EngineError `model-missing` where there is no model; `model-refused` where something else than files is there
 */
export function hashModelFolder(folder: string): ModelFolder {
  const names = listFiles(folder);
  const files = names.map((name) => ({ name, ...hashFile(join(folder, name)) }));
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (files.length === 1) return { sha256: files[0]!.sha256, bytes };
  const hash = createHash('sha256');
  for (const { sha256, name } of files) hash.update(`${sha256}  ${name}\n`);
  return { sha256: hash.digest('hex'), bytes };
}

function listFiles(folder: string): string[] {
  let entries: import('node:fs').Dirent[];
  let isLink: boolean;
  try {
    isLink = lstatSync(folder).isSymbolicLink();
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    throw new EngineError('model-missing', `no folder at ${JSON.stringify(folder)}`, { folder });
  }
  // Whatever a link leads to could be exchanged, or lie anywhere.
  if (isLink) {
    const text = `found a link at ${JSON.stringify(folder)}, wanted a folder of its own`;
    throw new EngineError('model-refused', text, { folder });
  }
  for (const entry of entries) {
    if (entry.isFile()) continue;
    const what = entry.isSymbolicLink() ? 'a link' : entry.isDirectory() ? 'a folder' : 'something';
    throw new EngineError(
      'model-refused',
      `found ${what}, ${JSON.stringify(entry.name)}, in ${JSON.stringify(folder)}, wanted nothing but files`,
      { folder },
    );
  }
  const names = entries.map(({ name }) => name).sort((a, b) => (a < b ? -1 : 1));
  if (names.includes(modelFile)) return names;
  throw new EngineError('model-missing', `no "${modelFile}" in ${JSON.stringify(folder)}`, { folder });
}

/** What is read at once; one more than a model file can have, and a process holds no longer piece. */
const wholeBytesMax = 2 ** 31 - 1;

/**
 * A file of the folder of a version, whole.
 * @throws EngineError `model-refused` where it is too large for that
 */
export function readModelFile(
  folder: string,
  name: string,
  bytesMax: number = wholeBytesMax,
): NonSharedBuffer {
  const path = join(folder, name);
  const { size } = statSync(path);
  if (size <= bytesMax) return readFileSync(path);
  const wanted = `wanted at most ${bytesMax}`;
  throw new EngineError('model-refused', `its "${name}" has ${size} bytes, ${wanted}`, { folder });
}

/** In pieces, since a model may be larger than a buffer can be. */
function hashFile(path: string): { readonly sha256: string; readonly bytes: number } {
  const hash = createHash('sha256');
  const piece = new Uint8Array(Math.max(1, Math.min(statSync(path).size, 1 << 20)));
  const handle = openSync(path, 'r');
  let bytes = 0;
  try {
    for (let read = readSync(handle, piece); read > 0; read = readSync(handle, piece)) {
      hash.update(piece.subarray(0, read));
      bytes += read;
    }
  } finally {
    closeSync(handle);
  }
  return { sha256: hash.digest('hex'), bytes };
}
