// The log of a run, written event after event into numbered segments. Synchronous, and it never goes back.

import { assert, EngineError } from '../base/errors.ts';
import { ByteWriter } from './byte-writer.ts';
import { chainNext, chainStart } from './chain.ts';
import { type ChannelMessages, type ChannelName, channels } from './channels.ts';
import type { LogEnd } from './event-log-reader.ts';
import { AppendFile, onStorage } from './files.ts';
import { writePrelude } from './mcap-records.ts';
import { parsePrelude } from './prelude.ts';
import { type RunDirectory, segmentName } from './run-directory.ts';
import { SegmentIndex } from './segment-index.ts';
import { type LogState, SegmentWriter } from './segment-writer.ts';

/** Sizes in bytes. */
export interface EventLogSizes {
  /** Bytes from which a new segment is begun; 256 MiB by default. */
  readonly segmentBytesMax?: number;
  /** Bytes of events from which a chunk is written; 1 MiB by default. */
  readonly chunkBytesMax?: number;
}

/** Sizes, and where a log goes on. */
export interface EventLogOptions extends EventLogSizes {
  /** Where the log goes on, as `truncateTail` answered; without it the directory must have no log yet. */
  readonly after?: LogEnd;
}

/** A summary grows with the chunks of its segment, and a reader holds it. */
const segmentChunksMax = 65_536;

/**
 * Appends events to the log of a run directory, in numbered segments. Synchronous; one writer at a time. After a fault
 * of the storage every call throws it again and nothing more is written.
 */
export class EventLogWriter {
  readonly #directory: RunDirectory;
  readonly #segmentBytesMax: number;
  readonly #chunkBytesMax: number;
  readonly #state: LogState;
  readonly #buffer: ByteWriter;
  #nextSegment: number;
  #segment: SegmentWriter | undefined;
  /** A segment was begun whose name in the folder is not durable yet. */
  #folderPending = false;
  #closed = false;

  /**
   * Nothing is written before the first event.
   *
   * @throws EngineError `run-directory-invalid` where a log is there and `after` is not given.
   */
  constructor(directory: RunDirectory, options: EventLogOptions = {}) {
    const { after } = options;
    if (after === undefined && directory.segments().length > 0) {
      throw new EngineError(
        'run-directory-invalid',
        `Cannot begin a log in "${directory.path}": it holds one already`,
        { path: directory.path },
      );
    }
    assert(after === undefined || after.complete, 'a log goes on after its torn tail was truncated');
    this.#directory = directory;
    this.#segmentBytesMax = options.segmentBytesMax ?? 268_435_456;
    this.#chunkBytesMax = options.chunkBytesMax ?? 1_048_576;
    this.#state = {
      chain: after?.chain ?? chainStart,
      messages: after?.messages ?? 0,
      tick: after?.tick ?? 0,
    };
    this.#nextSegment = (after?.segment ?? -1) + 1;
    // A quarter more: the last event of a chunk, and the indexes.
    this.#buffer = new ByteWriter(Math.ceil(this.#chunkBytesMax * 1.5) + 4096);
  }

  /** Appends an event; it is in the file at the latest when `flush` answers. Ticks are those of the run. */
  append<C extends ChannelName>(channel: C, tick: number, value: ChannelMessages[C]): void {
    const { id, encodeTo } = channels[channel];
    const segment = this.#segment ?? this.#open();
    segment.append(id, tick, encodeTo as (writer: ByteWriter, value: ChannelMessages[C]) => void, value);
    if (segment.pending >= this.#chunkBytesMax) this.flush();
  }

  /** Ends the chunk and writes it: whoever reads the directory finds all events so far. */
  flush(): void {
    const segment = this.#segment;
    if (segment === undefined) return;
    segment.flush();
    if (segment.position >= this.#segmentBytesMax || segment.chunks >= segmentChunksMax) this.#end();
  }

  /** Makes all events so far durable; flushes first. */
  sync(): void {
    this.flush();
    this.#segment?.sync();
    if (this.#folderPending) {
      const { storage } = this.#directory;
      onStorage(storage, 'events', 'sync the folder of', () => storage.syncFolder(''));
      this.#folderPending = false;
    }
  }

  /** Ends the log with summary and footer, durable. Nothing can be appended afterwards. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#end();
    this.sync();
    this.#closed = true;
  }

  /** Gives the file back after a failure, without writing anything. */
  abandon(): void {
    this.#segment?.abandon();
    this.#segment = undefined;
    this.#closed = true;
  }

  #end(): void {
    this.#segment?.close();
    this.#segment = undefined;
  }

  #open(): SegmentWriter {
    assert(!this.#closed, 'nothing is appended to a closed log');
    const number = this.#nextSegment++;
    const writer = new ByteWriter(16_384);
    writePrelude(writer, `wasm-engine ${this.#directory.manifest.engine}`);
    const bytes = writer.written();
    // The opcode of a chunk marks the end of the beginning.
    const prelude = parsePrelude(Uint8Array.of(...bytes, 6));
    assert(!('torn' in prelude), 'the beginning of a segment can be read back');
    const file = new AppendFile(this.#directory.storage, segmentName(number), 'create');
    file.write(bytes);
    this.#folderPending = true;
    this.#state.chain = chainNext(this.#state.chain, bytes);
    const index = new SegmentIndex(prelude);
    this.#segment = new SegmentWriter(file, number, index, bytes.length, this.#state, this.#buffer);
    return this.#segment;
  }
}
