// The head record: how far the log is known to be durable. Two slots of one small file, written in turn, each with a
// checksum, so that a write that was torn leaves the other. It is written after the log was synced, never before.

import { bytesEqual, decodeHex, encodeHex } from '../base/encoding.ts';
import { assert, EngineError } from '../base/errors.ts';
import { ByteWriter } from './byte-writer.ts';
import { chainStart, sha256 } from './chain.ts';
import { onStorage, readWhole } from './files.ts';
import type { RunDirectory } from './run-directory.ts';
import type { Storage, UpdateHandle } from './storage.ts';

export const headFile = 'head';

/** Up to where a log is durable. */
export interface LogReach {
  /** Number of a segment, and how many of its bytes: a chunk ends there, or the segment does. 0 and 0: nothing is. */
  readonly segment: number;
  readonly offset: number;
  /** Hash of everything up to there. */
  readonly chain: Uint8Array;
  /** Messages up to there, those of the channel `chain` included. */
  readonly messages: number;
  /** Tick of the last message. */
  readonly tick: number;
}

export interface HeadRecord extends LogReach {
  /** Counts the writes of the record; the slot with the higher one counts. */
  readonly generation: number;
  /** Identity of the run, 16 bytes in hexadecimal. */
  readonly runId: string;
  /** No output of a higher one has left; whoever goes on with the run begins no lower one. */
  readonly epoch: number;
}

/** A slot is a page, so that a torn write of one never touches the other. */
export const slotBytes = 4096;
const hashOffset = slotBytes - 32;
const magic = new TextEncoder().encode('WEHEAD1\n');

/** The record of a log in which nothing is durable yet. */
export function firstHead(runId: string, tick: number, epoch = 0): HeadRecord {
  const reach = { segment: 0, offset: 0, chain: chainStart(runId), messages: 0, tick };
  return { generation: 0, runId, epoch, ...reach };
}

export function encodeSlot(head: HeadRecord): Uint8Array<ArrayBuffer> {
  const runId = decodeHex(head.runId);
  assert(runId?.length === 16, 'a run has an identity of 16 bytes');
  const writer = new ByteWriter(slotBytes);
  writer.raw(magic);
  writer.uint64(head.generation);
  writer.raw(runId);
  writer.uint32(head.epoch);
  writer.uint32(head.segment);
  for (const number of [head.offset, head.messages, head.tick]) writer.uint64(number);
  writer.raw(head.chain);
  const slot = writer.bytes;
  slot.set(sha256(slot.subarray(0, hashOffset)), hashOffset);
  return slot;
}

/** Undefined where the bytes are not a whole slot. */
function decodeSlot(slot: Uint8Array<ArrayBuffer>): HeadRecord | undefined {
  if (slot.length !== slotBytes || !bytesEqual(slot.subarray(0, magic.length), magic)) return undefined;
  if (!bytesEqual(sha256(slot.subarray(0, hashOffset)), slot.subarray(hashOffset))) return undefined;
  const view = new DataView(slot.buffer, slot.byteOffset, slot.length);
  const uint64 = (at: number): number =>
    view.getUint32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true);
  return {
    generation: uint64(8),
    runId: encodeHex(slot.subarray(16, 32)),
    epoch: view.getUint32(32, true),
    segment: view.getUint32(36, true),
    offset: uint64(40),
    messages: uint64(48),
    tick: uint64(56),
    chain: slot.slice(64, 96),
  };
}

/** Both slots, the second one still empty. */
export function encodeHeadFile(head: HeadRecord): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(2 * slotBytes);
  bytes.set(encodeSlot(head), (head.generation % 2) * slotBytes);
  return bytes;
}

/**
 * The newer of the whole slots.
 *
 * @throws EngineError `record-damaged` where there is none, or it is of another run
 */
export function readHead({ storage, path, manifest }: RunDirectory): HeadRecord {
  const damaged = (what: string, offset = 0): EngineError =>
    new EngineError('record-damaged', `Cannot read "${headFile}" in "${path}": ${what}`, {
      file: headFile,
      offset,
      path,
    });
  let found: HeadRecord | undefined;
  // Whoever looks at a run that is going may meet a slot that is being written.
  for (let attempt = 0; attempt < 3 && found === undefined; attempt++) {
    const bytes = readWhole(storage, headFile);
    if (bytes === undefined) throw damaged('it is missing');
    if (bytes.length !== 2 * slotBytes) {
      throw damaged(
        `it has ${bytes.length} bytes, wanted ${2 * slotBytes}`,
        Math.min(bytes.length, 2 * slotBytes),
      );
    }
    const slots = [bytes.subarray(0, slotBytes), bytes.subarray(slotBytes)].map(decodeSlot);
    for (const slot of slots) {
      if (slot !== undefined && slot.generation >= (found?.generation ?? 0)) found = slot;
    }
  }
  if (found === undefined) throw damaged('neither of its two slots is whole');
  if (found.runId === manifest.runId) return found;
  throw damaged(`it is of run ${found.runId}, and "run.json" says ${manifest.runId}`, 16);
}

