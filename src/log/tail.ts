// Cuts off the torn tail of a log, so that it can go on. What is cut is kept beside it.

import { assert } from '../base/errors.ts';
import { ByteWriter } from './byte-writer.ts';
import { checkEventLog, type LogEnd } from './event-log-reader.ts';
import { AppendFile, onStorage, openFile, readRange } from './files.ts';
import { type RunDirectory, segmentName } from './run-directory.ts';
import { type LogState, SegmentWriter } from './segment-writer.ts';
import type { Storage } from './storage.ts';

/** Bytes that are copied at once. */
const copyBytes = 1_048_576;

/**
 * Makes a log that was cut off whole again: the tail after the last whole chunk is copied to
 * `events-N.mcap.torn-OFFSET`, then cut, and the segment is closed. A segment in which nothing is valid is removed.
 * Nobody else may have the directory open. `end` is what a reader found; without it the log is read. Answers where the
 * log ends then, for `EventLogOptions.after`.
 *
 * @throws EngineError `host-fault` where the storage fails; `record-damaged` where the log is not merely cut off.
 */
export function truncateTail(directory: RunDirectory, end: LogEnd = checkEventLog(directory)): LogEnd {
  if (end.complete) return end;
  const { storage } = directory;
  const name = segmentName(end.segment);
  let cut: LogEnd['cut'];
  if (end.offset < end.size) {
    cut = { bytes: end.size - end.offset, file: keepTail(directory, name, end) };
    if (end.offset > 0) onStorage(storage, name, 'truncate', () => storage.truncate(name, end.offset));
  }
  const state: LogState = { chain: end.chain, messages: end.messages, tick: end.tick };
  if (end.offset === 0) {
    onStorage(storage, name, 'remove', () => storage.remove(name));
    onStorage(storage, name, 'sync the folder of', () => storage.syncFolder(''));
    const whole = { complete: true, segment: end.segment - 1, size: 0, index: undefined, tornBy: undefined };
    return { ...end, ...whole, ...(cut && { cut }) };
  }
  const file = new AppendFile(storage, name, 'openAppend');
  const segment = new SegmentWriter(file, end.segment, end.index!, end.offset, state, new ByteWriter(4096));
  try {
    segment.close();
  } catch (error) {
    segment.abandon();
    throw error;
  }
  return {
    ...end,
    ...state,
    complete: true,
    offset: segment.position,
    size: segment.position,
    index: undefined,
    tornBy: undefined,
    ...(cut && { cut }),
  };
}

/** Answers the name of the copy. */
function keepTail({ storage }: RunDirectory, name: string, { offset, size }: LogEnd): string {
  const copyName = freeName(storage, '', `${name}.torn-${offset}`);
  const handle = openFile(storage, name);
  assert(handle !== undefined, 'a log that was just read is there');
  try {
    const copy = new AppendFile(storage, copyName, 'create');
    try {
      for (let at = offset; at < size; at += copyBytes) {
        copy.write(readRange(handle, at, Math.min(copyBytes, size - at)));
      }
      copy.sync();
    } catch (error) {
      copy.abandon();
      throw error;
    }
    copy.close();
  } finally {
    handle.close();
  }
  onStorage(storage, copyName, 'sync the folder of', () => storage.syncFolder(''));
  return copyName;
}

/** A name in a folder that no file has: a copy that is there already is kept. */
export function freeName(storage: Storage, folder: string, name: string): string {
  const taken = new Set(onStorage(storage, folder, 'list', () => storage.list(folder)));
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}
