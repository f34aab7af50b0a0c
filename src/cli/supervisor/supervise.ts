// The supervisor of `wasm-engine run`: starts the engine process, and another one where it died of something that
// another one may survive. It owns the input that cannot be read twice, and standard output, and knows nothing of
// agents, ticks or digests.

import type { Readable } from 'node:stream';
import { EngineError } from '../../base/errors.ts';
import type { OutputPlace } from '../../engine/index.ts';
import { DeliveryMark } from '../delivery-mark.ts';
import { complain } from '../failure.ts';
import { asWord } from '../printable.ts';
import { whenReaderGoes } from '../standard-output.ts';
import { type Death, RestartBudget, restartsAskedFor, Suspects } from './death.ts';
import { EngineProcess } from './engine-process.ts';
import { ForwardedOutput } from './forwarded-output.ts';
import { KeptInput } from './kept-input.ts';
import {
  type Before,
  type OpenedRun,
  type StopSignal,
  stopSignals,
  type ToSupervisor,
  watchdogSecondsDefault,
} from './messages.ts';

/** Runs a command in an engine process, as often as it takes; answers the exit code. */
export function supervise(words: readonly string[]): Promise<number> {
  return new Supervisor(words).run();
}

class Supervisor {
  readonly #words: readonly string[];
  readonly #startedAtMs = performance.now();
  readonly #budget = new RestartBudget();
  readonly #suspects = new Suspects();
  readonly #input: KeptInput;
  readonly #output: ForwardedOutput;
  #engine: EngineProcess | undefined;
  #watchdogMs = watchdogSecondsDefault * 1000;
  #restartsMax: number;
  #directory: string | undefined;
  #opened: OpenedRun | undefined;
  /** How far the record went when the process under way had read it. */
  #tick = -1;
  #mark: DeliveryMark | undefined;
  /** The process under way runs turns one at a time. */
  #careful = false;
  #badLines = 0;
  #lastBadLine = 0;
  #lostInput: string | undefined;
  /** A pipe or a device that is read in place of standard input. */
  #inputPath: string | undefined;
  #stop: StopSignal | undefined;
  #wake: (() => void) | undefined;
  #delivered: OutputPlace | undefined;
  #readerGone = false;

