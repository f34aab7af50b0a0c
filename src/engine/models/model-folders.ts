// Where the models of a recorded run lie on this machine. A hint beside the record: what counts is the hash of each
// model, which the configuration pins.

import { join, resolve } from 'node:path';
import { decodeUtf8, encodeUtf8 } from '../../base/encoding.ts';
import { readWhole } from '../../log/files.ts';
import type { RunDirectory } from '../../log/index.ts';
import type { HostConfig, SystemConfig } from '../config/system-config.ts';

const hintFile = 'models.json';

/** A file that says where a run's models lie, so that whoever goes on with it finds them; none without models. */
export function modelFolderNotes({ modelFolders }: HostConfig): ReadonlyMap<string, Uint8Array> {
  if (modelFolders.size === 0) return new Map();
  const text = `${JSON.stringify(Object.fromEntries(modelFolders), null, 2)}\n`;
  return new Map([[hintFile, encodeUtf8(text)]]);
}

/**
 * The folder of each model of a recorded run.
 * @param modelsDirectory where given, a folder that holds the folder NAME of each model
 */
export function findModelFolders(
  { storage }: RunDirectory,
  { models }: SystemConfig,
  modelsDirectory: string | undefined,
): ReadonlyMap<string, string> {
  if (models.length === 0) return new Map();
  if (modelsDirectory !== undefined)
    return new Map(models.map(({ name }) => [name, resolve(join(modelsDirectory, name))]));
  const bytes = readWhole(storage, hintFile);
  const hint = bytes === undefined ? {} : parseHint(bytes);
  return new Map(models.flatMap(({ name }) => (hint[name] === undefined ? [] : [[name, hint[name]]])));
}

/** Nothing is lost where the hint is damaged: the folders are asked for. */
function parseHint(bytes: Uint8Array): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(decodeUtf8(bytes) ?? '');
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter(([, path]) => typeof path === 'string'));
  } catch {
    return {};
  }
}
