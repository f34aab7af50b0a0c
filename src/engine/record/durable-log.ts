// When the record reaches the disk, and when outputs may leave: as the durability mode says. Decides nothing else.

import type { Cursor, EventLogWriter } from '../../log/index.ts';
import type { Durability } from '../config/system-config.ts';
import type { SealedLines } from '../input/sealed-lines.ts';
import { type Clock, nodeClock } from '../ports.ts';
import type { OutputRecord } from './recorder.ts';

/** Where outputs go, in order, each once the tick that made it is durable. */
export interface OutputSink {
  write(output: OutputRecord): void;
}

/** Whose inputs are acknowledged. */
export interface Acknowledger {
  /** Inputs that are sealed, executed and have reached their receivers. */
  readonly executedCount: number;
  /** So many of them are as durable as the mode says. */
  markDurable(count: number): void;
}

export interface DurableLogOptions {
  readonly log: EventLogWriter;
  readonly mode: Durability;
  readonly sink: OutputSink | undefined;
  readonly inputs: Acknowledger;
  readonly lines?: SealedLines;
  /** In mode `batch`, a sync begins after so many ticks, or so long after the first of them. */
  readonly batchTicks: number;
  readonly batchMs: number;
  readonly clock?: Clock;
}

/** Outputs that wait for one sync, or in mode `none` for one write, at most. */
const heldOutputsMax = 10_000;
/** In mode `none` outputs wait at most so long until they are written, many at a time. */
const writeMs = 20;
/** `none` writes its chunks at least so often, so that others can look at a run that is going. */
const flushMs = 500;

export class DurableLog {
  readonly log: EventLogWriter;
  readonly #options: DurableLogOptions;
  readonly #clock: Clock;
  readonly #failing = new AbortController();
  #outputs: OutputRecord[] = [];
  /** Ticks for which no sync has begun. */
  #ticks = 0;
  #cancelTimer: (() => void) | undefined;
  #cancelWrite: (() => void) | undefined;
  /** Never rejects: a failure is kept for whoever asks next. */
  #syncing: Promise<void> | undefined;
  /** Another sync is wanted after the one that is under way. */
  #again = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: DurableLogOptions) {
    this.log = options.log;
    this.#options = options;
    this.#clock = options.clock ?? nodeClock;
  }

  /** Aborted when the storage fails while nobody waits for it; then `check` throws. */
  get failing(): AbortSignal {
    return this.#failing.signal;
  }

  /** @throws EngineError `host-fault` where the storage has failed */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** A tick was committed and appended. A promise where the engine is to wait, since the disk does not keep up. */
  committed(outputs: readonly OutputRecord[]): void | Promise<void> {
    this.check();
    const { mode, batchTicks, batchMs } = this.#options;
    this.#ticks++;
    if (outputs.length > 0) this.#outputs.push(...outputs);
    if (mode === 'tick') return this.#syncNow();
    if (mode === 'none') return this.#commitUnsynced();
    this.#cancelTimer ??= this.#clock.after(batchMs, this.#onTime);
    if (this.#ticks < batchTicks && this.#outputs.length < heldOutputsMax) return;
    if (this.#syncing !== undefined) {
      const held = this.#whenThisIsSyncing();
      // The engine may fail before it waits; the failure is kept for whoever asks next.
      held.catch(() => {});
      return held;
    }
    this.#begin();
  }

  /** Begins to make everything so far as durable as the mode says; called before the engine waits for anything. */
  settle(): void {
    this.check();
    if (this.#ticks === 0) return;
    if (this.#options.mode === 'none') this.#writeAndRelease();
    if (this.#syncing === undefined) this.#begin();
    else this.#again = true;
  }

  /** Resolves when everything so far is as durable as the mode says; in mode `none`, when it is written. */
  async settled(): Promise<void> {
    this.settle();
    if (this.#options.mode === 'none') return this.log.flush();
    while (this.#ticks > 0 || this.#syncing !== undefined) {
      this.settle();
      await this.#syncing;
    }
    this.check();
  }

  /**
   * Resolves when all that was appended is on the disk, in every mode. One sync at a time: two would write both slots
   * of the head record at once, and a power cut could tear both.
   */
  async sync(): Promise<void> {
    while (this.#syncing !== undefined) await this.#syncing;
    this.check();
    this.log.sync();
  }

  /** Ends the log in order. */
  async close(): Promise<void> {
    this.#stopTimers();
    this.#again = false;
    await this.#syncing;
    this.check();
    this.log.close();
    this.#ticks = 0;
    this.#acknowledgeLines(this.#options.lines?.cursor);
    this.#release();
  }

  /** Nothing more is made durable or released. Resolves when the disk is let go of. */
  async abandon(): Promise<void> {
    this.#failure ??= { error: new Error('the log was given up') };
    this.#stopTimers();
    await this.#syncing;
    this.log.abandon();
  }

  readonly #onTime = (): void => {
    this.#cancelTimer = undefined;
    this.#unawaited(() => this.settle());
  };

  /** What fails where nobody waits for it is kept for whoever asks next. */
  #unawaited(work: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      work();
    } catch (error) {
      this.#failure ??= { error };
      this.#failing.abort();
    }
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #stopTimers(): void {
    this.#stopTimer();
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
  }

  /** Outputs leave once the system has their tick: then only a machine that fails can lose it, not this process. */
  #commitUnsynced(): void {
    const { inputs, sink } = this.#options;
    this.#cancelTimer ??= this.#clock.after(flushMs, this.#onTime);
    if (sink === undefined) this.#outputs = [];
    inputs.markDurable(inputs.executedCount);
    if (this.#outputs.length >= heldOutputsMax) this.#writeAndRelease();
    else if (this.#outputs.length > 0) this.#cancelWrite ??= this.#clock.after(writeMs, this.#onWriteTime);
  }

  #writeAndRelease(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    if (this.#outputs.length === 0) return;
    this.log.flush();
    this.#release();
  }

  readonly #onWriteTime = (): void => {
    this.#cancelWrite = undefined;
    this.#unawaited(() => this.#writeAndRelease());
  };

  #syncNow(): void {
    this.log.sync();
    this.#ticks = 0;
    this.#acknowledgeLines(this.#options.lines?.cursor);
    this.#release();
  }

  #acknowledgeLines(cursor: Cursor | undefined): void {
    this.#options.lines?.acknowledge(cursor);
  }

  async #whenThisIsSyncing(): Promise<void> {
    this.#again = true;
    await this.#syncing;
    this.check();
  }

  #begin(): void {
    this.#stopTimer();
    // None may leave before those of an earlier tick.
    if (this.#options.mode === 'none') this.#writeAndRelease();
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#ticks = 0;
    this.#again = false;
    this.#syncing = this.#sync(outputs, this.#options.inputs.executedCount);
  }

  async #sync(outputs: readonly OutputRecord[], executedCount: number): Promise<void> {
    const cursor = this.#options.lines?.cursor;
    try {
      await this.log.beginSync();
      this.#syncing = undefined;
      if (this.#failure !== undefined) return;
      this.#acknowledgeLines(cursor);
      this.#give(outputs, executedCount);
      if (this.#again) this.#begin();
    } catch (error) {
      this.#syncing = undefined;
      this.#failure ??= { error };
      this.#failing.abort();
    }
  }

  #release(): void {
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#give(outputs, this.#options.inputs.executedCount);
  }

  #give(outputs: readonly OutputRecord[], executedCount: number): void {
    const { inputs, sink } = this.#options;
    inputs.markDurable(executedCount);
    if (sink === undefined) return;
    for (const output of outputs) sink.write(output);
  }
}