  constructor(words: readonly string[]) {
    this.#words = words;
    this.#restartsMax = restartsAskedFor(words);
    this.#input = new KeptInput(
      () => this.#openInput(),
      (why) => this.#engine?.inputFailed(why),
    );
    this.#output = new ForwardedOutput(
      (bytes, onGone) => this.#write(bytes, onGone),
      (place) => {
        this.#delivered = place;
        this.#mark?.note(place);
      },
    );
  }

  async run(): Promise<number> {
    for (const name of Object.keys(stopSignals) as StopSignal[])
      process.on(name, () => this.#signalled(name));
    whenReaderGoes(() => {
      this.#readerGone = true;
      this.#engine?.readerGone();
      // What is still to come from there is thrown away.
      this.#engine?.output.resume();
    });
    for (;;) {
      const death = await this.#live();
      if (this.#lostInput !== undefined) throw new EngineError('host-fault', this.#lostInput);
      if (death.kind === 'ended') return death.exitCode;
      if (this.#readerGone) return 0;
      if (this.#stop !== undefined) return this.#stopped(this.#stop);
      await this.#consider(death);
      await this.#wait(this.#budget.waitMs);
      if (this.#stop !== undefined) return this.#stopped(this.#stop);
    }
  }

  /** One process, from its start to its death. */
  async #live(): Promise<Death> {
    const engine = new EngineProcess({
      words: this.#words,
      before: this.#before(),
      terminal: process.stdout.isTTY === true,
      watchdogMs: this.#watchdogMs,
      onMessage: (message) => this.#receive(message),
      onOutput: (chunk) => this.#output.take(chunk),
    });
    this.#engine = engine;
    const death = await engine.death;
    this.#engine = undefined;
    this.#input.detach();
    this.#output.engineEnded(death.kind !== 'ended');
    return death;
  }

  #before(): Before | undefined {
    if (this.#budget.count === 0) return undefined;
    const quarantined = this.#suspects.quarantined;
    const { place } = this.#output;
    return {
      ...(this.#directory !== undefined && { directory: this.#directory }),
      ...(this.#opened !== undefined && { opened: this.#opened }),
      ...(place !== undefined && { outputsAfter: place }),
      ...((this.#careful || quarantined.length > 0) && { careful: { quarantined } }),
      inputTaken: this.#input.isTaken,
      badLines: this.#badLines,
      lastBadLine: this.#lastBadLine,
      elapsedMs: performance.now() - this.#startedAtMs,
    };
  }

  #receive(message: ToSupervisor): void {
    switch (message.type) {
      case 'options':
        this.#watchdogMs = message.watchdogMs;
        this.#restartsMax = message.restartsMax;
        this.#engine?.watch(message.watchdogMs);
        return;
      case 'directory':
        this.#directory = message.directory;
        return;
      case 'opened':
        this.#opened = message.run;
        this.#tick = message.tick;
        this.#keepMark(message.run.runDirectory);
        return;
      case 'input':
        this.#inputPath = message.path;
        this.#give(message.from);
        return;
      case 'acknowledged':
        this.#input.acknowledge(message.byte);
        return;
      case 'bad-line':
        if (message.line <= this.#lastBadLine) return;
        this.#lastBadLine = message.line;
        this.#badLines++;
        return;
      default:
        return;
    }
  }

  /** Outputs of the record may have been given again before this process knew which run they are of. */
  #keepMark(runDirectory: string): void {
    if (this.#mark !== undefined) return;
    this.#mark = new DeliveryMark(runDirectory);
    if (this.#delivered !== undefined) this.#mark.note(this.#delivered);
  }

  async #openInput(): Promise<Readable> {
    if (this.#inputPath === undefined) return process.stdin;
    const { openInputStream } = await import('../../engine/index.ts');
    return openInputStream(this.#inputPath);
  }

  #give(from: number): void {
    const engine = this.#engine;
    if (engine === undefined || this.#input.give(from, engine.input)) return;
    const name = this.#inputPath ?? 'standard input';
    this.#lostInput = `Cannot go on: the record holds ${name} up to byte ${from}, less than was safe in it before`;
    engine.kill();
  }

  /** @throws EngineError `host-fault` where another process would be one too many */
  async #consider(death: Exclude<Death, { kind: 'ended' }>): Promise<void> {
    await this.#suspect(death);
    // What died of itself may do so again in the same place.
    this.#careful ||= death.kind === 'crashed';
    this.#budget.died(this.#tick, this.#suspects.quarantined.length);
    const { count } = this.#budget;
    const where = this.#opened === undefined ? '' : ` at tick ${this.#tick}`;
    if (count > this.#restartsMax) {
      throw new EngineError(
        'host-fault',
        `Cannot go on: the engine process died ${times(count)}${where} without getting on, at last by ${death.how}${this.#remedy(death)}`,
        { deaths: count, how: death.how, ...(this.#opened && { runDirectory: this.#opened.runDirectory }) },
      );
    }
    const next = this.#opened === undefined ? 'it begins again' : 'it goes on from its record';
    complain('warning', `the engine process died (${death.how}); ${next} (restart ${count})`);
  }

  #remedy({ kind }: Death): string {
    const record = this.#opened === undefined ? '' : `; its record so far is in ${this.#opened.runDirectory}`;
    return kind === 'hung' ? ` (--watchdog ${this.#watchdogMs / 1000})${record}` : record;
  }

  /** The turn that was being run alone when the process crashed has a strike more. */
  async #suspect({ kind }: Death): Promise<void> {
    if (this.#opened === undefined || !this.#careful) return;
    const { takeMarkedTurn } = await import('../../engine/index.ts');
    const turn = takeMarkedTurn(this.#opened.runDirectory);
    if (turn !== undefined && kind === 'crashed') this.#suspects.strike(turn);
  }

  #signalled(name: StopSignal): void {
    if (this.#stop !== undefined) {
      // Asked again: not between two ticks, but now. The record stands all the same.
      this.#engine?.kill();
      return;
    }
    this.#stop = name;
    this.#engine?.stop(name);
    this.#wake?.();
  }

  #stopped(name: StopSignal): number {
    if (this.#opened !== undefined) {
      complain(
        'warning',
        `the run was cut off; go on with: wasm-engine run --run-dir ${asWord(this.#opened.runDirectory)}`,
      );
    }
    return stopSignals[name];
  }

  #wait(waitMs: number): Promise<void> {
    if (waitMs === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** A reader that is slow slows the engine down. */
  #write(bytes: Uint8Array, onGone: () => void): void {
    if (this.#readerGone) return;
    const engine = this.#engine;
    const more = process.stdout.write(bytes, (error) => {
      if (error === null || error === undefined) onGone();
    });
    if (more || engine === undefined) return;
    engine.output.pause();
    process.stdout.once('drain', () => engine.output.resume());
  }
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
