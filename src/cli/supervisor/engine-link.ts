// The engine process's end of the line to its supervisor. When the line is cut, nobody owns the input or takes the
// outputs any more: the run stops as if it had been asked to.

import { assert, EngineError } from '../../base/errors.ts';
import type { CarefulOptions, Cursor, LineSource, OutputPlace } from '../../engine/index.ts';
import { openLineStream, startOfSource } from '../../engine/index.ts';
import { noteReaderGone } from '../standard-output.ts';
import type { Before, OpenedRun, StopSignal, ToEngine, ToSupervisor } from './messages.ts';

/** A process that does nothing else says so often that it is there; the watchdog's time is a multiple of it. */
const aliveMs = 500;

export class EngineLink {
  readonly before: Before | undefined;
  /** Whether outputs end up on a terminal. */
  readonly terminal: boolean;
  readonly #onStop: ((signal: StopSignal) => void)[] = [];
  #stopped: StopSignal | undefined;

  private constructor({ terminal, before }: Extract<ToEngine, { type: 'start' }>) {
    this.terminal = terminal;
    this.before = before;
    process.on('message', (message: ToEngine) => this.#receive(message));
    process.on('disconnect', () => this.#stop('SIGTERM'));
    setInterval(() => this.#send({ type: 'alive' }), aliveMs).unref();
  }

  /**
   * Waits for the supervisor's first word.
   * @throws EngineError `usage` where there is none
   */
  static async connect(): Promise<EngineLink> {
    if (process.send === undefined)
      throw new EngineError('usage', 'Cannot run without a supervisor: start "wasm-engine" instead');
    const start = await new Promise<ToEngine>((resolve) => process.once('message', resolve));
    assert(start.type === 'start', `a supervisor begins with "start", found "${start.type}"`);
    return new EngineLink(start);
  }

  /** Calls back when the run should stop; at once where it should already. */
  whenStopped(told: (signal: StopSignal) => void): void {
    this.#onStop.push(told);
    if (this.#stopped !== undefined) told(this.#stopped);
  }

  options(watchdogMs: number, restartsMax: number): void {
    this.#send({ type: 'options', watchdogMs, restartsMax });
  }

  /** A folder is chosen, and nothing in it yet. */
  directory(directory: string): void {
    this.#send({ type: 'directory', directory });
  }

  opened(run: OpenedRun, tick: number): void {
    this.#send({ type: 'opened', run, tick });
  }

  badLine(line: number): void {
    this.#send({ type: 'bad-line', line });
  }

  /** Standard input, or a pipe or device, as the supervisor gives it. */
  openInput(path?: string): LineSource {
    const of = path === undefined ? {} : { path };
    return new SuppliedInput(path ?? 'standard input', this.before?.inputTaken ?? false, {
      from: (byte) => this.#send({ type: 'input', from: byte, ...of }),
      acknowledged: (byte) => this.#send({ type: 'acknowledged', byte }),
    });
  }

  get careful(): CarefulOptions | undefined {
    return this.before?.careful;
  }

  get outputsAfter(): OutputPlace | undefined {
    return this.before?.outputsAfter;
  }

  #receive(message: ToEngine): void {
    if (message.type === 'stop') this.#stop(message.signal);
    else if (message.type === 'reader-gone') noteReaderGone();
    else if (message.type === 'input-failed') process.stdin.destroy(new Error(message.why));
  }

  #stop(signal: StopSignal): void {
    this.#stopped ??= signal;
    for (const told of this.#onStop) told(this.#stopped);
  }

  #send(message: ToSupervisor): void {
    // Whoever does not listen any more cuts the line, and that is told by its own event.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  }
}

interface Supply {
  from(byte: number): void;
  acknowledged(byte: number): void;
}

/** Lines that the supervisor keeps, and that begin wherever the run wants them to. */
class SuppliedInput implements LineSource {
  readonly name: string;
  /** Only what this supervisor has read can be read again. */
  readonly seekable: boolean;
  readonly #supply: Supply;
  #from: Cursor = startOfSource;
  #lines: LineSource | undefined;

  constructor(name: string, seekable: boolean, supply: Supply) {
    this.name = name;
    this.seekable = seekable;
    this.#supply = supply;
  }

  get cursor(): Cursor {
    return this.#lines?.cursor ?? this.#from;
  }

  pull(max: number): ReturnType<LineSource['pull']> {
    return this.#opened().pull(max);
  }

  poll(max: number): ReturnType<LineSource['poll']> {
    return this.#opened().poll(max);
  }

  arrival(): Promise<void> {
    return this.#opened().arrival();
  }

  putBack(lines: Parameters<LineSource['putBack']>[0]): void {
    this.#lines?.putBack(lines);
  }

  acknowledge({ byte }: Cursor): void {
    this.#supply.acknowledged(byte);
  }

  seek(cursor: Cursor): void {
    this.#from = cursor;
  }

  close(): void {
    this.#lines?.close();
  }

  #opened(): LineSource {
    if (this.#lines !== undefined) return this.#lines;
    this.#lines = openLineStream(process.stdin, this.name, this.#from);
    if (!this.#from.ended) this.#supply.from(this.#from.byte);
    return this.#lines;
  }
}
