// One model, loaded: opened from its folder, judged, and run on flat lists of tensors. Lives in the inference process.

import { join } from 'node:path';
import {
  type Allocate,
  encodeInferenceError,
  encodeRowLists,
  encodeTensorList,
  type FlatTensor,
  InferenceStatus,
  listBytesMax,
} from '../abi/tensor-list.ts';
import { EngineError } from '../base/errors.ts';
import { type Batching, findBatching, groupRequests, joinRows, splitRows, type Tensors } from './batching.ts';
import { frameBytesMax, type ModelRun } from './child-protocol.ts';
import { looksLikeDecoder } from './generate/decoder-shape.ts';
import { fromRuntime, runtimeBytes, toRuntime } from './host-tensor.ts';
import { judgeModel } from './judge-model.ts';
import { madeUpInputs } from './made-up-inputs.ts';
import { type ModelFacts, readModel } from './onnx/read-model.ts';
import { firstLine } from './optional-package.ts';
import { hashModelFolder, modelFile, readModelFile } from './repository.ts';
import { joinAlike, type ModelRequest, RequestReader } from './request-reader.ts';
import { loadRuntime, type Mode, type Provider, type Runtime } from './runtime.ts';
import type { InferenceSession, SessionOptions } from './runtime-types.ts';
import type { Signature } from './signature.ts';
import { failedText, isAbort, mayLackMemory, Suspect } from './suspect.ts';
import { newBytes, ReusedBuffer } from './wire.ts';

export interface SessionChoice {
  /** The folder that holds the model and the files it names. */
  readonly folder: string;
  readonly mode: Mode;
  readonly provider: Provider;
  /** What the folder must be. */
  readonly sha256: string;
  /** Rows that may run together. */
  readonly batchMax: number;
  /** What was found out when it was loaded before. */
  readonly rehearsed?: Rehearsal;
}

/** What trying a model on made-up inputs has told. */
export interface Rehearsal {
  readonly batching: Batching;
  /** Whether a runtime breaks on them, so that they are not run again. */
  readonly isHarmful: boolean;
}

/**
 * An answer, and what the runtime said where it failed; its words are for people and never reach an agent. Without
 * bytes there is no answer yet: the runtime broke on this request where it said something; else it was not run.
 */
export interface RunAnswer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly problem: string;
}

export interface RunOutcome {
  /** In the order of the requests. */
  readonly answers: readonly RunAnswer[];
  readonly runs: readonly ModelRun[];
  /** By request, the place of its run; -1 where it had none. */
  readonly runOf: readonly number[];
}

interface AnswerLimits {
  readonly outputBytesMax: number;
  readonly allocate: Allocate;
  readonly onLongRun: () => void;
}

/** A run that took as long may have let those who wait for it fall asleep. */
const longRunMs = 1;

/** A model that is not portable runs its rows singly where finding out more takes longer. */
const rehearsalMs = 5000;

/** Memory begins at multiples of it. */
const vectorBytes = 16;

/** Thrown before anything of results that are too large is copied. */
class OutputsTooLarge extends Error {}

export class ModelSession {
  readonly signature: Signature;
  readonly mode: Mode;
  readonly runtime: Runtime;
  /** For those who run it step by step. */
  readonly inner: InferenceSession;
  /** What it counts for in a budget. */
  readonly bytes: number;
  batching: Batching = { kind: 'single' };
  isHarmful = false;
  /** Of the rows that run together, or of one tensor that has to lie elsewhere. */
  readonly #joined: ReusedBuffer = new ReusedBuffer();
  readonly #reader: RequestReader;

  private constructor(
    signature: Signature,
    mode: Mode,
    runtime: Runtime,
    inner: InferenceSession,
    bytes: number,
  ) {
    this.signature = signature;
    this.mode = mode;
    this.bytes = bytes;
    this.runtime = runtime;
    this.inner = inner;
    this.#reader = new RequestReader(signature);
  }

