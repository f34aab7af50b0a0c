// The inference process: holds sessions, runs one thing at a time, in the order of the messages. It ends with its
// parent, and when a runtime breaks; it decides nothing.

import { assert, EngineError } from '../base/errors.ts';
import type { ChildAnswer, ChildRequest, RunAnswers } from './child-protocol.ts';
import { Generations } from './generate/generations.ts';
import { firstLine } from './optional-package.ts';
import { type PackedLists, packLists, unpackLists } from './packed-lists.ts';
import { probe } from './probe.ts';
import { ModelSession, microsSince } from './session.ts';

const sessions = new Map<number, ModelSession>();
const generations = new Generations();
let last: Promise<void> = Promise.resolve();

/** A signal from the terminal goes to the whole group; the parent says when it is time to go. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit(0));
process.on('message', (request: ChildRequest) => {
  last = last.then(async () => {
    const answer = await answerTo(request);
    await new Promise<void>((resolve) => process.send!(answer, () => resolve()));
  });
});

async function answerTo(request: ChildRequest): Promise<ChildAnswer> {
  const { id } = request;
  try {
    switch (request.kind) {
      case 'load': {
        const session = await ModelSession.open(request);
        await openForText(session, request.folder);
        sessions.set(request.session, session);
        const { bytes, runtime, batching } = session;
        const { inputs, outputs } = session.signature;
        const signature = { inputs, outputs };
        return { id, kind: 'loaded', signature, runtime: runtime.version, bytes, batching };
      }
      case 'run':
        return { id, kind: 'ran', ...(await run(request)) };
      case 'generate': {
        const startedAtMs = performance.now();
        const { generation } = request;
        const answer = await generations.next(sessionOf(request.session), generation, request);
        const micros = microsSince(startedAtMs);
        return { id, kind: 'generated', ...answer, micros, processBytes: bytesOfProcess() };
      }
      case 'forget':
        generations.forget(request.generation);
        return { id, kind: 'released' };
      case 'probe':
        return { id, kind: 'probed', verdict: await probe(request) };
      case 'release':
        await release(request.session);
        return { id, kind: 'released' };
    }
  } catch (error) {
    if (error instanceof EngineError) return { id, kind: 'failed', code: error.code, message: error.message };
    // The runtime is broken, and with it every session: whoever asked starts another process.
    process.stderr.write(`${firstLine(error)}\n`);
    process.exit(1);
  }
}

async function run(request: Extract<ChildRequest, { kind: 'run' }>): Promise<RunAnswers<PackedLists>> {
  const session = sessionOf(request.session);
  const { answers, runs, runOf } = await session.run(unpackLists(request.requests), request.outputBytesMax);
  return {
    answers: packLists(answers.map(({ bytes }) => bytes)),
    problems: answers.map(({ problem }) => problem),
    runs,
    runOf,
    processBytes: bytesOfProcess(),
  };
}

/** A decoder with bad files beside it is refused as a whole. */
async function openForText(session: ModelSession, folder: string): Promise<void> {
  try {
    await generations.open(session, folder);
  } catch (error) {
    await session.release();
    throw error;
  }
}

function sessionOf(number: number): ModelSession {
  const session = sessions.get(number);
  assert(session !== undefined, 'a session is loaded before it is run');
  return session;
}

async function release(number: number): Promise<void> {
  const session = sessions.get(number);
  if (session === undefined) return;
  sessions.delete(number);
  generations.release(session);
  await session.release();
}

/** Looking at it takes a while, so it is looked at now and then. */
const processBytesEveryMs = 100;
let processBytes = 0;
let processBytesAtMs = Number.NEGATIVE_INFINITY;

function bytesOfProcess(): number {
  const nowMs = performance.now();
  if (nowMs - processBytesAtMs < processBytesEveryMs) return processBytes;
  processBytesAtMs = nowMs;
  processBytes = process.memoryUsage.rss();
  return processBytes;
}
