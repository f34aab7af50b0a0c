// One worker thread as the orchestrator sees it: what is under way, and whether it is still there.

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { EngineError } from '../base/errors.ts';
import { Answer, createHandoverBuffers, Handover, Phase } from './handover.ts';
import type { ResultStream } from './pool.ts';
import type { SystemTables } from './tables.ts';
import { WordBuffer } from './word-buffer.ts';
import type { WorkerFailure, WorkerMessage, WorkerStart } from './worker.ts';

export interface WorkerThreadOptions {
  readonly index: number;
  readonly tables: SystemTables;
  readonly blockBytes: number;
  /** A task that takes longer means that the worker hangs. */
  readonly timeoutMs: number;
  /** The worker's program, where it is another than the usual one. */
  readonly program?: URL | undefined;
}

/** How long a blocking wait lasts before signals and worker exits are looked at. */
const waitSliceMs = 50;

export class WorkerThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #handover: Handover;
  readonly #timeoutMs: number;
  readonly #memories: (readonly [number, WebAssembly.Memory])[] = [];
  readonly #longResults: WordBuffer = new WordBuffer(16);
  #commands: WordBuffer | undefined;
  #sentWords = 0;
  /** When the worker was last seen to begin something, and what it had begun by then. */
  #movedAtMs = 0;
  #progress = 0;
  #lost = false;
  #failure: EngineError | undefined;
  #result: ResultStream | undefined;

  constructor({ index, tables, blockBytes, timeoutMs, program }: WorkerThreadOptions) {
    const buffers = createHandoverBuffers(blockBytes);
    const { port1, port2 } = new MessageChannel();
    const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
    const workerData: WorkerStart = { buffers, port: port2, tables };
    this.#worker = new Worker(program ?? new URL(`./worker.${extension}`, import.meta.url), {
      workerData,
      transferList: [port2],
      name: `wasm-engine worker ${index}`,
      resourceLimits: { stackSizeMb: 4 },
    });
    this.#worker.unref();
    port1.unref();
    this.#port = port1;
    this.#handover = new Handover(buffers);
    this.#timeoutMs = timeoutMs;
    for (const event of ['error', 'messageerror', 'exit'] as const) {
      this.#worker.on(event, () => {
        this.#lost = true;
        this.#handover.wake();
      });
    }
  }

  /** What came of the stream last started; undefined while it runs, and where there was none. */
  get result(): ResultStream | 'lost' | undefined {
    if (this.#result !== undefined || this.#commands === undefined) return this.#result;
    // A worker that said why it cannot go on ends, too; its word is taken first.
    return this.#lost && this.#handover.phase !== Phase.failed ? 'lost' : undefined;
  }

  get isDone(): boolean {
    return this.#commands === undefined || this.result !== undefined;
  }

  addModule(message: WorkerMessage): void {
    this.#port.postMessage(message);
  }

  addMemory(agentNumber: number, memory: WebAssembly.Memory): void {
    this.#memories.push([agentNumber, memory]);
  }

  start(stream: WordBuffer | undefined): void {
    this.#result = undefined;
    this.#commands = stream;
    this.#sentWords = 0;
    this.#longResults.used = 0;
    if (stream === undefined || this.#lost) return;
    this.#movedAtMs = performance.now();
    if (this.#memories.length > 0) {
      const message: WorkerMessage = { type: 'memories', memories: this.#memories };
      this.#port.postMessage(message);
      this.#memories.length = 0;
    }
    this.#sendPart(stream);
  }

  /** Waits with the thread asleep; false where the wait took so long that the event loop should have its turn. */
  finishBlocking(): boolean {
    const handover = this.#handover;
    while (!this.isDone) {
      if (handover.phase === Phase.command && !handover.waitWhile(Phase.command, waitSliceMs)) return false;
      if (handover.phase !== Phase.command) this.#receive();
    }
    return true;
  }

  /** Waits without blocking; `blocking` says whether short sleeps of the thread are allowed all the same. */
  async finish(blocking: boolean): Promise<void> {
    // A promise that waits for shared memory keeps no process alive, and a worker does so only until it dies.
    const alive = setInterval(() => {}, waitSliceMs);
    try {
      while (!this.isDone) {
        if (blocking) {
          await new Promise((resolve) => setImmediate(resolve));
          this.finishBlocking();
        } else if (this.#handover.phase === Phase.command) {
          await this.#handover.waitWhileAsync(Phase.command, waitSliceMs);
        } else {
          this.#receive();
        }
        if (!this.isDone && this.#hangs()) this.#lost = true;
      }
    } finally {
      clearInterval(alive);
    }
  }

  /** Whether it has been at one task for too long; how many tasks there are says nothing. */
  #hangs(): boolean {
    const now = performance.now();
    const { progress } = this.#handover;
    if (progress !== this.#progress) {
      this.#progress = progress;
      this.#movedAtMs = now;
    }
    return now - this.#movedAtMs > this.#timeoutMs;
  }

  async terminate(): Promise<void> {
    this.#handover.close();
    await this.#worker.terminate();
    this.#port.close();
  }

  #sendPart(stream: WordBuffer): void {
    const handover = this.#handover;
    const count = Math.min(handover.commands.length, stream.used - this.#sentWords);
    handover.commands.set(stream.words.subarray(this.#sentWords, this.#sentWords + count));
    this.#sentWords += count;
    handover.sendCommands(count, this.#sentWords < stream.used);
  }

  /** Takes what the worker handed back. */
  #receive(): void {
    const handover = this.#handover;
    if (handover.phase === Phase.failed) throw this.#takeFailure();
    if (handover.answer === Answer.more) {
      this.#sendPart(this.#commands!);
      return;
    }
    const last = handover.answer === Answer.last;
    const count = handover.resultWords;
    const long = this.#longResults;
    if (last && long.used === 0) {
      this.#result = { words: handover.results, used: count };
      return;
    }
    const at = long.reserve(count);
    long.words.set(handover.results.subarray(0, count), at);
    long.used += count;
    if (last) this.#result = long;
    else handover.acknowledge();
  }

  /** The worker's own word on why it cannot go on: it would say the same again. */
  #takeFailure(): EngineError {
    if (this.#failure !== undefined) return this.#failure;
    const told = receiveMessageOnPort(this.#port)?.message as WorkerFailure | undefined;
    const message = told?.message ?? 'Cannot go on: a worker failed';
    this.#failure = new EngineError('host-fault', message, told?.details);
    return this.#failure;
  }
}
