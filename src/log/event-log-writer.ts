// The log of a run, written event after event into numbered segments. Synchronous, and it never goes back.

import { assert, EngineError } from '../base/errors.ts';
import { ByteWriter } from './byte-writer.ts';
import { chainNext, chainStart } from './chain.ts';
import { type ChannelMessages, type ChannelName, channels } from './channels.ts';
import type { LogEnd } from './event-log-reader.ts';
import { AppendFile, onStorage } from './files.ts';
import { HeadWriter, type LogReach } from './head-record.ts';
import { Opcode, writePrelude } from './mcap-records.ts';
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
  /** Counts the times that a run of durability `none` went on; stands in the head record. */
  readonly epoch?: number;
  /** Where the log goes on, as `truncateTail` answered; without it the directory must have no log yet. */
  readonly after?: LogEnd;
}

/** Many a log never has a chunk that takes more. */
const firstBufferBytes = 65_536;

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
  readonly #head: HeadWriter;
  readonly #epoch: number;
  /** A segment was begun whose name in the folder is not durable yet. */
  #folderPending = false;
  /** How far the log reaches, if all that was written was durable; undefined where that is known. */
  #reach: LogReach | undefined;
  #closed = false;
  #failure: { readonly error: unknown } | undefined;

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
      chain: after?.chain ?? chainStart(directory.manifest.runId),
      messages: after?.messages ?? 0,
      tick: after?.tick ?? 0,
    };
    this.#nextSegment = (after?.segment ?? -1) + 1;
    this.#epoch = options.epoch ?? 0;
    this.#head = new HeadWriter(directory);
    this.#buffer = new ByteWriter(Math.min(this.#chunkBytesMax, firstBufferBytes));
  }

  /** Appends an event; it is in the file at the latest when `flush` answers. Ticks are those of the run. */
  append<C extends ChannelName>(channel: C, tick: number, value: ChannelMessages[C]): void {
    const { id, encodeTo } = channels[channel];
    this.#append(id, tick, encodeTo as (writer: ByteWriter, value: ChannelMessages[C]) => void, value);
  }

  /** As `append`, of a message that is encoded already. */
  appendEncoded(channel: ChannelName, tick: number, payload: Uint8Array): void {
    this.#append(channels[channel].id, tick, copyTo, payload);
  }

  #append<T>(id: number, tick: number, encode: (writer: ByteWriter, value: T) => void, value: T): void {
    const segment = this.#segment ?? this.#guard(() => this.#open());
    segment.append(id, tick, encode, value);
    if (segment.pending >= this.#chunkBytesMax) this.flush();
  }

  /** Ends the chunk and writes it: whoever reads the directory finds all events so far. */
  flush(): void {
    this.#guard(() => this.#flush());
  }

  /** Makes all events so far durable, then says so in the head record; flushes first. */
  sync(): void {
    this.#guard(() => {
      this.#flush();
      this.#sync();
    });
  }

  /** As `sync` for the events until now; the thread goes on while the disk works. One at a time. */
  async beginSync(): Promise<void> {
    this.flush();
    const reach = this.#reach;
    this.#reach = undefined;
    try {
      this.#syncFolder();
      await this.#segment?.beginSync();
      // A sync that failed meanwhile may have taken with it what this one was to make durable.
      if (this.#failure !== undefined) throw this.#failure.error;
      if (reach !== undefined) await this.#head.beginWrite(this.#epoch, reach);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  /** Ends the log with summary and footer, durable. Nothing can be appended afterwards. No sync may be under way. */
  close(): void {
    if (this.#closed) return;
    this.#guard(() => {
      this.#flush();
      this.#end();
      this.#sync();
      this.#head.checkPlace();
      this.#head.close();
    });
    this.#closed = true;
  }

  /** Gives the files back after a failure, without writing anything. */
  abandon(): void {
    this.#segment?.abandon();
    this.#segment = undefined;
    this.#head.abandon();
    this.#closed = true;
  }

  /** After a failure of the storage nothing is touched again: a failed sync may have lost what was written. */
  #guard<T>(work: () => T): T {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      return work();
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  #flush(): void {
    const segment = this.#segment;
    if (segment === undefined) return;
    segment.flush();
    this.#noteReach(segment);
    if (segment.position >= this.#segmentBytesMax || segment.chunks >= segmentChunksMax) this.#end();
  }

  #sync(): void {
    this.#segment?.sync();
    this.#syncFolder();
    if (this.#reach !== undefined) this.#head.write(this.#epoch, this.#reach);
    this.#reach = undefined;
  }

  #noteReach({ position }: SegmentWriter): void {
    this.#reach = { ...this.#state, segment: this.#nextSegment - 1, offset: position };
  }

  #syncFolder(): void {
    if (!this.#folderPending) return;
    const { storage } = this.#directory;
    onStorage(storage, 'events', 'sync the folder of', () => storage.syncFolder(''));
    this.#folderPending = false;
  }

  /** What a closed segment holds is durable, so that only the last one can have a torn tail. */
  #end(): void {
    const segment = this.#segment;
    if (segment === undefined) return;
    segment.close();
    this.#noteReach(segment);
    this.#segment = undefined;
  }

  #open(): SegmentWriter {
    assert(!this.#closed, 'nothing is appended to a closed log');
    const number = this.#nextSegment++;
    const writer = new ByteWriter(16_384);
    writePrelude(writer, `wasm-engine ${this.#directory.manifest.engine}`);
    const bytes = writer.written();
    // The opcode of a chunk marks the end of the beginning.
    const marked = new Uint8Array(bytes.length + 1);
    marked.set(bytes);
    marked[bytes.length] = Opcode.chunk;
    const prelude = parsePrelude(marked);
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

function copyTo(writer: ByteWriter, payload: Uint8Array): void {
  writer.raw(payload);
}
