// Makes a damaged log whole again by giving up everything behind its whole part. First it says what that is; nothing is
// given up without a copy.

import { EngineError } from '../../base/errors.ts';
import { makeTailDurable } from '../durable-tail.ts';
import { checkEventLog, type LogEnd } from '../event-log-reader.ts';
import { onStorage, openFile, readRange, writeWhole } from '../files.ts';
import { encodeHeadFile, firstHead, type HeadRecord, headFile, readHead } from '../head-record.ts';
import { type RunDirectory, segmentName } from '../run-directory.ts';
import { freeName, truncateTail } from '../tail.ts';
import { addSalvage, noSalvage, type Salvage, salvage } from './salvage.ts';
import { surveyLog } from './survey.ts';

/** Bytes of a file that are given up. */
export interface GivenUp {
  readonly file: string;
  /** 0: the whole file. */
  readonly fromByte: number;
  readonly bytes: number;
}

export interface LogRepair {
  /** What a reader says of the log. */
  readonly damage: EngineError;
  /** Where the whole part ends, and the last tick in it. */
  readonly end: LogEnd;
  readonly lastTick: number;
  readonly files: readonly GivenUp[];
  /** What the head record says was durable; undefined where it is damaged itself. */
  readonly head: HeadRecord | undefined;
  /** In which the run goes on: outputs of ticks that are given up may have left, and come again as others. */
  readonly epoch: number;
  /** What of the bytes that are given up can still be read. */
  readonly readable: Salvage;
}

/**
 * What it would take to make a log whole; undefined where a reader has nothing to say against it.
 *
 * @throws EngineError `record-damaged` where nothing of the log is whole
 */
export function planLogRepair(directory: RunDirectory): LogRepair | undefined {
  const damage = damageOf(directory);
  if (damage === undefined) return undefined;
  const { end, lastTick, epoch } = surveyLog(directory);
  if (end.messages === 0) {
    const text = `Cannot repair "${directory.path}": no event of its log is whole. ${damage.message}`;
    throw new EngineError('record-damaged', text, damage.details);
  }
  const files: GivenUp[] = [];
  let readable = noSalvage;
  for (const number of directory.segments()) {
    if (number < end.segment) continue;
    const fromByte = number === end.segment ? end.offset : 0;
    const bytes = bytesFrom(directory, segmentName(number), fromByte);
    // Whatever else has the name of a later segment is in the way, too.
    if (bytes.length === 0 && number === end.segment) continue;
    files.push({ file: segmentName(number), fromByte, bytes: bytes.length });
    readable = addSalvage(readable, salvage(bytes));
  }
  const head = headOf(directory);
  const next = Math.max(epoch, readable.epoch, head?.epoch ?? 0) + 1;
  return { damage, end, lastTick, files, head, epoch: next, readable };
}

/**
 * Carries a plan out: later segments are renamed to `NAME.given-up`, the tail of the damaged one is copied and cut, and
 * the head record says what is there then. Whoever is interrupted in it begins it again. The directory is locked.
 */
export function repairLog(directory: RunDirectory, { end, files, epoch }: LogRepair): void {
  const { storage, manifest } = directory;
  // From the last one: what is left never has a gap.
  for (const { file } of files.filter(({ file }) => file > segmentName(end.segment)).toReversed()) {
    const copy = freeName(storage, '', `${file}.given-up`);
    onStorage(storage, file, 'rename', () => storage.rename(file, copy));
  }
  onStorage(storage, '.', 'sync the folder', () => storage.syncFolder(''));
  truncateTail(directory, end);
  const { baseTick = 0, runId } = manifest;
  const head = firstHead(runId, baseTick, epoch);
  writeWhole(storage, '', headFile, encodeHeadFile(head));
  const kept = checkEventLog(directory);
  const { segment, offset, chain, messages, tick } = kept;
  // Nobody knows how far the last one was synced; those before it were when it began.
  makeTailDurable(directory, kept, { segment, offset: 0 });
  const reach = { segment, offset, chain, messages, tick };
  writeWhole(storage, '', headFile, encodeHeadFile({ ...head, ...reach, generation: 1 }));
}

function damageOf(directory: RunDirectory): EngineError | undefined {
  try {
    checkEventLog(directory);
    return undefined;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'record-damaged') return error;
    throw error;
  }
}

function headOf(directory: RunDirectory): HeadRecord | undefined {
  try {
    return readHead(directory);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'record-damaged') return undefined;
    throw error;
  }
}

function bytesFrom({ storage }: RunDirectory, file: string, offset: number): Uint8Array<ArrayBuffer> {
  const handle = openFile(storage, file);
  if (handle === undefined) return new Uint8Array(0);
  try {
    return readRange(handle, offset, Math.max(0, handle.size() - offset));
  } finally {
    handle.close();
  }
}