function putSlot(handle: UpdateHandle, head: HeadRecord): void {
  const slot = encodeSlot(head);
  const start = (head.generation % 2) * slotBytes;
  for (let done = 0; done < slot.length; ) {
    const size = handle.write(slot.subarray(done), start + done);
    if (size <= 0) throw new Error('the storage took no byte');
    done += size;
  }
}

/** So many writes of the record lie between two looks at whether it still is where it was. */
const writesPerLook = 64;

/** Writes the head record of one log, slot after slot. After a failure nothing more is written. */
export class HeadWriter {
  readonly #storage: Storage;
  readonly #directory: RunDirectory;
  #last: HeadRecord;
  #handle: UpdateHandle | undefined;
  #failure: unknown;

  constructor(directory: RunDirectory) {
    this.#storage = directory.storage;
    this.#directory = directory;
    this.#last = readHead(directory);
  }

  /** Writes the record and makes it durable. */
  write(epoch: number, reach: LogReach): void {
    this.#attempt('write', () => this.#put(epoch, reach));
    this.#attempt('sync', () => this.#handle?.sync());
  }

  /** As `write`; the thread goes on while the disk works. */
  async beginWrite(epoch: number, reach: LogReach): Promise<void> {
    this.#attempt('write', () => this.#put(epoch, reach));
    try {
      await this.#handle?.beginSync();
    } catch (error) {
      this.#attempt('sync', () => {
        throw error;
      });
    }
  }

  /** Makes durable what the record says already: whoever wrote that may have died before it was. */
  confirm(): void {
    this.#attempt('write', () => {
      this.#handle ??= this.#openDurable();
    });
  }

  /**
   * A folder can be moved or removed, or its disk taken away, while its files are open: nothing fails then, and what is
   * written is nowhere that its name leads to. So what was written is looked for under its name.
   *
   * @throws EngineError `host-fault` where something else, or nothing, is there
   */
  checkPlace(): void {
    if (this.#handle === undefined) return;
    const found = this.#readAgain();
    if (found?.runId === this.#last.runId && found.generation === this.#last.generation) return;
    const place = this.#storage.place;
    const why = 'it is not there any more: its folder was moved, removed or replaced meanwhile';
    this.#attempt('find', () => {
      throw new EngineError('host-fault', `Cannot go on writing the record in "${place}": ${why}`, { place });
    });
  }

  #readAgain(): HeadRecord | undefined {
    try {
      return readHead(this.#directory);
    } catch (error) {
      if (error instanceof EngineError && error.code === 'record-damaged') return undefined;
      throw error;
    }
  }

  close(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) onStorage(this.#storage, headFile, 'close', () => handle.close());
  }

  /** Closes after a failure, as well as that goes. */
  abandon(): void {
    this.#failure ??= new EngineError('bug', 'Invariant broken: a head record that was given up is written');
    try {
      this.close();
    } catch {
      // The first failure is the one that counts.
    }
  }

  #put(epoch: number, reach: LogReach): void {
    // What was synced aside may be done after what came later.
    if (reach.messages < this.#last.messages) return;
    if (this.#last.generation % writesPerLook === 0) this.checkPlace();
    const { generation, runId } = this.#last;
    const head = { generation: generation + 1, runId, epoch, ...reach };
    this.#handle ??= this.#openDurable();
    putSlot(this.#handle, head);
    this.#last = head;
  }

  /**
   * The process that wrote the newer slot may have died before that was on the disk; then the older one, which is next,
   * is all that there is. So the newer one is written again as it is, and synced, before the other is touched.
   */
  #openDurable(): UpdateHandle {
    const handle = this.#storage.openUpdate(headFile);
    try {
      putSlot(handle, this.#last);
      handle.sync();
      return handle;
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  #attempt(operation: string, run: () => void): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      onStorage(this.#storage, headFile, operation, run);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}
