// The inference process: holds sessions, runs one thing at a time, in the order of the messages; texts go on while
// there are none. It ends with its parent, and when a runtime breaks; it decides nothing.

import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { cpus } from 'node:os';
import { Worker } from 'node:worker_threads';
import { assert, EngineError } from '../base/errors.ts';
import { brokeAheadCode, type ChildAnswer, type ChildRequest, isText, wireFile } from './child-protocol.ts';
import { Generations } from './generate/generations.ts';
import { firstLine } from './optional-package.ts';
import { unpackLists } from './packed-lists.ts';
import { probe } from './probe.ts';
import { listOf, repeatsOf } from './repeats.ts';
import { ModelSession, microsSince } from './session.ts';
import { signOfLife } from './sign-of-life.ts';
import { type Received, ReusedBuffer, WireReader, WireWriter } from './wire.ts';

type RunRequest = Extract<Received<ChildRequest>, { kind: 'run' }>;
type RunAnswer = Omit<Extract<ChildAnswer, { kind: 'ran' }>, 'id' | 'kind'>;

const sessions = new Map<number, ModelSession>();
const generations = new Generations();
let last: Promise<void> = Promise.resolve();
/** Requests that are not begun. */
let waiting = 0;

/** A signal from the terminal goes to the whole group; the parent says when it is time to go. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
const watch = new URL(`./parent-watch.${extension}`, import.meta.url);
signOfLife();
new Worker(watch, { workerData: Number(process.argv[2]) }).unref();

const buffer = new ReusedBuffer();
/** Where requests begin in it, so that the data of one like the last lie as the runtime wants them. */
let bodyFrom = 0;
const chunk = new Uint8Array(1 << 18);
const reader = new WireReader<ChildRequest>(
  (request, id) => {
    waiting++;
    last = last.then(() => handle(request, id)).then(workAhead);
  },
  (size) => buffer.take(size, bodyFrom),
);
const socket = new Socket({
  fd: wireFile,
  readable: true,
  writable: true,
  onread: {
    buffer: () => reader.target(chunk),
    callback: (size, bytes) => {
      reader.read(bytes.subarray(0, size));
      return true;
    },
  },
});
const writer = new WireWriter({ write: writeFrame }, isText);
socket.on('error', () => process.exit(0));
socket.on('close', () => process.exit(0));
socket.resume();

/** What the system takes at once need not go by way of a stream. */
function writeFrame(frame: Buffer, done: () => void): void {
  const written = socket.writableLength === 0 ? writeNow(frame) : 0;
  if (written === frame.length) done();
  else socket.write(frame.subarray(written), done);
}

function writeNow(frame: Buffer): number {
  // Files of that system are not written to while something reads there.
  if (process.platform === 'win32') return 0;
  try {
    return writeSync(wireFile, frame);
  } catch {
    // It is full, or nobody is there: the stream finds out.
    return 0;
  }
}

async function handle(request: Received<ChildRequest>, id: number): Promise<void> {
  waiting--;
  const answer = await answerTo(request);
  buffer.release(request.body);
  await new Promise<void>((resolve) => writer.send(answer, id, resolve));
  // Nothing more is done with a runtime that broke: the parent ends this process once it has read that.
  if (isBroken(answer)) await new Promise(() => {});
}

/** Texts go on while nothing is asked. */
async function workAhead(): Promise<void> {
  for (;;) {
    // A step need not let anything arrive.
    await new Promise((resolve) => setImmediate(resolve));
    if (waiting > 0) return;
    const state = await generations.stepAhead();
    if (state === 'nothing-to-do') return;
    if (state === 'runtime-broken') process.exit(brokeAheadCode);
  }
}

function isBroken(answer: ChildAnswer): boolean {
  if (answer.kind === 'ran') {
    if (!answer.sizes.values.includes(0)) return false;
    const problems = listOf(answer.problems);
    return listOf(answer.sizes).some((size, i) => size === 0 && problems[i] !== '');
  }
  if (answer.kind === 'loaded') return answer.isHarmful;
  return answer.kind === 'generated' && answer.parts[0].length === 0;
}

async function answerTo(request: Received<ChildRequest>): Promise<ChildAnswer> {
  try {
    switch (request.kind) {
      case 'load': {
        const session = await ModelSession.open(request);
        await openForText(session, request.folder);
        sessions.set(request.session, session);
        const { bytes, runtime, batching, isHarmful } = session;
        const { inputs, outputs } = session.signature;
        const signature = { inputs, outputs };
        const build = `${runtime.version} ${request.provider === 'wasm' ? '' : machine()}`.trim();
        return { kind: 'loaded', signature, build, bytes, batching, isHarmful };
      }
      case 'run':
        return { kind: 'ran', ...(await run(request)) };
      case 'generate': {
        const startedAtMs = performance.now();
        const { generation, body, session, ...rest } = request;
        const wanted = { ...rest, request: body.slice() };
        const made = await generations.next(sessionOf(session), generation, wanted);
        const { bytes, problem, aheadMicros } = made;
        const micros = microsSince(startedAtMs) + aheadMicros;
        const parts = [bytes] as const;
        return { kind: 'generated', parts, problem, micros, processBytes: bytesOfProcess() };
      }
      case 'forget':
        generations.forget(request.generation);
        return { kind: 'released' };
      case 'probe':
        return { kind: 'probed', verdict: await probe(request) };
      case 'release':
        await release(request.session);
        return { kind: 'released' };
    }
  } catch (error) {
    if (error instanceof EngineError) return { kind: 'failed', code: error.code, message: error.message };
    // The runtime is broken, and with it every session: whoever asked starts another process.
    process.stderr.write(`${firstLine(error)}\n`);
    process.exit(1);
  }
}

/** What native code may give other bits on. */
function machine(): string {
  return `for ${process.platform} ${process.arch} on ${cpus()[0]?.model.trim() || 'an unknown processor'}`;
}

async function run({ session, body, sizes, outputBytesMax }: RunRequest): Promise<RunAnswer> {
  const requests = unpackLists(body, listOf(sizes));
  const model = sessionOf(session);
  const { answers, runs, runOf } = await model.run(
    requests,
    outputBytesMax,
    (size) => writer.place(size),
    // Waking takes the engine a while: it does while the answers are written down.
    signOfLife,
  );
  bodyFrom = model.requestFrom;
  const parts = answers.map(({ bytes }) => bytes);
  return {
    parts,
    sizes: repeatsOf(parts.map(({ length }) => length)),
    problems: repeatsOf(answers.map(({ problem }) => problem)),
    runs,
    runOf: repeatsOf(runOf),
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
