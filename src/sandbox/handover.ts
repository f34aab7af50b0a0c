// The handover between orchestrator and one worker: a control block and two data blocks of shared memory.
//
// | region       | phase `idle`/`result`      | phase `command`      |
// |--------------|----------------------------|----------------------|
// | control      | orchestrator writes        | worker writes        |
// | command block| orchestrator writes        | worker reads         |
// | result block | orchestrator reads         | worker writes        |
//
// The phase word is written last, by whoever hands over; there is one writer at a time. Streams longer than a block
// cross in parts, which neither side's caller sees.

import { assert } from '../base/errors.ts';

export const Phase = { idle: 0, command: 1, result: 2, failed: 3 } as const;

/** What a hand-back of the worker is: the last part of the results, an earlier part, or "send me more commands". */
export const Answer = { last: 0, part: 1, more: 2 } as const;

const word = {
  phase: 0,
  commandWords: 1,
  commandMore: 2,
  resultWords: 3,
  answer: 4,
  closing: 5,
  progress: 6,
} as const;
const controlWords = 16;

export interface HandoverBuffers {
  readonly control: SharedArrayBuffer;
  readonly commands: SharedArrayBuffer;
  readonly results: SharedArrayBuffer;
}

export function createHandoverBuffers(blockBytes: number): HandoverBuffers {
  return {
    control: new SharedArrayBuffer(controlWords * 4),
    commands: new SharedArrayBuffer(blockBytes),
    results: new SharedArrayBuffer(blockBytes),
  };
}

/** Both sides' view of the blocks; each method says in which phase it may be called, and asserts it. */
export class Handover {
  readonly commands: Uint32Array;
  readonly commandBytes: Uint8Array;
  readonly results: Uint32Array;
  readonly #control: Int32Array;

  constructor(buffers: HandoverBuffers) {
    this.#control = new Int32Array(buffers.control);
    this.commands = new Uint32Array(buffers.commands);
    this.commandBytes = new Uint8Array(buffers.commands);
    this.results = new Uint32Array(buffers.results);
  }

  get phase(): number {
    return Atomics.load(this.#control, word.phase);
  }

  get commandWords(): number {
    return this.#control[word.commandWords]!;
  }

  get commandMore(): boolean {
    return this.#control[word.commandMore] === 1;
  }

  get resultWords(): number {
    return this.#control[word.resultWords]!;
  }

  get answer(): number {
    return this.#control[word.answer]!;
  }

  get closing(): boolean {
    return Atomics.load(this.#control, word.closing) === 1;
  }

  /** A number that changes as the worker comes from one task to the next. It may be read in any phase. */
  get progress(): number {
    return Atomics.load(this.#control, word.progress);
  }

  /** Worker, in phase `command`: it begins another task. */
  readonly advance = (): void => {
    Atomics.add(this.#control, word.progress, 1);
  };

  /** Orchestrator, not in phase `command`: hands over the commands it has written. */
  sendCommands(words: number, more: boolean): void {
    assert(this.phase !== Phase.command, 'commands are written while the worker waits');
    this.#control[word.commandWords] = words;
    this.#control[word.commandMore] = more ? 1 : 0;
    this.#enter(Phase.command);
  }

  /** Orchestrator, once it has read a part of the results: the worker may write the next. */
  acknowledge(): void {
    assert(this.phase === Phase.result, 'a result is there to be acknowledged');
    this.#control[word.commandWords] = 0;
    this.#enter(Phase.command);
  }

  /** Worker, in phase `command`: hands over what it has written. */
  sendResult(words: number, answer: number): void {
    assert(this.phase === Phase.command, 'results are written while the orchestrator waits');
    this.#control[word.resultWords] = words;
    this.#control[word.answer] = answer;
    this.#enter(Phase.result);
  }

  /** Worker, in phase `command`: it cannot go on; the reason is on its port. */
  fail(): void {
    this.#enter(Phase.failed);
  }

  /** Orchestrator: the worker ends as soon as it looks. */
  close(): void {
    Atomics.store(this.#control, word.closing, 1);
    this.wake();
  }

  /** Lets whoever waits look again, though the phase is the same. */
  wake(): void {
    Atomics.notify(this.#control, word.phase);
  }

  /** Waits while the phase is `phase`, blocking the thread; false where `timeoutMs` passed. */
  waitWhile(phase: number, timeoutMs: number): boolean {
    for (let i = 0; i < spinCount; i++) if (this.phase !== phase) return true;
    return Atomics.wait(this.#control, word.phase, phase, timeoutMs) !== 'timed-out';
  }

  /** The same without blocking. */
  async waitWhileAsync(phase: number, timeoutMs: number): Promise<void> {
    const waiting = Atomics.waitAsync(this.#control, word.phase, phase, timeoutMs);
    if (waiting.async) await waiting.value;
  }

  #enter(phase: number): void {
    Atomics.store(this.#control, word.phase, phase);
    Atomics.notify(this.#control, word.phase);
  }
}

/** Looks at the phase before sleeping: a few microseconds, about what a short turn takes. */
const spinCount = 200;
