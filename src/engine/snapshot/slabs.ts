// Shared memory for what snapshots capture and compress, used again by the next ones. Fresh buffers cost as much as
// what is done with them: V8 marks its heap each time that some 64 MB of them have come. Shared ones it does not count.

import { Buffer } from 'node:buffer';
import { assert } from '../../base/errors.ts';
import { collectGarbage } from '../../sandbox/index.ts';

/**
 * The system gives memory where it is written to first, so a slab costs what was used of it. The C library hands what
 * is as large as this back to the system at once; smaller ones it may keep.
 */
export const slabBytes: number = 32 * 1024 * 1024;
/** So many wait for the next snapshots, at most. */
const freeMax = 8;
/** And no more than the largest of so many last ones took. */
const rememberedMax = 8;
/** So little of a slab stays where no snapshot is expected. */
const littleBytes = 4 * 1024 * 1024;
/** V8 does not count what is let go either. Past this, or so many slabs, it is told to collect. */
const droppedBytesMax = 64 * 1024 * 1024;
const droppedMax = 64;
const alignment = 64;

interface Slab {
  readonly buffer: SharedArrayBuffer;
  /** From its beginning on, by whoever had it until now. */
  usedBytes: number;
}

export class SlabPool {
  #free: Slab[] = [];
  /** Slabs that the last leases had. */
  readonly #remembered: number[] = [];
  #dropped = 0;
  #droppedBytes = 0;

  /** Slabs that wait for the next leases. */
  get freeCount(): number {
    return this.#free.length;
  }

  lease(): SlabLease {
    return new SlabLease(this);
  }

  takeSlab(): Slab {
    return this.#free.pop() ?? { buffer: new SharedArrayBuffer(slabBytes), usedBytes: 0 };
  }

  /** Nobody reads or writes them any more. */
  giveBack(slabs: readonly Slab[]): void {
    this.#remembered.push(slabs.length);
    if (this.#remembered.length > rememberedMax) this.#remembered.shift();
    const kept = Math.min(Math.max(...this.#remembered), freeMax);
    const free = [...this.#free, ...slabs];
    const dropped = free.splice(0, Math.max(free.length - kept, 0));
    this.#free = free;
    this.drop(dropped);
  }

  /** Somebody may still write to them: they go as soon as nobody refers to them. */
  drop(slabs: readonly Slab[]): void {
    this.#dropped += slabs.length;
    for (const { usedBytes } of slabs) this.#droppedBytes += usedBytes;
    if (this.#dropped < droppedMax && this.#droppedBytes < droppedBytesMax) return;
    this.#dropped = this.#droppedBytes = 0;
    // Whoever lets them go now may have them in hand for a moment yet.
    setImmediate(collectGarbage);
  }

  /** Keeps next to nothing: no snapshot is expected. */
  clear(): void {
    this.#remembered.length = 0;
    const kept = this.#free.filter(({ usedBytes }) => usedBytes <= littleBytes).slice(0, 1);
    this.drop(this.#free.filter((slab) => !kept.includes(slab)));
    this.#free = kept;
  }
}

/** The memory of one snapshot while it is captured and written. */
export class SlabLease {
  readonly #pool: SlabPool;
  readonly #slabs: Slab[] = [];
  /** Of the last slab. */
  #usedBytes: number = slabBytes;
  #isOver = false;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Room for so many bytes, whatever was in it before. */
  allocate(byteLength: number): Uint8Array {
    assert(!this.#isOver, 'a lease is used before it is over');
    assert(byteLength <= slabBytes, 'a slab has room for what is asked for');
    if (this.#usedBytes + byteLength > slabBytes) {
      this.#slabs.push(this.#pool.takeSlab());
      this.#usedBytes = 0;
    }
    const slab = this.#slabs.at(-1)!;
    const bytes = Buffer.from(slab.buffer, this.#usedBytes, byteLength);
    this.#usedBytes = Math.ceil((this.#usedBytes + byteLength) / alignment) * alignment;
    slab.usedBytes = Math.max(slab.usedBytes, this.#usedBytes);
    return bytes;
  }

  /** What was allocated serves others from now on: nobody may read or write it any more. */
  release(): void {
    if (!this.#isOver) this.#pool.giveBack(this.#slabs);
    this.#isOver = true;
  }

  /** After a failure somebody may be at work with it yet: it serves nobody any more. */
  abandon(): void {
    if (!this.#isOver) this.#pool.drop(this.#slabs);
    this.#isOver = true;
  }
}

/** Of all runs of the process. */
export const slabPool: SlabPool = new SlabPool();
