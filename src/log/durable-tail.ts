// Makes durable what a recovery is about to believe. A log that was read may lie in the system's cache alone: the
// process that wrote it died before it synced, or its sync failed, and then no later sync writes those bytes.

import { assert } from '../base/errors.ts';
import type { LogEnd } from './event-log-reader.ts';
import { onStorage, openFile, readRange } from './files.ts';
import { HeadWriter, type LogReach, readHead } from './head-record.ts';
import { type RunDirectory, segmentName } from './run-directory.ts';

/** Bytes that are written again at once. */
const copyBytes = 1_048_576;

/**
 * Writes what lies behind the reach of the head record again, in place, and syncs it, with the names of the segments.
 * Nobody else may have the directory open. `end` is what a reader found; a torn tail behind it is left as it is.
 *
 * @param head how far it is known to be durable
 * @throws EngineError `host-fault` where the storage fails
 */
export function makeTailDurable(
  directory: RunDirectory,
  end: LogEnd,
  head: Pick<LogReach, 'segment' | 'offset'> = readHead(directory),
): void {
  if (end.segment < 0) return;
  if (end.complete && head.segment === end.segment && head.offset === end.offset) return;
  for (let number = head.segment; number <= end.segment; number++) {
    const from = number === head.segment ? head.offset : 0;
    writeAgain(directory, segmentName(number), from, number === end.segment ? end.offset : undefined);
  }
  const { storage } = directory;
  onStorage(storage, 'events', 'sync the folder of', () => storage.syncFolder(''));
}

/**
 * Says in the head record how far a log reaches that was made durable and whole: from here on, whatever happens to the
 * machine, what is missing or changed up to there is damage, and no torn tail. `end` is what `truncateTail` answered.
 *
 * @throws EngineError `host-fault` where the storage fails
 */
export function noteDurable(directory: RunDirectory, end: LogEnd): void {
  const { segment, offset, chain, messages, tick } = end;
  if (offset === 0) return;
  const head = readHead(directory);
  const isSaid = head.segment === segment && head.offset === offset;
  const writer = new HeadWriter(directory);
  try {
    if (isSaid) writer.confirm();
    else writer.write(head.epoch, { segment, offset, chain, messages, tick });
    writer.close();
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

/** @param until the size of the file where it is left out */
function writeAgain({ storage }: RunDirectory, name: string, from: number, until: number | undefined): void {
  const source = openFile(storage, name);
  assert(source !== undefined, 'a log that was just read is there');
  try {
    const size = until ?? source.size();
    onStorage(storage, name, 'write again', () => {
      const target = storage.openUpdate(name);
      try {
        for (let at = from; at < size; ) {
          const written = target.write(readRange(source, at, Math.min(copyBytes, size - at)), at);
          if (written <= 0) throw new Error('the storage took no byte');
          at += written;
        }
        target.sync();
      } finally {
        target.close();
      }
    });
  } finally {
    source.close();
  }
}
