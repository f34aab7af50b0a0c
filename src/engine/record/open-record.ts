// Beginning the record of a run, or going on with one.

import { decodeHex } from '../../base/encoding.ts';
import {
  type AnswerWindow,
  beginRunDirectory,
  checkEventLog,
  EventLogWriter,
  type LogEnd,
  makeTailDurable,
  noteDurable,
  type RunDirectory,
  type RunOrigin,
  recordFormat,
  truncateTail,
} from '../../log/index.ts';
import { costTableVersion } from '../../wasm/index.ts';
import { type Durability, normalisedBytes, type System, type Trace } from '../config/system-config.ts';
import { FaultPlaces } from '../fault-place.ts';
import { modelFolderNotes } from '../models/model-folders.ts';
import type { Ports } from '../ports.ts';
import { sha256 } from '../sha256.ts';
import { engineVersion } from '../version.ts';
import { hostOptionsText } from './host-options.ts';
import { Recorder } from './recorder.ts';

/** The snapshot that a run begins from. */
export interface Base {
  readonly tick: number;
  readonly digest: Uint8Array;
}

const noBase: Base = { tick: 0, digest: new Uint8Array(0) };

export interface OpenRecord {
  readonly directory: RunDirectory;
  readonly log: EventLogWriter;
  readonly recorder: Recorder;
}

/** What a fork begins from. */
export interface Beginning {
  readonly base: Base;
  readonly origin: RunOrigin;
  /** Writes the snapshot of the base: before the folder is a run directory, for it is none without. */
  writeBase(directory: RunDirectory): Promise<void>;
}

/** Makes the run directory and begins its log. */
export async function beginRecord(
  path: string,
  { config, host, modules }: System,
  ports: Ports,
  beginning?: Beginning,
): Promise<OpenRecord> {
  const { base = noBase, origin } = beginning ?? {};
  const { durability, trace } = host;
  const contents = {
    manifest: {
      format: recordFormat,
      runId: ports.createRunId(),
      engine: engineVersion,
      durability,
      costTable: costTableVersion,
      ...(base.tick > 0 ? { baseTick: base.tick } : {}),
      ...(origin !== undefined && { origin }),
    },
    config: normalisedBytes(config),
    modules: new Map([...modules].map(([hash, { bytes }]) => [hash, bytes])),
    notes: modelFolderNotes(host),
  };
  const { directory, commit } = beginRunDirectory(path, contents, ports.openStorage(path));
  let log: EventLogWriter;
  try {
    await beginning?.writeBase(directory);
    commit();
    log = new EventLogWriter(directory, { ...ports.logSizes });
  } catch (error) {
    directory.unlock();
    throw error;
  }
  return open(directory, { config, host, modules }, log, { epoch: 0, tick: base.tick, trace, base });
}

/**
 * Takes away what a crash left unfinished, and makes durable what it left: a torn tail is cut, and a copy of it kept.
 * Call it before reading the record. Answers where the log ends then.
 */
export function mendRecord(directory: RunDirectory): LogEnd {
  directory.removeUnfinished();
  const end = checkEventLog(directory);
  makeTailDurable(directory, end);
  const whole = truncateTail(directory, end);
  noteDurable(directory, whole);
  return whole;
}

/** Where a run goes on. */
export interface Continuation {
  readonly epoch: number;
  readonly tick: number;
  readonly base: Base | undefined;
  readonly answers: AnswerWindow;
}

/** Goes on with a record that was mended and read to its end. */
export function continueRecord(
  directory: RunDirectory,
  system: System,
  after: LogEnd,
  { epoch, tick, base = noBase, answers }: Continuation,
  ports: Ports,
): OpenRecord {
  const log = new EventLogWriter(directory, { ...ports.logSizes, epoch, after });
  const { trace } = system.host;
  return open(directory, system, log, { epoch, tick, trace, base, answers });
}

function open(
  directory: RunDirectory,
  { config, host, modules }: System,
  log: EventLogWriter,
  start: { epoch: number; tick: number; trace: Trace; base: Base; answers?: AnswerWindow },
): OpenRecord {
  const { epoch, tick, trace, base, answers } = start;
  const recorder = new Recorder(log, trace, epoch, new FaultPlaces({ config, modules }), answers);
  try {
    recorder.started(tick, {
      engine: engineVersion,
      durability: directory.manifest.durability as Durability,
      configSha256: sha256(normalisedBytes(config)),
      costTable: costTableVersion,
      moduleSha256: directory.moduleHashes().map((hash) => decodeHex(hash)!),
      node: process.version,
      baseTick: base.tick,
      baseDigest: base.digest,
      runId: directory.manifest.runId,
      origin: directory.manifest.origin,
      host: hostOptionsText(host),
    });
    log.sync();
  } catch (error) {
    abandonRecord({ directory, log });
    throw error;
  }
  return { directory, log, recorder };
}

/** Lets go of a record that nothing more is written into. */
export function abandonRecord({ directory, log }: Pick<OpenRecord, 'directory' | 'log'>): void {
  log.abandon();
  directory.unlock();
}