  /** @throws EngineError `model-refused`, `model-runtime-missing` */
  static async open(choice: SessionChoice): Promise<ModelSession> {
    const { folder, mode, provider, sha256 } = choice;
    const found = hashModelFolder(folder);
    if (found.sha256 !== sha256) {
      throw new EngineError('model-refused', `its hash is ${found.sha256}, wanted ${sha256}`);
    }
    const bytes = readModelFile(folder, modelFile);
    const facts = readModel(bytes);
    judgeModel(facts, folder, mode);
    const runtime = await loadRuntime(mode);
    const options = sessionOptions(provider, facts, folder);
    let session: ModelSession;
    try {
      const source = mode === 'portable' ? bytes : join(folder, modelFile);
      const inner = await runtime.InferenceSession.create(source, options);
      session = new ModelSession(facts, mode, runtime, inner, sessionBytes(found.bytes));
    } catch (error) {
      // Memory may be taken by other models: then it is loaded again without them.
      if (isAbort(error) || (mode === 'portable' && mayLackMemory(error))) throw error;
      throw new EngineError('model-refused', `the runtime does not take it: ${firstLine(error)}`, {}, error);
    }
    // What need not end is not begun unasked.
    if (facts.unbounded === undefined) await session.#rehearse(choice, facts.mixesRows);
    return session;
  }

