// Reads the log of a run from its first event, checking all of it, in memory bounded by one chunk. It changes nothing.

import { bytesEqual } from '../base/encoding.ts';
import { assert, EngineError } from '../base/errors.ts';
import { chainStart } from './chain.ts';
import type { ChannelName } from './channels.ts';
import { chunkEvents, type EventFilter, everyEvent, type LogEvent } from './chunk-events.ts';
import { openFile } from './files.ts';
import { firstHead, type HeadRecord, readHead } from './head-record.ts';
import { type RunDirectory, segmentName } from './run-directory.ts';
import type { SegmentIndex } from './segment-index.ts';
import { type SegmentPlace, SegmentReader } from './segment-reader.ts';
import type { LogState } from './segment-writer.ts';
import type { ReadHandle } from './storage.ts';

export interface ReadOptions {
  /** Gives only events of this tick and later ones; all are checked. */
  readonly from?: number;
  /** Gives only events of these channels; by default all but `chain`. */
  readonly channels?: readonly ChannelName[];
  /** Reads the log as if no head record said how far it is durable. */
  readonly ignoreHead?: boolean;
}

/** Where a log ends, after all of it was read. */
export interface LogEnd {
  /** False where the log is still being written, or was cut off. */
  readonly complete: boolean;
  /** Number of the last segment; -1 where there is none. */
  readonly segment: number;
  /** Where the valid part of the last segment ends. */
  readonly offset: number;
  /** Size of the last segment. */
  readonly size: number;
  /** Hash of everything up to there. */
  readonly chain: Uint8Array<ArrayBuffer>;
  /** Messages so far, those of the channel `chain` included. */
  readonly messages: number;
  /** Tick of the last message. */
  readonly tick: number;
  /** What would close the last segment where it is not closed. */
  readonly index: SegmentIndex | undefined;
  /** What is wrong behind the valid part, where it was not merely cut off. */
  readonly tornBy: string | undefined;
  /** What `truncateTail` cut: how many bytes, and the file that they were copied to. */
  readonly cut?: { readonly bytes: number; readonly file: string };
}

const noPosition: Pick<LogEnd, 'complete' | 'segment' | 'offset' | 'size' | 'index' | 'tornBy'> = {
  complete: true,
  segment: -1,
  offset: 0,
  size: 0,
  index: undefined,
  tornBy: undefined,
};

/** The events of a directory, in order; can be iterated once. `end` is there when the iteration is done. */
export class EventLogReader implements Iterable<LogEvent> {
  readonly #directory: RunDirectory;
  readonly #filter: EventFilter;
  readonly #state: LogState;
  readonly #believesHead: boolean;
  #begun = false;
  #headMet = false;
  #end: LogEnd | undefined;

  constructor(directory: RunDirectory, options: ReadOptions = {}) {
    this.#directory = directory;
    this.#state = { chain: chainStart(directory.manifest.runId), messages: 0, tick: 0 };
    const { from = everyEvent.from, channels } = options;
    this.#filter = { from, wanted: channels === undefined ? everyEvent.wanted : new Set(channels) };
    this.#believesHead = options.ignoreHead !== true;
  }

  /** Where the log ends; asked for after the last event. */
  get end(): LogEnd {
    assert(this.#end !== undefined, 'the end of a log is known after its last event was read');
    return this.#end;
  }

  /**
   * @throws EngineError `record-damaged` with `file` and `offset` in its details, where a byte was changed or a segment
   *   is missing; `host-fault` where the storage fails. Events of a damaged chunk are never given.
   */
  *[Symbol.iterator](): Generator<LogEvent, void, undefined> {
    assert(!this.#begun, 'a log is read once by one reader');
    this.#begun = true;
    // Before the log: that of a run that is going has grown when it is read.
    const head = this.#believesHead
      ? readHead(this.#directory)
      : firstHead(this.#directory.manifest.runId, 0);
    const numbers = this.#directory.segments();
    let position = noPosition;
    for (let number = 0; number < numbers.length; number++) {
      const handle = this.#open(numbers, number);
      try {
        const reader = new SegmentReader(handle, this.#place(numbers, number, head), this.#state);
        for (let chunk = reader.next(); chunk !== undefined; chunk = reader.next()) {
          this.#compareHead(head, number, reader.position);
          for (const event of chunkEvents(chunk, reader.names, number, this.#filter)) yield event;
        }
        this.#compareHead(head, number, reader.position);
        const { complete, position: offset, index, size, tornBy } = reader;
        position = { complete, segment: number, offset, size, index, tornBy };
      } finally {
        handle.close();
      }
    }
    this.#checkReached(head, position);
    this.#end = { ...position, ...this.#state };
  }

  #place(numbers: readonly number[], number: number, head: HeadRecord): SegmentPlace {
    return {
      name: segmentName(number),
      folder: this.#directory.path,
      number,
      last: number === numbers.length - 1,
      durableBytes:
        number < head.segment ? Number.POSITIVE_INFINITY : number === head.segment ? head.offset : 0,
    };
  }

  /** Where the head record says that the log was durable, it must be the same log. */
  #compareHead(head: HeadRecord, number: number, offset: number): void {
    if (number !== head.segment || offset !== head.offset) return;
    this.#headMet = head.messages === this.#state.messages && bytesEqual(head.chain, this.#state.chain);
    if (!this.#headMet) throw this.#otherLog(head);
  }

  /** A log that ends before that is damaged, however well it ends. */
  #checkReached(head: HeadRecord, { segment, offset }: Pick<LogEnd, 'segment' | 'offset'>): void {
    if (head.offset === 0 || this.#headMet) return;
    if (segment > head.segment || (segment === head.segment && offset > head.offset))
      throw this.#otherLog(head);
    const found = segment < 0 ? 'is missing' : `ends at byte ${offset}`;
    const reached = `the log reached byte ${head.offset} of "${segmentName(head.segment)}", tick ${head.tick}`;
    const file = segmentName(Math.max(segment, 0));
    throw this.#damaged(file, offset, `it ${found}, and the head record says that ${reached}`);
  }

  #otherLog({ segment, offset }: HeadRecord): EngineError {
    return this.#damaged(segmentName(segment), offset, 'the head record tells of another log up to there');
  }

  #damaged(file: string, offset: number, what: string): EngineError {
    const { path } = this.#directory;
    const message = `Cannot read "${file}" in "${path}" at byte ${offset}: ${what}`;
    return new EngineError('record-damaged', message, { file, offset, path });
  }

  #open(numbers: readonly number[], number: number): ReadHandle {
    const file = segmentName(number);
    const { storage, path } = this.#directory;
    const isThere = numbers[number] === number;
    const handle = isThere ? openFile(storage, file) : undefined;
    if (handle !== undefined) return handle;
    const why = isThere ? 'is not a file' : 'is missing';
    const message = `Cannot read the log in "${path}": "${file}" ${why}`;
    throw new EngineError('record-damaged', message, { file, offset: 0, path });
  }
}

/** Reads the events of a run directory in order: `for (const event of readEvents(directory)) …`. */
export function readEvents(directory: RunDirectory, options: ReadOptions = {}): EventLogReader {
  return new EventLogReader(directory, options);
}

/** Checks all of a log and says where it ends. */
export function checkEventLog(directory: RunDirectory): LogEnd {
  const reader = new EventLogReader(directory, { channels: [] });
  for (const _ of reader);
  return reader.end;
}
