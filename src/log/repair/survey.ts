// How far a log is whole, whatever is wrong behind that: the first thing to know before anything of it is given up.
// It changes nothing.

import { chainStart } from '../chain.ts';
import { decodeEvent } from '../channels.ts';
import { chunkEvents } from '../chunk-events.ts';
import type { LogEnd } from '../event-log-reader.ts';
import { openFile } from '../files.ts';
import { type RunDirectory, segmentName } from '../run-directory.ts';
import { SegmentReader } from '../segment-reader.ts';
import type { LogState } from '../segment-writer.ts';

export interface Survey {
  /** Where the whole part ends. */
  readonly end: LogEnd;
  /** The last tick whose digest it holds; 0 where it holds none. */
  readonly lastTick: number;
  /** The highest epoch that it tells of. */
  readonly epoch: number;
  /** The digests of the ticks that were asked for, as far as it holds them. */
  readonly digests: ReadonlyMap<number, Uint8Array>;
}

const looked = { from: 0, wanted: new Set(['digests', 'run-started']) };

/** Walks a log up to the first thing that is wrong, whether a crash explains that or not. */
export function surveyLog(directory: RunDirectory, wanted: ReadonlySet<number> = new Set()): Survey {
  const { storage, path, manifest } = directory;
  const state: LogState = { chain: chainStart(manifest.runId), messages: 0, tick: 0 };
  let position = { complete: true, segment: -1, offset: 0, size: 0, index: undefined } as Omit<
    LogEnd,
    keyof LogState
  >;
  let [lastTick, epoch] = [0, 0];
  const digests = new Map<number, Uint8Array>();
  for (const number of directory.segments()) {
    if (number !== position.segment + 1 || !position.complete) break;
    const name = segmentName(number);
    const handle = openFile(storage, name);
    if (handle === undefined) break;
    try {
      const reader = new SegmentReader(
        handle,
        { name, folder: path, number, last: true, durableBytes: 0 },
        state,
      );
      for (let chunk = reader.next(); chunk !== undefined; chunk = reader.next()) {
        for (const { channel, tick, payload } of chunkEvents(chunk, reader.names, 0, looked)) {
          if (channel === 'run-started') {
            epoch = Math.max(epoch, decodeEvent('run-started', payload).epoch);
            continue;
          }
          lastTick = tick;
          if (wanted.has(tick)) digests.set(tick, decodeEvent('digests', payload).digest.slice());
        }
      }
      const { complete, position: offset, size, index, tornBy } = reader;
      position = { complete, segment: number, offset, size, index, tornBy };
    } finally {
      handle.close();
    }
  }
  return { end: { ...position, ...state }, lastTick, epoch, digests };
}
