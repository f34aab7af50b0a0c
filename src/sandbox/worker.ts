// A worker thread: waits for commands, runs them, hands back results. It never returns to its event loop.

import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { EngineError } from '../base/errors.ts';
import { Executor } from './executor.ts';
import { Answer, Handover, type HandoverBuffers, Phase } from './handover.ts';
import type { GlobalWords } from './instance-state.ts';
import type { SystemTables } from './tables.ts';
import { WordBuffer } from './word-buffer.ts';

/** What a worker is started with. */
export interface WorkerStart {
  readonly buffers: HandoverBuffers;
  readonly port: MessagePort;
  readonly tables: SystemTables;
}

/** What the orchestrator posts ahead of a command stream. */
export type WorkerMessage =
  | {
      readonly type: 'module';
      readonly index: number;
      readonly module: WebAssembly.Module;
      readonly globals: GlobalWords;
    }
  | { readonly type: 'memories'; readonly memories: readonly (readonly [number, WebAssembly.Memory])[] };

/** What a failed worker posts. */
export interface WorkerFailure {
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

const { buffers, port, tables } = workerData as WorkerStart;
const handover = new Handover(buffers);
const executor = new Executor(tables, undefined, undefined, handover.advance);
const longCommands = new WordBuffer();

function waitForCommand(): boolean {
  for (;;) {
    if (handover.closing) return false;
    const { phase } = handover;
    if (phase === Phase.command) return true;
    handover.waitWhile(phase, 1000);
  }
}

function receivePosted(): void {
  for (let posted = receiveMessageOnPort(port); posted !== undefined; posted = receiveMessageOnPort(port)) {
    const message = posted.message as WorkerMessage;
    if (message.type === 'module') executor.addModule(message.index, message.module, message.globals);
    else for (const [number, memory] of message.memories) executor.addMemory(number, memory);
  }
}

/** Gathers a stream that came in parts; one that came whole is used where it lies. */
function receiveCommands(): { words: Uint32Array; bytes: Uint8Array } | undefined {
  if (!handover.commandMore && longCommands.used === 0) {
    return { words: handover.commands, bytes: handover.commandBytes };
  }
  const count = handover.commandWords;
  const at = longCommands.reserve(count);
  longCommands.words.set(handover.commands.subarray(0, count), at);
  longCommands.used += count;
  return handover.commandMore ? undefined : longCommands;
}

function sendResults(results: WordBuffer): boolean {
  const block = handover.results;
  for (let at = 0; ; ) {
    const count = Math.min(block.length, results.used - at);
    block.set(results.words.subarray(at, at + count));
    at += count;
    const last = at === results.used;
    handover.sendResult(count, last ? Answer.last : Answer.part);
    if (last) return true;
    if (!waitForCommand()) return false;
  }
}

function serve(): void {
  while (waitForCommand()) {
    receivePosted();
    const commands = receiveCommands();
    if (commands === undefined) {
      handover.sendResult(0, Answer.more);
      continue;
    }
    const results = executor.execute(commands.words, commands.bytes);
    longCommands.used = 0;
    if (!sendResults(results)) return;
  }
}

try {
  serve();
} catch (error) {
  const known = error instanceof EngineError;
  const text = error instanceof Error ? error.message : String(error);
  const failure: WorkerFailure = { message: text, details: known ? error.details : { stack: String(error) } };
  port.postMessage(failure);
  handover.fail();
}
