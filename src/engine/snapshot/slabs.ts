// Shared memory for what snapshots capture and compress, used again by the next ones. Fresh buffers cost as much as
// what is done with them: V8 marks its heap each time that some 64 MB of them have come. Shared ones it does not count.

import { Buffer } from 'node:buffer';
import { assert } from '../../base/errors.ts';
import { collectGarbage } from '../../sandbox/index.ts';

const slabBytes = 1024 * 1024;
/** So much waits for the next snapshots, at most. */
const freeBytesMax = 256 * 1024 * 1024;
/** And no more than the largest of so many last ones took. */
const rememberedMax = 8;
/** V8 does not count what is let go either: so much of it, and it is told to collect. */
const droppedBytesMax = 64 * 1024 * 1024;
const alignment = 64;

export class SlabPool {
  readonly #free: SharedArrayBuffer[] = [];
  /** Slabs that the last leases had. */
  readonly #remembered: number[] = [];
  #droppedBytes = 0;

  /** Bytes that wait for the next leases. */
  get freeBytes(): number {
    return this.#free.length * slabBytes;
  }

  lease(): SlabLease {
    return new SlabLease(this);
  }

  takeSlab(): SharedArrayBuffer {
    return this.#free.pop() ?? new SharedArrayBuffer(slabBytes);
  }

  /** Nobody reads or writes them any more. */
  giveBack(slabs: readonly SharedArrayBuffer[]): void {
    this.#remembered.push(slabs.length);
    if (this.#remembered.length > rememberedMax) this.#remembered.shift();
    for (const slab of slabs) this.#free.push(slab);
    this.#shrink(Math.min(Math.max(...this.#remembered), freeBytesMax / slabBytes));
  }

  /** Somebody may still write to them: they go as soon as nobody refers to them. */
  drop(count: number): void {
    this.#droppedBytes += count * slabBytes;
    if (this.#droppedBytes < droppedBytesMax) return;
    this.#droppedBytes = 0;
    // Whoever lets them go now may have them in hand for a moment yet.
    setImmediate(collectGarbage);
  }

  /** Keeps nothing: no snapshot is expected. */
  clear(): void {
    this.#remembered.length = 0;
    this.#shrink(0);
  }

  #shrink(count: number): void {
    const excess = this.#free.length - count;
    if (excess <= 0) return;
    this.#free.splice(0, excess);
    this.drop(excess);
  }
}

/** The memory of one snapshot while it is captured and written. */
export class SlabLease {
  readonly #pool: SlabPool;
  #slabs: SharedArrayBuffer[] = [];
  /** Of the last slab. */
  #usedBytes: number = slabBytes;
  #isOver = false;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Room for so many bytes, at most a page and a little, whatever was in it before. */
  allocate(byteLength: number): Uint8Array {
    assert(!this.#isOver, 'a lease is used before it is over');
    assert(byteLength <= slabBytes, 'a slab has room for what is asked for');
    if (this.#usedBytes + byteLength > slabBytes) {
      this.#slabs.push(this.#pool.takeSlab());
      this.#usedBytes = 0;
    }
    const bytes = Buffer.from(this.#slabs.at(-1)!, this.#usedBytes, byteLength);
    this.#usedBytes = Math.ceil((this.#usedBytes + byteLength) / alignment) * alignment;
    return bytes;
  }

  /** What was allocated serves others from now on: nobody may read or write it any more. */
  release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pool.giveBack(this.#slabs);
    this.#slabs = [];
  }

  /** After a failure somebody may be at work with it yet: it serves nobody any more. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pool.drop(this.#slabs.length);
    this.#slabs = [];
  }
}

/** Of all runs of the process. */
export const slabPool: SlabPool = new SlabPool();