  /**
   * Runs the model once, so that the first request pays for nothing, and finds out how rows run together. In mode
   * "portable" no clock has a part in that: a filled-up batch may give other bits than a row alone.
   */
  async #rehearse({ rehearsed, batchMax }: SessionChoice, mixesRows: boolean): Promise<void> {
    if (rehearsed !== undefined) this.batching = rehearsed.batching;
    if (rehearsed?.isHarmful === true) return;
    const inputs = madeUpInputs(this.signature);
    if (inputs === undefined) return;
    const run = async (tensors: Tensors): Promise<Tensors> => {
      try {
        return await this.runTensors(tensors);
      } catch (error) {
        if (this.isSuspect(error)) this.isHarmful = true;
        throw error;
      }
    };
    const endsAtMs = performance.now() + rehearsalMs;
    const isOver = this.mode === 'portable' ? undefined : (): boolean => performance.now() > endsAtMs;
    try {
      await run(inputs);
    } catch {
      // It takes others, perhaps.
      return;
    }
    // A decoder holds a text for each row, and texts of other lengths do not go together.
    if (rehearsed !== undefined || mixesRows || looksLikeDecoder(this.signature)) return;
    const batching = await findBatching(this.signature, batchMax, run, isOver);
    if (!this.isHarmful) this.batching = batching;
  }

  /**
   * Answers requests in their order, together where that changes nothing. Where a portable runtime breaks, or the
   * answers take `frameBytesMax`, nothing more is run; of other runtimes only a broken one throws.
   * @param onLongRun as soon as the runtime is done with something that took long; the answers come a little later
   */
  async run(
    requests: readonly Uint8Array[],
    outputBytesMax: number,
    allocate: Allocate = newBytes,
    onLongRun: () => void = () => {},
  ): Promise<RunOutcome> {
    const limits: AnswerLimits = {
      outputBytesMax: Math.min(outputBytesMax, listBytesMax),
      allocate,
      onLongRun,
    };
    const answers: (RunAnswer | undefined)[] = [];
    const taken = requests.map((bytes, place) => {
      const read = this.#reader.read(bytes);
      if (read.ok) return read.request;
      answers[place] = failure(read.status, read.problem);
      return undefined;
    });
    const runs: ModelRun[] = [];
    const runOf = requests.map(() => -1);
    let isBroken = false;
    let bytesLeft = frameBytesMax;
    const groups = groupRequests(
      taken.map((request) => request?.form),
      this.batching,
    );
    for (const group of groups) {
      const inputs = group.flatMap((place) => taken[place] ?? []);
      if (inputs.length === 0) continue;
      const startedAtMs = performance.now();
      const isRun: boolean = !isBroken && bytesLeft > 0;
      const outputs: RunAnswer[] = isRun ? await this.#runOrSuspect(inputs, limits) : inputs.map(notRun);
      isBroken ||= isRun && outputs[0]!.bytes.length === 0;
      group.forEach((place, i) => {
        // What is made beyond the bound is made again for another message.
        const answer = bytesLeft > 0 ? outputs[i]! : notRun();
        answers[place] = answer;
        bytesLeft -= answer.bytes.length;
        if (answer.bytes.length > 0) runOf[place] = runs.length;
      });
      if (isBroken || !isRun) continue;
      runs.push({ requests: inputs.length, micros: microsSince(startedAtMs) });
    }
    return { answers: answers as RunAnswer[], runs, runOf };
  }

  /** Runs tensors that are what the model takes. */
  async runTensors(
    inputs: Tensors,
    bytesMax: number = Number.POSITIVE_INFINITY,
    onLongRun: () => void = () => {},
  ): Promise<Tensors> {
    const moved: Uint8Array[] = [];
    const feeds = [...inputs].map(
      ([name, tensor]) => [name, toRuntime(this.runtime.Tensor, this.#aligned(tensor, moved))] as const,
    );
    let results: Awaited<ReturnType<InferenceSession['run']>>;
    const startedAtMs = performance.now();
    try {
      results = await this.inner.run(Object.fromEntries(feeds));
    } finally {
      for (const bytes of moved) this.#joined.release(bytes);
    }
    if (performance.now() - startedAtMs > longRunMs) onLongRun();
    const bytes = Object.values(results).reduce((sum, tensor) => sum + runtimeBytes(tensor), 0);
    if (bytes > bytesMax) throw new OutputsTooLarge();
    return new Map(
      this.signature.outputs.flatMap(({ name }) => {
        const result = results[name];
        return result === undefined ? [] : [[name, fromRuntime(name, result)] as const];
      }),
    );
  }

  /**
   * Native code sums in an order that depends on where in memory the numbers begin: always at a multiple of its
   * vectors, wherever the request lies.
   */
  #aligned(tensor: FlatTensor, moved: Uint8Array[]): FlatTensor {
    if (this.mode === 'portable' || tensor.data.byteOffset % vectorBytes === 0) return tensor;
    const data = this.#joined.take(tensor.data.length);
    data.set(tensor.data);
    moved.push(data);
    return { ...tensor, data };
  }

  /** Where a request like the last would begin best. */
  get requestFrom(): number {
    return -this.#reader.firstDataAt & (vectorBytes - 1);
  }

  /** Whether this failure may come of what else the process did. */
  isSuspect(error: unknown): boolean {
    return this.mode === 'portable' && (isAbort(error) || mayLackMemory(error));
  }

  async release(): Promise<void> {
    await this.inner.release();
  }

  async #runOrSuspect(inputs: readonly ModelRequest[], limits: AnswerLimits): Promise<RunAnswer[]> {
    try {
      return await this.#runGroup(inputs, limits);
    } catch (error) {
      if (!(error instanceof Suspect)) throw error;
      return inputs.map(() => ({ bytes: new Uint8Array(0), problem: error.message }));
    }
  }

  /**
   * One answer each; where a whole batch fails, each request has its own try. A trap leaves a runtime that nothing more
   * can be tried in.
   */
  async #runGroup(inputs: readonly ModelRequest[], limits: AnswerLimits): Promise<RunAnswer[]> {
    const { outputBytesMax } = limits;
    try {
      const lists = await this.#runTogether(inputs, limits);
      if (lists !== undefined) return lists.map((bytes) => answerOf(bytes, outputBytesMax));
    } catch (error) {
      if (this.isSuspect(error) && (isAbort(error) || inputs.length === 1))
        throw new Suspect(firstLine(error) || 'it said nothing');
      if (isAbort(error)) throw error;
      if (error instanceof OutputsTooLarge && inputs.length === 1) return [tooLarge(outputBytesMax)];
      if (inputs.length === 1) return [failure(InferenceStatus.modelFailed, failedText, firstLine(error))];
    }
    const answers: RunAnswer[] = [];
    for (const each of inputs) answers.push(...(await this.#runGroup([each], limits)));
    return answers;
  }

  /** The results of each; undefined where they cannot be told apart. */
  async #runTogether(
    inputs: readonly ModelRequest[],
    { outputBytesMax, allocate, onLongRun }: AnswerLimits,
  ): Promise<Uint8Array<ArrayBuffer>[] | undefined> {
    const counts = inputs.map(({ form }) => form.rows);
    const rows = counts.reduce((sum, count) => sum + count, 0);
    const padding =
      this.batching.kind === 'padded' && rows <= this.batching.rows ? this.batching.rows - rows : 0;
    const [first] = inputs;
    const bytesMax = Math.min(outputBytesMax * (inputs.length + padding), listBytesMax);
    const runAlone = async (): Promise<Uint8Array<ArrayBuffer>[]> => {
      const outputs = await this.runTensors(first!.tensors, bytesMax, onLongRun);
      return [encodeTensorList([...outputs.values()], allocate)];
    };
    if (inputs.length === 1 && padding === 0) return runAlone();
    const joined = joinRequests(inputs, padding, (size) => this.#joined.take(size));
    let outputs: Tensors;
    try {
      outputs = await this.runTensors(joined, bytesMax, onLongRun);
    } finally {
      for (const { data } of joined.values()) this.#joined.release(data);
    }
    const lists = encodeRowLists([...outputs.values()], rows + padding, counts, allocate);
    return lists === undefined && inputs.length === 1 ? runAlone() : lists;
  }
}

