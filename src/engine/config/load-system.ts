// From a system file on the disk to a checked system with its modules' bytes.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { decodeUtf8 } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { hashModelFolder, versionFolder } from '../../inference/index.ts';
import { type FileSystem, normalise } from './file-form.ts';
import { locateInside, unreadable } from './inside-folder.ts';
import { asTable, type JsonPath, type JsonValue } from './json-value.ts';
import { readSystem } from './parse-system.ts';
import type { ProblemList } from './problems.ts';
import { checkSeed } from './seed.ts';
import type { HostConfig, ModuleSource, System } from './system-config.ts';

/** A system that came from a file. */
export interface LoadedSystem extends System {
  /** Absolute path of the folder of the system file. */
  readonly directory: string;
}

/** What the command line says in place of the file. */
export interface Overrides {
  readonly seed?: number;
  readonly workers?: number;
  /** The input that the file names is not wanted, so it need not exist. */
  readonly withoutInput?: boolean;
}

/**
 * Reads a system file and the modules that it names.
 *
 * @throws EngineError `config-invalid` with every problem in `details.problems`; `module-missing` where all that is
 *   wrong is that files are not there.
 */
export async function loadSystem(path: string, overrides: Overrides = {}): Promise<LoadedSystem> {
  const directory = dirname(resolve(path));
  const { system, value, problems } = await readSystem(readText(path), path);
  const { modules, hashes } = readModules(value, directory, problems);
  const modelFolders = locateModels(value, directory, problems);
  const inputFile = locateInput(value, directory, problems, overrides.withoutInput === true);
  problems.throwIfAny(`run ${JSON.stringify(path)}`);
  const checked = system as FileSystem;
  const config = normalise(checked, hashes);
  const seed = overrides.seed === undefined ? config.run.seed : checkSeed(overrides.seed);
  const workers = overrides.workers ?? checked.host.workers;
  const host: HostConfig = { ...checked.host, workers, inputFile, modelFolders };
  return { config: { ...config, run: { ...config.run, seed } }, host, modules, directory };
}

function readText(path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new EngineError('config-invalid', `Cannot read the system file: ${unreadable(path, error)}`, {
      file: path,
    });
  }
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  throw new EngineError('config-invalid', `Cannot read ${JSON.stringify(path)}: it is not UTF-8 text`, {
    file: path,
  });
}

/** Unchecked values are looked into, so that a file that is not there is told together with everything else. */
function readModules(
  value: JsonValue,
  directory: string,
  problems: ProblemList,
): { modules: Map<string, ModuleSource>; hashes: Map<string, string> } {
  const modules = new Map<string, { bytes: Uint8Array; files: string[] }>();
  const hashes = new Map<string, string>();
  const hashByFile = new Map<string, string | undefined>();
  for (const [agent, body] of Object.entries(asTable(asTable(value)?.agents) ?? {})) {
    const file = asTable(body)?.module;
    if (typeof file !== 'string' || file === '') continue;
    const at = ['agents', agent, 'module'];
    if (!hashByFile.has(file)) {
      const bytes = readInside(directory, file, at, problems);
      const hash = bytes && createHash('sha256').update(bytes).digest('hex');
      hashByFile.set(file, hash);
      const known = hash === undefined ? undefined : modules.get(hash);
      if (known !== undefined) known.files.push(file);
      else if (hash !== undefined) modules.set(hash, { bytes: bytes!, files: [file] });
    }
    const hash = hashByFile.get(file);
    if (hash !== undefined) hashes.set(agent, hash);
  }
  return { modules, hashes };
}

function readInside(
  directory: string,
  name: string,
  at: JsonPath,
  problems: ProblemList,
): Uint8Array | undefined {
  const located = locateInside(directory, name);
  if (!located.ok) {
    if (located.missing) problems.addMissing(at, located.message);
    else problems.add(at, located.message);
    return undefined;
  }
  try {
    return readFileSync(located.path);
  } catch (error) {
    problems.addMissing(at, unreadable(located.path, error));
    return undefined;
  }
}

/** Finds each model's folder, and compares each version of it with its pin. */
function locateModels(value: JsonValue, directory: string, problems: ProblemList): Map<string, string> {
  const folders = new Map<string, string>();
  for (const [name, body] of Object.entries(asTable(asTable(value)?.models) ?? {})) {
    const folder = asTable(body)?.folder;
    if (typeof folder !== 'string' || folder === '') continue;
    const located = locateInside(directory, folder, 'folder');
    if (!located.ok) {
      if (located.missing) problems.addMissing(['models', name, 'folder'], located.message);
      else problems.add(['models', name, 'folder'], located.message);
      continue;
    }
    folders.set(name, located.path);
    for (const [version, pin] of Object.entries(asTable(asTable(body)?.versions) ?? {})) {
      if (typeof pin === 'string')
        checkPin(located.path, version, pin, ['models', name, 'versions'], problems);
    }
  }
  return folders;
}

function checkPin(folder: string, version: string, pin: string, at: JsonPath, problems: ProblemList): void {
  try {
    const { sha256 } = hashModelFolder(versionFolder(folder, version));
    if (sha256 !== pin)
      problems.add([...at, version], `the hash of the version's folder is ${sha256}, wanted ${pin}`);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (error.code === 'model-missing') problems.addMissing([...at, version], error.message);
    else problems.add([...at, version], error.message);
  }
}

function locateInput(
  value: JsonValue,
  directory: string,
  problems: ProblemList,
  withoutInput: boolean,
): string | undefined {
  const name = asTable(asTable(value)?.inputs)?.file;
  if (typeof name !== 'string' || name === '') return undefined;
  const located = locateInside(directory, name);
  if (located.ok) return located.path;
  if (!located.missing) problems.add(['inputs', 'file'], located.message);
  else if (!withoutInput) problems.addMissing(['inputs', 'file'], located.message);
  return undefined;
}
