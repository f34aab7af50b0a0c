// A thread that compiles agents, one after the other: the compiler is fast only once it is warm.

import { parentPort } from 'node:worker_threads';
import { compileAgent } from '../sdk/assemblyscript/lib/compile.js';

export interface CompileRequest {
  readonly entry: string;
  readonly outFile: string;
  readonly colors: boolean;
}

export interface CompileAnswer {
  /** What the compiler wrote. */
  readonly messages: string;
  /** Bytes of the module; undefined where it could not be compiled. */
  readonly size: number | undefined;
  readonly imports: readonly string[];
}

parentPort?.on('message', async (request: CompileRequest) => {
  let messages = '';
  const { ok, size, imports } = await compileAgent({ ...request, write: (text) => void (messages += text) });
  const answer: CompileAnswer = { messages, size: ok ? size : undefined, imports };
  parentPort?.postMessage(answer);
});
