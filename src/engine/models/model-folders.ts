// Where the models of a recorded run lie on this machine. A hint beside the record: what counts is the hash of each
// model, which the configuration pins.

import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { decodeUtf8, encodeUtf8 } from '../../base/encoding.ts';
import { readWhole, writeWhole } from '../../log/files.ts';
import type { RunDirectory, Storage } from '../../log/index.ts';
import type { HostConfig, SystemConfig } from '../config/system-config.ts';

const hintFile = 'models.json';

/** A file that says where a run's models lie, so that whoever goes on with it finds them; none without models. */
export function modelFolderNotes({
  modelFolders,
}: Pick<HostConfig, 'modelFolders'>): ReadonlyMap<string, Uint8Array> {
  if (modelFolders.size === 0) return new Map();
  const text = `${JSON.stringify(Object.fromEntries(modelFolders), null, 2)}\n`;
  return new Map([[hintFile, encodeUtf8(text)]]);
}

/** Adds a model that was declared while the run goes on to the file. */
export function noteModelFolder({ storage }: RunDirectory, name: string, folder: string): void {
  const modelFolders = new Map([...readHint(storage), [name, folder]]);
  for (const [file, bytes] of modelFolderNotes({ modelFolders })) writeWhole(storage, '', file, bytes);
}

/**
 * The folder of each model of a recorded run, also of those that it declared as it went on.
 * @param modelsDirectory where given, a folder that holds the folder NAME of each model
 */
export function findModelFolders(
  { storage }: RunDirectory,
  { models }: SystemConfig,
  modelsDirectory: string | undefined,
): ReadonlyMap<string, string> {
  if (modelsDirectory === undefined) return readHint(storage);
  const names = [...models.map(({ name }) => name), ...foldersIn(modelsDirectory)];
  return new Map(names.map((name) => [name, resolve(join(modelsDirectory, name))]));
}

/** None where it cannot be listed: whoever needs a model of it is told where that was looked for. */
function foldersIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readHint(storage: Storage): ReadonlyMap<string, string> {
  const bytes = readWhole(storage, hintFile);
  return new Map(Object.entries(bytes === undefined ? {} : parseHint(bytes)));
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
