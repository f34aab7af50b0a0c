// When snapshots are taken. Captured between two ticks, compressed and written while the run goes on.

import type { Machine, Snapshot } from '../turns/machine.ts';
import { type SlabLease, slabPool } from './slabs.ts';
import type { SnapshotStore } from './store.ts';

export class SnapshotSchedule {
  readonly #store: SnapshotStore;
  readonly #everyTicks: number;
  readonly #tickMs: number;
  #lastTick = 0;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;

  /** @param everyTicks 0: only when asked for */
  constructor(store: SnapshotStore, everyTicks: number, tickMs: number) {
    this.#store = store;
    this.#everyTicks = everyTicks;
    this.#tickMs = tickMs;
  }

  /**
   * Whether the tick is the first at or after a multiple.
   * @throws EngineError `host-fault` where an earlier snapshot could not be written
   */
  isDue(tick: number): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#everyTicks === 0) return false;
    return Math.floor(tick / this.#everyTicks) > Math.floor(this.#lastTick / this.#everyTicks);
  }

  /**
   * Captures the state; resolves once it is captured, and at most one snapshot is being written.
   * @throws EngineError `host-fault` where an earlier one could not be written
   */
  async take(machine: Machine): Promise<void> {
    await this.settled();
    const lease = slabPool.lease();
    const snapshot = await this.#capture(machine, lease);
    this.#lastTick = snapshot.tick;
    this.#writing = this.#store.write(snapshot, this.#tickMs, lease).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  async #capture(machine: Machine, lease: SlabLease): Promise<Snapshot> {
    try {
      return await machine.capture(this.#store.lastTick, (byteLength) => lease.allocate(byteLength));
    } catch (error) {
      lease.abandon();
      throw error;
    }
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** No more snapshots are taken: as `settled`, and nothing is kept for the next one. */
  async close(): Promise<void> {
    try {
      await this.settled();
    } finally {
      slabPool.clear();
    }
  }
}
