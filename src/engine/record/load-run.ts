// A run directory as a system: its configuration and modules, checked, and nothing from outside it.

import { bytesEqual, decodeUtf8, encodeHex } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import {
  decodeEvent,
  type OpenOptions,
  openRunDirectory,
  type ReadOptions,
  type RunDirectory,
  readEvents,
} from '../../log/index.ts';
import { costTableVersion } from '../../wasm/index.ts';
import { parseConfig } from '../config/index.ts';
import type { ModuleSource, SystemConfig } from '../config/system-config.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { sha256 } from '../sha256.ts';
import type { Offers } from '../snapshot/offer.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import { orUnreadable } from '../snapshot/unusable.ts';
import type { Snapshot } from '../turns/machine.ts';

export interface LoadedRun {
  readonly directory: RunDirectory;
  readonly config: SystemConfig;
  readonly modules: ReadonlyMap<string, ModuleSource>;
  readonly base: RunBase | undefined;
}

/** What the record of a fork, or of a run that was compacted, begins from. */
export interface RunBase {
  readonly tick: number;
  readonly digest: Uint8Array<ArrayBuffer>;
  /** Or what is wrong with it, which concerns only those who need it: a later one may serve. */
  readonly snapshot: Snapshot | EngineError;
}

export interface LoadOptions extends Pick<OpenOptions, 'forWriting'> {
  /** Get what the snapshot offers that the record begins from. */
  readonly offers?: Offers;
}

/**
 * Opens a run directory for executing it again.
 * @throws EngineError `run-directory-invalid` where it is not one or was made with another cost table;
 *   `record-damaged` where its files were changed
 */
export async function loadRun(
  path: string,
  ports: Ports = nodePorts,
  options: LoadOptions = {},
): Promise<LoadedRun> {
  const directory = openRunDirectory(path, ports.openStorage(path), options);
  try {
    return await loadFrom(directory, options.offers);
  } catch (error) {
    directory.unlock();
    throw error;
  }
}

async function loadFrom(directory: RunDirectory, offers: Offers | undefined): Promise<LoadedRun> {
  const { path } = directory;
  const { costTable, redacted } = directory.manifest;
  if (redacted !== undefined) throw notExecutable(directory, redacted);
  if (costTable !== costTableVersion) {
    throw new EngineError(
      'run-directory-invalid',
      `Cannot execute "${path}" again: its fuel was counted by cost table ${costTable}, and this version has ${costTableVersion}`,
      { path, costTable, wanted: costTableVersion },
    );
  }
  const bytes = directory.config();
  checkConfigHash(directory, bytes);
  const config = await parseRecorded(path, bytes);
  const hashes = [...new Set(config.agents.map((agent) => agent.module))];
  const modules = new Map(
    hashes.map((hash) => [hash, { bytes: directory.module(hash), files: [`modules/${hash}.wasm`] }]),
  );
  return { directory, config, modules, base: readBase(directory, offers) };
}

function notExecutable(directory: RunDirectory, redacted: readonly string[]): EngineError {
  const { path } = directory;
  const topics = redacted.map((topic) => JSON.stringify(topic)).join(', ');
  const why = `the payloads of ${topics} were redacted, and only their hashes are there`;
  return new EngineError('run-directory-invalid', `Cannot execute "${path}" again: ${why}`, {
    path,
    redacted,
  });
}

async function parseRecorded(path: string, bytes: Uint8Array): Promise<SystemConfig> {
  try {
    return await parseConfig(JSON.parse(decodeUtf8(bytes) ?? ''));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineError(
      'record-damaged',
      `Cannot read "config.json" in "${path}": ${why}`,
      { file: 'config.json', offset: 0, path },
      error,
    );
  }
}

/** The snapshot that a record begins from, as the log says it. */
function readBase(directory: RunDirectory, offers: Offers | undefined): RunBase | undefined {
  const { baseTick: tick } = directory.manifest;
  if (tick === undefined) return undefined;
  const snapshot = orUnreadable(() => {
    const base = new SnapshotStore(directory).read(tick, offers);
    checkBase(directory, base);
    return base;
  });
  if (!(snapshot instanceof EngineError)) return { tick, digest: snapshot.digest, snapshot };
  for (const { payload } of readEvents(directory, { channels: ['run-started'] }))
    return { tick, digest: decodeEvent('run-started', payload).baseDigest.slice(), snapshot };
  throw snapshot;
}

/**
 * Compares the snapshot that a record begins from with what the log says of it.
 * @throws EngineError `record-damaged` where it is another one
 */
export function checkBase(
  directory: RunDirectory,
  base: Pick<Snapshot, 'tick' | 'digest'>,
  options: Pick<ReadOptions, 'ignoreHead'> = {},
): void {
  for (const { payload } of readEvents(directory, { ...options, channels: ['run-started'] })) {
    if (bytesEqual(decodeEvent('run-started', payload).baseDigest, base.digest)) return;
    const details = { file: 'snapshots', offset: 0, path: directory.path };
    const what = `the snapshot of tick ${base.tick} has not the digest that the log says`;
    throw new EngineError('record-damaged', `Cannot begin the run in "${directory.path}": ${what}`, details);
  }
}

/** The log says which configuration it belongs to. */
function checkConfigHash(directory: RunDirectory, bytes: Uint8Array): void {
  for (const { payload } of readEvents(directory, { channels: ['run-started'] })) {
    const wanted = encodeHex(decodeEvent('run-started', payload).configSha256);
    const found = encodeHex(sha256(bytes));
    if (found === wanted) return;
    throw new EngineError(
      'record-damaged',
      `Cannot read "config.json" in "${directory.path}": its hash is ${found}, and the log says ${wanted}`,
      { file: 'config.json', offset: 0, path: directory.path },
    );
  }
}