/** The rows of requests of one shape behind one another, and so many times the first row of the first. */
function joinRequests(inputs: readonly ModelRequest[], padding: number, allocate: Allocate): Tensors {
  const { form } = inputs[0]!;
  if (padding === 0 && inputs.every((input) => input.form === form)) return joinAlike(form, inputs, allocate);
  const fill = padding === 0 ? undefined : splitRows(inputs[0]!.tensors, form.rows)?.[0];
  const lists = inputs.map((input) => input.tensors);
  return joinRows(
    [...lists, ...(fill === undefined ? [] : new Array<Tensors>(padding).fill(fill))],
    allocate,
  );
}

export function microsSince(startedAtMs: number): number {
  return Math.ceil((performance.now() - startedAtMs) * 1000);
}

function notRun(): RunAnswer {
  return { bytes: new Uint8Array(0), problem: '' };
}

function answerOf(bytes: Uint8Array<ArrayBuffer>, outputBytesMax: number): RunAnswer {
  return bytes.length > outputBytesMax ? tooLarge(outputBytesMax) : { bytes, problem: '' };
}

function tooLarge(bytesMax: number): RunAnswer {
  return failure(InferenceStatus.tooLarge, `Cannot give the results: they take more than ${bytesMax} bytes`);
}

/** The file, its weights as the runtime keeps them, and what every session takes. */
function sessionBytes(fileBytes: number): number {
  return fileBytes * 2 + 1_048_576;
}

function failure(status: InferenceStatus, text: string, problem: string = text): RunAnswer {
  return { bytes: encodeInferenceError(status, text), problem };
}

function sessionOptions(provider: Provider, { externalFiles }: ModelFacts, folder: string): SessionOptions {
  const shared = {
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
    executionProviders: [provider],
  } as const;
  if (provider === 'wasm') {
    const externalData = externalFiles.map((path) => ({ path, data: readModelFile(folder, path) }));
    return { ...shared, externalData };
  }
  return { ...shared, intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' };
}
