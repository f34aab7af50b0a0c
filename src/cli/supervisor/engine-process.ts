// One engine process as its supervisor sees it: started, spoken to, watched, and at last dead. It decides nothing about
// what comes next.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Death, deathOf } from './death.ts';
import type { Before, StopSignal, ToEngine, ToSupervisor } from './messages.ts';

/** So many looks without a sign of life mean that the process hangs. */
const looks = 10;

export interface EngineProcessOptions {
  readonly words: readonly string[];
  readonly before: Before | undefined;
  readonly terminal: boolean;
  readonly watchdogMs: number;
  readonly onMessage: (message: ToSupervisor) => void;
  readonly onOutput: (chunk: Buffer) => void;
}

export class EngineProcess {
  readonly #child: ChildProcess;
  readonly #onMessage: (message: ToSupervisor) => void;
  #watch: NodeJS.Timeout | undefined;
  #silentLooks = 0;
  #hung = false;
  /** Resolves when the process is dead, and everything that it said was heard. */
  readonly death: Promise<Death>;

  constructor(options: EngineProcessOptions) {
    const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
    const main = fileURLToPath(new URL(`./engine-main.${extension}`, import.meta.url));
    // A debugger's port is taken by this process.
    const flags = process.execArgv.filter((flag) => !flag.startsWith('--inspect'));
    this.#child = spawn(process.execPath, [...flags, main, ...options.words], {
      stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
      windowsHide: true,
    });
    this.#onMessage = options.onMessage;
    this.death = this.#untilDead();
    this.#child.on('message', (message) => this.#receive(message as ToSupervisor));
    this.output.on('data', options.onOutput);
    // It may die before it has taken what it was given.
    this.input.on('error', () => {});
    this.#tell({
      type: 'start',
      terminal: options.terminal,
      ...(options.before && { before: options.before }),
    });
    this.watch(options.watchdogMs);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get input(): Writable {
    return this.#child.stdin!;
  }

  get output(): Readable {
    return this.#child.stdout!;
  }

  stop(signal: StopSignal): void {
    this.#tell({ type: 'stop', signal });
  }

  readerGone(): void {
    this.#tell({ type: 'reader-gone' });
  }

  inputFailed(why: string): void {
    this.#tell({ type: 'input-failed', why });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /**
   * Ends the process where it says nothing for so long; 0: never. Looks are counted, and not time: a supervisor that
   * was stopped, or a machine that slept, has not looked.
   */
  watch(watchdogMs: number): void {
    clearInterval(this.#watch);
    if (watchdogMs === 0) return;
    this.#watch = setInterval(() => {
      if (++this.#silentLooks < looks) return;
      this.#hung = true;
      this.kill();
    }, watchdogMs / looks);
    this.#watch.unref();
  }

  #receive(message: ToSupervisor): void {
    this.#silentLooks = 0;
    if (message.type !== 'alive') this.#onMessage(message);
  }

  #tell(message: ToEngine): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  async #untilDead(): Promise<Death> {
    const child = this.#child;
    const [exitCode, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      let ended: [number | null, string | null] | undefined;
      let open = child.connected;
      const check = (): void => {
        if (ended !== undefined && !open) resolve(ended);
      };
      child.once('error', (error) => resolve([null, error.message]));
      child.once('disconnect', () => {
        open = false;
        check();
      });
      child.once('close', (code, name) => {
        ended = [code, name];
        check();
      });
    });
    clearInterval(this.#watch);
    return deathOf(exitCode, signal, this.#hung);
  }
}
