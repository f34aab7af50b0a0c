// Packs a run into one file that is read like its directory. The run is only read.

import { existsSync, lstatSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { bytesEqual, encodeHex, encodeUtf8 } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { failureText } from '../../base/failure-text.ts';
import { readWhole } from '../../log/files.ts';
import {
  type ArchivedFile,
  createRunDirectory,
  decodeEvent,
  EventLogWriter,
  type HeldFiles,
  holdFiles,
  isRecordedRun,
  type LogEnd,
  manifestBytes,
  nodeStorage,
  openRunDirectory,
  type RunDirectory,
  type RunManifest,
  readEvents,
  writeArchive,
} from '../../log/index.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { firstBehindBase, lostBeginning } from '../record/recorded-snapshots.ts';
import { SnapshotStore, snapshotName } from '../snapshot/store.ts';
import { orUnreadable } from '../snapshot/unusable.ts';
import { redactLog } from './redact-log.ts';
import { type RedactionFacts, redactionFile, redactionLines } from './redaction-text.ts';

export interface ExportOptions {
  /** Topics whose payloads from outside are replaced by their hashes: the export cannot be executed again then. */
  readonly redact?: readonly string[];
  /**
   * Whether a redacted export keeps outputs, log texts and answers of models, which may repeat what is redacted; false
   * by default.
   */
  readonly keepDerived?: boolean;
  /** Whether snapshots go with it, true by default; what a fork began from always does. */
  readonly snapshots?: boolean;
}

export interface ExportSummary {
  /** Bytes of the archive, and the files in it. */
  readonly bytes: number;
  readonly files: number;
  readonly snapshots: number;
  /** Ticks of snapshots that cannot be read, and did not go with it: all that they are for is done without them. */
  readonly unreadableSnapshots: readonly number[];
  /** The last tick that the record tells, and its digest; 0 and empty where it tells none. */
  readonly ticks: number;
  readonly digest: string;
  /** Topics, what was replaced, left out and kept; undefined where this export redacts nothing. */
  readonly redacted: RedactionFacts | undefined;
  /** Topics that were redacted in the run as it was given; undefined where it was whole. */
  readonly redactedBefore: readonly string[] | undefined;
}

/**
 * Writes a run, also one that is still going or was cut off, into a tar archive. The whole log is checked on the way.
 * The same run directory gives the same bytes.
 * @param path a run directory, or an archive of one
 * @param file the archive; one that is there is replaced, and nothing else is
 * @throws EngineError `run-directory-invalid`, `record-damaged`; `run-failed` where no file can be written
 *   there; `input-invalid` where nothing was published from outside to a topic that is to be redacted
 */
export function exportRun(
  path: string,
  file: string,
  options: ExportOptions = {},
  ports: Pick<Ports, 'openStorage'> = nodePorts,
): ExportSummary {
  const inside = `${realPath(path)}${sep}`;
  // A link to a file is followed, and what it leads to is replaced.
  const replaced = existsSync(file) ? realPath(file) : join(realPath(dirname(file)), basename(file));
  if (`${replaced}${sep}`.startsWith(inside)) {
    const text = `Cannot export "${path}" to "${file}": that is the run itself, or lies within it`;
    throw new EngineError('run-directory-invalid', text, { path, file });
  }
  // The run may be going, and its snapshots come and go.
  const held = holdFiles(ports.openStorage(path));
  try {
    const directory = openRunDirectory(path, held.storage);
    const redactedBefore = directory.manifest.redacted;
    refuseTarget(path, file);
    const summary = withStaging(path, replaced, (target) => exportBy({ directory, held }, target, options));
    return { ...summary, redactedBefore };
  } finally {
    held.close();
  }
}

/** Where a path leads to, by whatever links; what is not there is said by whoever opens it. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** A run whose files stay what they are while it is exported. */
interface Source {
  readonly directory: RunDirectory;
  readonly held: HeldFiles;
}

/** The archive, and a folder beside it for what is not finished. */
interface Target {
  readonly file: string;
  readonly staging: string;
}

function withStaging<T>(path: string, file: string, write: (target: Target) => T): T {
  const staging = makeStaging(path, file);
  try {
    return write({ file, staging });
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/**
 * Only an archive is replaced, or an empty file: another would be lost for a slip. And taking the name of a folder, a
 * device or a pipe would break what it is there for.
 */
function refuseTarget(path: string, file: string): void {
  const refuse = (why: string): never => {
    throw new EngineError('run-failed', `Cannot export "${path}" to "${file}": ${why}`, { path, file });
  };
  if (!existsSync(dirname(resolve(file)))) refuse(`there is no folder "${dirname(file)}"`);
  const there = statSync(file, { throwIfNoEntry: false });
  if (there?.isDirectory() === true) refuse('it is a folder, wanted a file');
  if (there?.isFile() === false) refuse('it is a device or a pipe, wanted a file');
  if (there !== undefined && there.size > 0 && !isRecordedRun(file))
    refuse('another file is there, and only an archive of a run is replaced');
  if (there === undefined && lstatSync(file, { throwIfNoEntry: false }) !== undefined)
    refuse('it is a link to nothing, wanted a file');
}

/** A folder of a name that nobody has. */
function makeStaging(path: string, file: string): string {
  try {
    return mkdtempSync(join(dirname(resolve(file)), `.${basename(file).slice(0, 100)}-`));
  } catch (error) {
    const text = `Cannot export "${path}" to "${file}": ${failureText(error)}`;
    throw new EngineError('run-failed', text, { path, file }, error);
  }
}

function exportBy(
  source: Source,
  target: Target,
  options: ExportOptions,
): Omit<ExportSummary, 'redactedBefore'> {
  const { directory } = source;
  const topics = [...new Set(options.redact ?? [])].sort();
  if (topics.length > 0) return exportRedacted(directory, target, topics, options.keepDerived === true);
  // One that is redacted already has no snapshots, and keeps what it says of itself.
  const isRedacted = directory.manifest.redacted !== undefined;
  const snapshots = isRedacted ? noSnapshots : snapshotFiles(source, options.snapshots !== false);
  const says = readWhole(directory.storage, redactionFile) !== undefined;
  const more = isRedacted && says ? [{ name: redactionFile }] : [];
  return { ...pack(directory, target, snapshots, more), redacted: undefined };
}

interface SnapshotFiles {
  readonly count: number;
  readonly unreadable: readonly number[];
  readonly names: readonly string[];
}

const noSnapshots: SnapshotFiles = { count: 0, unreadable: [], names: [] };

function snapshotFiles(source: Source, all: boolean): SnapshotFiles {
  const { directory } = source;
  const store = new SnapshotStore(directory);
  const { baseTick } = directory.manifest;
  const whole: number[] = [];
  const unreadable: number[] = [];
  for (const tick of store.ticks().filter((each) => all || each === baseTick)) {
    const found = holdSnapshot(source, store, tick);
    if (found === 'held') whole.push(tick);
    else if (found === 'unreadable') unreadable.push(tick);
  }
  // What a record begins from must be whole; without another one a replay begins at the one before it.
  if (baseTick !== undefined && !whole.includes(baseTick)) refuseLostBeginning(directory, baseTick);
  return { count: whole.length, unreadable, names: store.filesOf(whole) };
}

/** @throws EngineError what is wrong with the snapshot that a record begins from */
function refuseLostBeginning(directory: RunDirectory, tick: number): void {
  const snapshot = orUnreadable(() => new SnapshotStore(directory).read(tick));
  if (!(snapshot instanceof EngineError)) return;
  throw lostBeginning(snapshot, firstBehindBase({ directory, base: { tick } })?.tick);
}

/** Opens all files of a snapshot. One that is gone thinned out meanwhile; where its pages moved, it is opened again. */
function holdSnapshot(
  { directory, held }: Source,
  store: SnapshotStore,
  tick: number,
): 'held' | 'gone' | 'unreadable' {
  const name = snapshotName(tick);
  for (let before: Uint8Array | undefined; ; ) {
    if (store.tryRead(tick) !== undefined) return 'held';
    held.letGo(name);
    const now = readWhole(directory.storage, name);
    if (now === undefined) return 'gone';
    if (before !== undefined && bytesEqual(before, now)) return 'unreadable';
    before = now;
  }
}

function pack(
  directory: RunDirectory,
  { file, staging }: Target,
  snapshots: SnapshotFiles,
  more: readonly ArchivedFile[] = [],
): Omit<ExportSummary, 'redacted' | 'redactedBefore'> {
  const { storage, manifest } = directory;
  // First: a run that is going must not say of its log more than is packed.
  const head = directory.headBytes();
  const { end, ticks, digest } = readToEnd(directory);
  const segments = directory.segments().filter((number) => number <= end.segment);
  const files: ArchivedFile[] = [
    // In an archive there is one log, beside it.
    { name: 'run.json', bytes: manifestBytes(withoutLog(manifest)) },
    ...more,
    { name: 'config.json' },
    { name: 'head', bytes: head },
    ...directory.moduleHashes().map((hash) => ({ name: `modules/${hash}.wasm` })),
    ...snapshots.names.map((name) => ({ name })),
    ...segments.map((number) => {
      const name = directory.segmentName(number);
      return number === end.segment ? { name, size: end.complete ? end.size : end.offset } : { name };
    }),
  ];
  const place = { name: basename(file), unfinished: `${basename(staging)}/archive` };
  const bytes = writeArchive(
    { ...place, storage: nodeStorage(dirname(resolve(file))) },
    storage,
    `wasm-engine-run-${manifest.runId}`,
    files,
  );
  const { count, unreadable } = snapshots;
  return { bytes, files: files.length, snapshots: count, unreadableSnapshots: unreadable, ticks, digest };
}

function withoutLog({ log: _, ...manifest }: RunManifest): RunManifest {
  return manifest;
}

/** In one pass: that of a run that is going has grown when it is read again. */
function readToEnd(directory: RunDirectory): { end: LogEnd; ticks: number; digest: string } {
  let last = { ticks: 0, digest: '' };
  const reader = readEvents(directory, { channels: ['digests'] });
  for (const { tick, payload } of reader) {
    last = { ticks: tick, digest: encodeHex(decodeEvent('digests', payload).digest) };
  }
  return { end: reader.end, ...last };
}

/** By way of a run directory beside the archive, which goes away. */
function exportRedacted(
  directory: RunDirectory,
  target: Target,
  topics: readonly string[],
  keepDerived: boolean,
): Omit<ExportSummary, 'redactedBefore'> {
  const { manifest } = directory;
  const place = join(target.staging, 'run');
  const redacted = [...new Set([...(manifest.redacted ?? []), ...topics])].sort();
  const copy = createRunDirectory(
    place,
    {
      manifest: { ...withoutLog(manifest), redacted },
      config: directory.config(),
      modules: new Map(directory.moduleHashes().map((hash) => [hash, directory.module(hash)])),
    },
    nodeStorage(place),
  );
  try {
    const log = new EventLogWriter(copy);
    const { redaction, found } = redactLog(directory, redacted, keepDerived ? 'kept' : 'left-out', log);
    log.close();
    const missing = topics.filter((topic) => !found.has(topic));
    if (missing.length > 0) throw nothingToRedact(directory, missing);
    const facts = { topics: redacted, ...redaction };
    const bytes = encodeUtf8(`${redactionLines(facts).join('\n')}\n`);
    // Snapshots hold mailboxes and memories: payloads as they are.
    return { ...pack(copy, target, noSnapshots, [{ name: redactionFile, bytes }]), redacted: facts };
  } finally {
    copy.unlock();
  }
}

function nothingToRedact({ path }: RunDirectory, topics: readonly string[]): EngineError {
  const list = topics.map((topic) => JSON.stringify(topic)).join(', ');
  return new EngineError(
    'input-invalid',
    `Cannot redact ${list} in "${path}": nothing was published there from outside. What agents publish is not recorded, ` +
      'but computed from the inputs',
    { topics },
  );
}
