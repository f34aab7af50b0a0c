// When the record reaches the disk, and when outputs may leave: as the durability mode says. Decides nothing else.

import type { EventLogWriter } from '../log/index.ts';
import type { Durability } from './config/system-config.ts';
import { type Clock, nodeClock } from './ports.ts';
import type { OutputRecord } from './recorder.ts';

/** Where outputs go, in order, each once the tick that made it is durable. */
export interface OutputSink {
  write(output: OutputRecord): void;
}

/** `batch` syncs at the latest so long after the first tick that waits. */
const batchMs = 100;
/** Outputs that wait for a sync at most. */
const batchOutputsMax = 10_000;
/** `none` writes its chunks at least so often, so that others can look at a run that is going. */
const flushMs = 500;

export class DurableLog {
  readonly log: EventLogWriter;
  readonly #mode: Durability;
  readonly #sink: OutputSink | undefined;
  readonly #onDurable: () => void;
  readonly #clock: Clock;
  #outputs: OutputRecord[] = [];
  #dirty = false;
  #lastSyncMs: number;

  constructor(
    log: EventLogWriter,
    mode: Durability,
    sink: OutputSink | undefined,
    onDurable: () => void,
    clock: Clock = nodeClock,
  ) {
    this.log = log;
    this.#mode = mode;
    this.#sink = sink;
    this.#onDurable = onDurable;
    this.#clock = clock;
    this.#lastSyncMs = clock.nowMs();
  }

  /** A tick was committed and appended. */
  committed(outputs: readonly OutputRecord[]): void {
    this.#dirty = true;
    if (outputs.length > 0) this.#outputs.push(...outputs);
    if (this.#mode === 'tick') {
      this.settle();
      return;
    }
    const nowMs = this.#clock.nowMs();
    if (this.#mode === 'none') {
      this.#release();
      if (nowMs - this.#lastSyncMs < flushMs) return;
      this.#lastSyncMs = nowMs;
      this.log.flush();
    } else if (nowMs - this.#lastSyncMs >= batchMs || this.#outputs.length >= batchOutputsMax) {
      this.settle();
    }
  }

  /** Makes everything so far as durable as the mode says; called before the engine waits for anything. */
  settle(): void {
    if (!this.#dirty) return;
    if (this.#mode === 'none') this.log.flush();
    else this.log.sync();
    this.#dirty = false;
    this.#lastSyncMs = this.#clock.nowMs();
    this.#release();
  }

  /** Ends the log in order. */
  close(): void {
    this.log.close();
    this.#dirty = false;
    this.#release();
  }

  #release(): void {
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#onDurable();
    if (this.#sink === undefined) return;
    for (const output of outputs) this.#sink.write(output);
  }
}
