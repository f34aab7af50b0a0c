// One inference process as the engine sees it: started when it is needed, asked by number. Its death, or that it gives
// no sign of life, fails what was under way; whoever asked decides what then.

import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { assert, EngineError } from '../base/errors.ts';
import {
  type AnswerOf,
  brokeAheadCode,
  type ChildAnswer,
  type ChildRequest,
  isText,
  lifeFile,
  wireFile,
} from './child-protocol.ts';
import { type HostClock, hostClock } from './host-clock.ts';
import { SilenceWatch } from './silence-watch.ts';
import { type Received, WireReader, WireWriter } from './wire.ts';

/** Thrown where the process died; its last words are in the message. */
export class ProcessLost extends Error {
  /** Whether it says nothing of the request: it died of what came before, or was ended on purpose. */
  readonly ofAnother: boolean;
  /** Or whether it may have: it had texts to go on with. Another try of the request tells more. */
  readonly perhapsOfAnother: boolean;

  constructor(message: string, ofAnother: boolean, perhapsOfAnother: boolean = false) {
    super(message);
    this.ofAnother = ofAnother;
    this.perhapsOfAnother = perhapsOfAnother;
  }
}

interface Waiting {
  readonly resolve: (answer: Received<ChildAnswer>) => void;
  readonly reject: (error: unknown) => void;
}

const wordsKeptMax = 2000;

/** Asks the C library of Linux for them; others do not look at it. */
const largePages = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };

/** A process as those see it who ask it. */
export type ModelProcess = Pick<InferenceProcess, 'ask' | 'close' | 'lost' | 'pid'>;

export class InferenceProcess {
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #writer: WireWriter;
  readonly #waiting: Map<number, Waiting> = new Map();
  readonly #watch: SilenceWatch;
  /** Texts that it may go on with while nothing is asked, and their sessions. */
  readonly #texts: Map<number, number> = new Map();
  #lastId = 0;
  #words = '';
  #lost: string | undefined;
  #closing = false;

  /** @param isNative whether its models lie in memory that the system gives, where large pages serve them better */
  constructor(clock: HostClock = hostClock, isNative: boolean = false) {
    const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
    const program = fileURLToPath(new URL(`./child.${extension}`, import.meta.url));
    this.#child = spawn(process.execPath, [program, String(process.pid)], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      windowsHide: true,
      // Without it the memory of released models does not go back to the system; a larger one keeps too much of it.
      env: { ...(isNative && largePages), ...process.env, MALLOC_TRIM_THRESHOLD_: '131072' },
    });
    this.#socket = this.#child.stdio[wireFile] as Socket;
    this.#writer = new WireWriter(this.#socket, isText);
    const reader = new WireReader<ChildAnswer>((answer, id) => this.#answered(answer, id));
    this.#socket.on('data', (chunk: Buffer) => reader.read(chunk));
    // Its end tells more.
    this.#socket.on('error', () => {});
    this.#watch = new SilenceWatch(clock, (reason) => {
      this.#lose(reason, true);
      this.#child.kill('SIGKILL');
    });
    const life = this.#child.stdio[lifeFile] as Socket;
    life.on('data', () => this.#watch.heard());
    life.on('error', () => {});
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      this.#words = (this.#words + bytes.toString('utf8')).slice(-wordsKeptMax);
    });
    this.#child.on('error', (error) => this.#lose(error.message));
    this.#child.on('exit', (code, signal) => {
      if (code === brokeAheadCode) this.#lose('its runtime broke on what comes next of a text', true);
      else this.#lose(`it ended with ${signal ?? `code ${code}`}`);
    });
    for (const file of this.#child.stdio) if (file instanceof Socket) file.unref();
    this.#keepAlive(false);
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Asks for something. Bytes are copied before this answers.
   * @throws EngineError what the process refused; ProcessLost where it died
   */
  async ask<K extends ChildAnswer['kind']>(wanted: K, request: ChildRequest): Promise<AnswerOf<K>> {
    if (this.#lost !== undefined) throw new ProcessLost(this.#lost, true);
    this.#lastId = (this.#lastId + 1) >>> 0;
    const id = this.#lastId;
    const answer = await new Promise<Received<ChildAnswer>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#keepAlive(true);
      this.#writer.send(request, id);
    });
    if (answer.kind === 'failed') {
      throw new EngineError(answer.code as EngineError['code'], answer.message);
    }
    assert(answer.kind === wanted, `the inference process answers what it was asked, found "${answer.kind}"`);
    this.#noteTexts(request);
    return answer as AnswerOf<K>;
  }

  /** Ends the process, whatever it does. What is under way fails. */
  close(): Promise<void> {
    this.#closing = true;
    this.#lose('');
    const { exitCode, signalCode, pid } = this.#child;
    if (exitCode !== null || signalCode !== null || pid === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#child.ref();
      this.#child.once('exit', () => resolve());
      this.#child.kill('SIGKILL');
    });
  }

  #noteTexts(done: ChildRequest): void {
    if (done.kind === 'generate') this.#texts.set(done.generation, done.session);
    if (done.kind === 'forget') this.#texts.delete(done.generation);
    if (done.kind !== 'release') return;
    for (const [text, session] of this.#texts) if (session === done.session) this.#texts.delete(text);
  }

  #answered(answer: Received<ChildAnswer>, id: number): void {
    // Whoever closes it waits for its end: a late answer must not let the program go before that.
    if (this.#lost !== undefined) return;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#keepAlive(false);
    waiting?.resolve(answer);
  }

  #lose(how: string, ofNone: boolean = false): void {
    if (this.#lost !== undefined) return;
    const words = this.#words.trim().split('\n').at(-1) ?? '';
    this.#lost = this.#closing ? 'it was closed' : words === '' ? how : `${how}: ${words}`;
    // It does one thing after another, so the first that waits is what it was at.
    let isOwn = !this.#closing && !ofNone;
    for (const { reject } of this.#waiting.values()) {
      reject(new ProcessLost(this.#lost, !isOwn, this.#texts.size > 0));
      isOwn = false;
    }
    this.#waiting.clear();
    this.#keepAlive(false);
  }

  /** The program may end while nothing is under way. */
  #keepAlive(needed: boolean): void {
    if (needed) this.#watch.begin();
    else this.#watch.end();
    // Its end is what surely comes, whatever becomes of its files.
    if (needed) this.#child.ref();
    else this.#child.unref();
  }
}
