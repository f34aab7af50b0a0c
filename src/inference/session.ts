// One model, loaded: opened from its folder, judged, and run on flat lists of tensors. Lives in the inference process.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeTensorList,
  encodeInferenceError,
  encodeTensorList,
  type FlatTensor,
  InferenceStatus,
  tensorListBytes,
} from '../abi/tensor-list.ts';
import { EngineError } from '../base/errors.ts';
import { fromRuntime, runtimeBytes, toRuntime } from './host-tensor.ts';
import { type ModelFacts, readModel } from './onnx/read-model.ts';
import { hashModelFolder, modelFile } from './repository.ts';
import { firstLine, loadRuntime, type Mode, type Runtime } from './runtime.ts';
import type { InferenceSession, SessionOptions, Tensor } from './runtime-types.ts';
import { matchInputs, type Signature } from './signature.ts';

export interface SessionChoice {
  /** The folder that holds the model and the files it names. */
  readonly folder: string;
  readonly mode: Mode;
  /** What the folder must be. */
  readonly sha256: string;
}

/** An answer, and what the runtime said where it failed; its words are for people and never reach an agent. */
export interface RunAnswer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly problem: string;
}

export class ModelSession {
  readonly signature: Signature;
  readonly runtime: Runtime;
  /** For those who run it step by step. */
  readonly inner: InferenceSession;
  /** What it counts for in a budget. */
  readonly bytes: number;

  private constructor(signature: Signature, runtime: Runtime, inner: InferenceSession, bytes: number) {
    this.signature = signature;
    this.bytes = bytes;
    this.runtime = runtime;
    this.inner = inner;
  }

  /** @throws EngineError `model-refused`, `model-runtime-missing` */
  static async open({ folder, mode, sha256 }: SessionChoice): Promise<ModelSession> {
    const found = hashModelFolder(folder);
    if (found.sha256 !== sha256) {
      throw new EngineError('model-refused', `its hash is ${found.sha256}, wanted ${sha256}`);
    }
    const bytes = readFileSync(join(folder, modelFile));
    const facts = readModel(bytes);
    judge(facts, folder, mode);
    const runtime = await loadRuntime(mode);
    try {
      const options = sessionOptions(mode, facts, folder);
      const inner = await runtime.InferenceSession.create(
        mode === 'portable' ? bytes : join(folder, modelFile),
        options,
      );
      return new ModelSession(facts, runtime, inner, sessionBytes(found.bytes));
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new EngineError('model-refused', `the runtime does not take it: ${firstLine(error)}`, {}, error);
    }
  }

  /** Answers a request. Only what breaks the runtime itself throws. */
  async run(request: Uint8Array, outputBytesMax: number): Promise<RunAnswer> {
    const list = decodeTensorList(request);
    if (!list.ok) return failure(InferenceStatus.badTensors, `Cannot read the tensors: ${list.problem}`);
    const matched = matchInputs(this.signature, list.tensors);
    if (!matched.ok) return failure(InferenceStatus.wrongInputs, `Cannot run the model: ${matched.problem}`);
    let results: Readonly<Record<string, Tensor>>;
    try {
      const feeds = [...matched.tensors].map(([name, tensor]) => {
        return [name, toRuntime(this.runtime.Tensor, tensor)] as const;
      });
      results = await this.inner.run(Object.fromEntries(feeds));
    } catch (error) {
      if (isAbort(error)) throw error;
      return failure(InferenceStatus.modelFailed, 'Cannot run the model: it failed', firstLine(error));
    }
    return this.#answer(results, outputBytesMax);
  }

  async release(): Promise<void> {
    await this.inner.release();
  }

  #answer(results: Readonly<Record<string, Tensor>>, outputBytesMax: number): RunAnswer {
    const tensors: FlatTensor[] = [];
    let bytes = 0;
    for (const { name } of this.signature.outputs) {
      const result = results[name];
      if (result === undefined) continue;
      bytes += runtimeBytes(result);
      if (bytes > outputBytesMax) return tooLarge(outputBytesMax);
      tensors.push(fromRuntime(name, result));
    }
    if (tensorListBytes(tensors) > outputBytesMax) return tooLarge(outputBytesMax);
    return { bytes: encodeTensorList(tensors), problem: '' };
  }
}

/** The file, its weights as the runtime keeps them, and what every session takes. */
function sessionBytes(fileBytes: number): number {
  return fileBytes * 2 + 1_048_576;
}

function failure(status: InferenceStatus, text: string, problem: string = text): RunAnswer {
  return { bytes: encodeInferenceError(status, text), problem };
}

function tooLarge(bytesMax: number): RunAnswer {
  return failure(InferenceStatus.tooLarge, `Cannot give the results: they take more than ${bytesMax} bytes`);
}

function judge({ externalFiles, unbounded }: ModelFacts, folder: string, mode: Mode): void {
  if (mode === 'portable' && unbounded !== undefined) {
    throw new EngineError(
      'model-refused',
      `${unbounded}, wanted a model that always ends in mode "portable"`,
    );
  }
  for (const name of externalFiles) {
    if (existsSync(join(folder, name))) continue;
    throw new EngineError('model-refused', `its weights are in "${name}", and no such file is in its folder`);
  }
}

function sessionOptions(mode: Mode, { externalFiles }: ModelFacts, folder: string): SessionOptions {
  const shared = { graphOptimizationLevel: 'all', logSeverityLevel: 4 } as const;
  if (mode === 'portable') {
    const externalData = externalFiles.map((path) => ({ path, data: readFileSync(join(folder, path)) }));
    return { ...shared, executionProviders: ['wasm'], externalData };
  }
  return {
    ...shared,
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
  };
}

/** Whether the runtime itself broke, and not the model: then its process is of no more use. */
function isAbort(error: unknown): boolean {
  if (error instanceof WebAssembly.RuntimeError) return true;
  return error instanceof Error && /^Aborted\(|memory access out of bounds|unreachable/.test(error.message);
}
