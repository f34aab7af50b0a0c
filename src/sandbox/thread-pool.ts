// A pool of worker threads. Results come back together, whatever order the threads finish in.

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { assert, EngineError } from '../base/errors.ts';
import { Answer, createHandoverBuffers, Handover, Phase } from './handover.ts';
import type { Pool, ResultStream, ResultStreams } from './pool.ts';
import type { SystemTables } from './tables.ts';
import { WordBuffer } from './word-buffer.ts';
import type { WorkerFailure, WorkerMessage, WorkerStart } from './worker.ts';

export interface ThreadPoolOptions {
  /** Number of threads, at least 1. */
  readonly workers: number;
  readonly tables: SystemTables;
  /**
   * true: the caller's thread sleeps while workers run, which is fastest, for programs that own their process;
   * false: the event loop goes on.
   */
  readonly blocking: boolean;
  /** Bytes of each data block; longer streams cross in parts. */
  readonly blockBytes?: number;
}

const defaultBlockBytes = 1 << 20;
/** How long a blocking wait lasts before signals and worker exits are looked at. */
const waitSliceMs = 50;

interface Thread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly handover: Handover;
  readonly memories: (readonly [number, WebAssembly.Memory])[];
  /** The stream that is crossing, and how much of it has. */
  commands: WordBuffer | undefined;
  sentWords: number;
  readonly longResults: WordBuffer;
  result: ResultStream | undefined;
  /** Why the thread is gone, once it is. */
  lost: EngineError | undefined;
}

export function createThreadPool(options: ThreadPoolOptions): Pool {
  assert(options.workers >= 1, 'a thread pool has threads');
  const threads = Array.from({ length: options.workers }, (_, index) => createThread(options, index));
  let closed = false;
  return {
    size: threads.length,
    addModule(index, module) {
      for (const { port } of threads) post(port, { type: 'module', index, module });
    },
    addMemory: (executor, agentNumber, memory) => threads[executor]!.memories.push([agentNumber, memory]),
    run(streams) {
      for (const [i, thread] of threads.entries()) start(thread, streams[i]);
      if (options.blocking && threads.every(finishBlocking)) return threads.map((thread) => thread.result);
      return finishAll(threads, options.blocking);
    },
    async close() {
      if (closed) return;
      closed = true;
      for (const { handover } of threads) handover.close();
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
      for (const { port } of threads) port.close();
    },
  };
}

function createThread(options: ThreadPoolOptions, index: number): Thread {
  const buffers = createHandoverBuffers(options.blockBytes ?? defaultBlockBytes);
  const { port1, port2 } = new MessageChannel();
  const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
  const start: WorkerStart = { buffers, port: port2, tables: options.tables };
  const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), {
    workerData: start,
    transferList: [port2],
    name: `wasm-engine worker ${index}`,
    resourceLimits: { stackSizeMb: 4 },
  });
  worker.unref();
  port1.unref();
  const thread: Thread = {
    worker,
    port: port1,
    handover: new Handover(buffers),
    memories: [],
    commands: undefined,
    sentWords: 0,
    longResults: new WordBuffer(16),
    result: undefined,
    lost: undefined,
  };
  const lose = (what: string, cause?: unknown): void => {
    thread.lost ??= new EngineError(
      'host-fault',
      `Cannot go on: worker ${index} ${what}`,
      { worker: index },
      cause,
    );
  };
  worker.on('error', (error) => lose(`failed: ${error.message}`, error));
  worker.on('messageerror', (error) => lose(`got a message that it could not read: ${error.message}`, error));
  worker.on('exit', (code) => lose(`ended by itself with code ${code}`));
  return thread;
}

function post(port: MessagePort, message: WorkerMessage): void {
  port.postMessage(message);
}

function start(thread: Thread, stream: WordBuffer | undefined): void {
  thread.result = undefined;
  thread.commands = stream;
  thread.sentWords = 0;
  thread.longResults.used = 0;
  if (stream === undefined) return;
  if (thread.memories.length > 0) {
    post(thread.port, { type: 'memories', memories: thread.memories });
    thread.memories.length = 0;
  }
  sendPart(thread, stream);
}

function sendPart(thread: Thread, stream: WordBuffer): void {
  const { handover } = thread;
  const count = Math.min(handover.commands.length, stream.used - thread.sentWords);
  handover.commands.set(stream.words.subarray(thread.sentWords, thread.sentWords + count));
  thread.sentWords += count;
  handover.sendCommands(count, thread.sentWords < stream.used);
}

/** Takes what the worker handed back; true once its whole result is there. */
function receive(thread: Thread): boolean {
  const { handover } = thread;
  if (handover.phase === Phase.failed) throw failureOf(thread);
  if (handover.answer === Answer.more) {
    sendPart(thread, thread.commands!);
    return false;
  }
  const last = handover.answer === Answer.last;
  const count = handover.resultWords;
  const { longResults } = thread;
  if (last && longResults.used === 0) {
    thread.result = { words: handover.results, used: count };
    return true;
  }
  const at = longResults.reserve(count);
  longResults.words.set(handover.results.subarray(0, count), at);
  longResults.used += count;
  if (last) thread.result = longResults;
  else handover.acknowledge();
  return last;
}

function failureOf(thread: Thread): EngineError {
  const failure = receiveMessageOnPort(thread.port)?.message as WorkerFailure | undefined;
  if (failure === undefined)
    return thread.lost ?? new EngineError('host-fault', 'Cannot go on: a worker failed');
  return new EngineError('host-fault', failure.message, failure.details);
}

/** Waits with the thread asleep; false where the wait took so long that the event loop should have its turn. */
function finishBlocking(thread: Thread): boolean {
  while (thread.commands !== undefined && thread.result === undefined) {
    if (thread.handover.phase === Phase.command && !thread.handover.waitWhile(Phase.command, waitSliceMs))
      return false;
    if (thread.handover.phase === Phase.command) continue;
    receive(thread);
  }
  return true;
}

async function finishAll(threads: readonly Thread[], blocking: boolean): Promise<ResultStreams> {
  for (const thread of threads) thread.worker.ref();
  try {
    for (const thread of threads) {
      while (thread.commands !== undefined && thread.result === undefined) {
        if (thread.lost !== undefined) throw thread.lost;
        if (blocking) {
          await new Promise((resolve) => setImmediate(resolve));
          if (finishBlocking(thread)) break;
        } else if (thread.handover.phase === Phase.command) {
          await thread.handover.waitWhileAsync(Phase.command, 1000);
        } else {
          receive(thread);
        }
      }
    }
    return threads.map((thread) => thread.result);
  } finally {
    for (const thread of threads) thread.worker.unref();
  }
}
