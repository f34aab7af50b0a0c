// The library's face of inference: models of a repository on the disk, run with typed tensors. The engine runs the same
// sessions for agents.

import {
  decodeInferenceAnswer,
  decodeStrings,
  type ElementTypeName,
  elementTypeName,
  type FlatTensor,
} from '../abi/tensor-list.ts';
import { EngineError } from '../base/errors.ts';
import type { Batching } from './batching.ts';
import { encodeInputs } from './encode-inputs.ts';
import { elementViewers } from './host-tensor.ts';
import type { HostEvent, HostedModel } from './hosted-model.ts';
import { ModelHost } from './model-host.ts';
import { checkRegistryOptions } from './registry-options.ts';
import { hashModelFolder, versionFolder } from './repository.ts';
import type { Mode } from './runtime.ts';
import type { TensorSpec } from './signature.ts';
import type { ModelStatistics } from './statistics.ts';

/** Typed elements in row-major order; of `string`, texts; of `bool`, bytes 0 and 1; of `float16`, 16-bit patterns. */
export interface ModelTensor {
  readonly type: ElementTypeName;
  readonly dims: readonly number[];
  readonly data: ArrayBufferView | readonly string[];
}

/** Tensors by the names of inputs or outputs. */
export type ModelTensors = Readonly<Record<string, ModelTensor>>;

export interface ModelRegistryOptions {
  /** Folder with a folder for each model, and in that one for each version: `ID/VERSION/model.onnx`. */
  readonly repository: string;
  /** What the folder of each version must be: SHA-256 by id and version. A version without a pin is taken as it is. */
  readonly pins?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `portable` by default. */
  readonly mode?: Mode;
  /** What all loaded models may count for together; 2 GiB by default. Those used longest ago are let go beyond it. */
  readonly modelBytesMax?: number;
  /** Bytes of the results of one run; 64 MiB by default. */
  readonly outputBytesMax?: number;
  /** Rows that `batchInfer` may run together; 32 by default. */
  readonly batchMax?: number;
  /** How long a run may take, in other modes than `portable`. */
  readonly timeoutMs?: number;
  /**
   * How long loading may take in a process that runs nothing else; 300,000 by default. A model that was never loaded is
   * refused then; else its process is given up, with all in it, and another one tries.
   */
  readonly loadTimeoutMs?: number;
  /** Loads, evictions, fallbacks and faults, as they happen. */
  readonly onEvent?: (event: HostEvent) => void;
}

/** What a model takes or gives under a name. */
export interface TensorDescription {
  readonly name: string;
  /** As in the `type` of a `ModelTensor`. */
  readonly type: ElementTypeName;
  /**
   * Sizes; a text is a size that is the same wherever it stands, null one that may be anything. undefined: any number
   * of dimensions.
   */
  readonly dims: readonly (number | string | null)[] | undefined;
}

export interface ModelInfo {
  readonly id: string;
  readonly version: string;
  /** Lower-case hexadecimal, of the version's folder. */
  readonly sha256: string;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly batching: Batching['kind'];
  /** What it counts for against `modelBytesMax`. */
  readonly bytes: number;
}

interface Held {
  readonly model: HostedModel;
  /** Calls of `loadModel` less those of `unloadModel`. */
  references: number;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/**
 * Models that a program loads, runs and lets go. Sessions live in processes of their own, so everything that waits is a
 * promise.
 *
 * @example
 * const registry = new ModelRegistry({ repository: 'models' });
 * await registry.loadModel('anomaly', '1');
 * const x = { type: 'float32', dims: [1, 4], data: new Float32Array([1, 2, 3, 4]) } as const;
 * const { score } = await registry.infer('anomaly', { x });
 */
export class ModelRegistry {
  readonly #options: ModelRegistryOptions;
  readonly #host: ModelHost;
  /** By id; versions in the order of their loading, the one in use last. */
  readonly #held: Map<string, Map<string, Held>> = new Map();

  /** @throws EngineError `input-invalid` for options that there are not, or with other values than they may have */
  constructor(options: ModelRegistryOptions) {
    checkRegistryOptions(options);
    this.#options = options;
    const { modelBytesMax = 2 ** 31, loadTimeoutMs, onEvent } = options;
    this.#host = new ModelHost({
      modelBytesMax,
      ...(loadTimeoutMs !== undefined && { loadTimeoutMs }),
      ...(onEvent && { onEvent }),
    });
  }

  /** One entry for each model that was ever loaded. */
  get statistics(): readonly ModelStatistics[] {
    return this.#host.statistics;
  }

  /**
   * Loads a version, which is in use from then on; others stay until they are unloaded. Each call is one reference.
   * @throws EngineError `model-missing`, `model-refused`, `model-runtime-missing`, `input-invalid` for a bad name
   */
  async loadModel(id: string, version: string): Promise<ModelInfo> {
    const model = this.#held.get(id)?.get(version)?.model ?? this.#describe(id, version);
    const { signature, batching, bytes } = await this.#host.load(model);
    const versions = this.#held.get(id) ?? new Map<string, Held>();
    this.#held.set(id, versions);
    const held = versions.get(version) ?? { model, references: 0 };
    held.references++;
    versions.delete(version);
    versions.set(version, held);
    const { sha256 } = model;
    const inputs = signature.inputs.map(describe);
    const outputs = signature.outputs.map(describe);
    return { id, version, sha256, inputs, outputs, batching: batching.kind, bytes };
  }

  /**
   * Gives a reference back; with the last one the version is let go, once what runs on it is done.
   * @throws EngineError `input-invalid` where it is not loaded
   */
  async unloadModel(id: string, version: string): Promise<void> {
    const held = this.#find(id, version);
    held.references--;
    if (held.references > 0) return;
    this.#held.get(id)!.delete(version);
    await this.#host.unload(held.model);
  }

  /**
   * Runs a model. What is given must not be changed until this resolves.
   * @param version the one loaded last where it is left out
   * @throws EngineError `input-invalid` where the inputs are not what the model takes; `run-failed` where it gives no
   *   result; `host-fault`
   */
  async infer(id: string, inputs: ModelTensors, version?: string): Promise<ModelTensors> {
    const [outputs] = await this.batchInfer(id, [inputs], version);
    return outputs!;
  }

  /** Runs a model on several lists of inputs, together where that changes no bit; answers in their order. */
  async batchInfer(
    id: string,
    list: readonly ModelTensors[],
    version?: string,
  ): Promise<readonly ModelTensors[]> {
    const { model } = this.#find(id, version);
    const { answers } = await this.#host.run(model, encodeInputs(id, list));
    return answers.map((bytes) => {
      const answer = decodeInferenceAnswer(bytes);
      if (answer?.status === 0) return decodeTensors(answer.tensors);
      const code = answer !== undefined && answer.status <= 2 ? 'input-invalid' : 'run-failed';
      throw new EngineError(code, `Model "${id}": ${answer?.text ?? 'no answer'}`, { model: id });
    });
  }

  /** Lets go of everything; what is under way fails. */
  close(): Promise<void> {
    return this.#host.close();
  }

  #find(id: string, version: string | undefined): Held {
    const versions = this.#held.get(id);
    const held = version === undefined ? [...(versions?.values() ?? [])].at(-1) : versions?.get(version);
    if (held !== undefined) return held;
    const what = version === undefined ? `model "${id}"` : `model "${id}" version "${version}"`;
    throw new EngineError('input-invalid', `Cannot use ${what}: it is not loaded`, { model: id });
  }

  #describe(id: string, version: string): HostedModel {
    for (const name of [id, version]) {
      if (typeof name === 'string' && namePattern.test(name)) continue;
      const wanted = 'up to 64 letters, digits, "_", "." or "-", beginning with a letter or digit';
      const found = typeof name === 'string' ? JSON.stringify(name) : `a name of type ${typeof name}`;
      throw new EngineError('input-invalid', `Cannot load ${found}: wanted ${wanted}`);
    }
    const { repository, pins, mode = 'portable', outputBytesMax = 2 ** 26, batchMax = 32 } = this.#options;
    const { timeoutMs } = this.#options;
    const folder = versionFolder(versionFolder(repository, id), version);
    const { sha256 } = hashModelFolder(folder);
    const pin = pins?.[id]?.[version];
    if (pin !== undefined && pin !== sha256) {
      const text = `Cannot load model "${id}/${version}": its hash is ${sha256}, wanted ${pin}`;
      throw new EngineError('model-refused', text, { model: id, version });
    }
    return { id, version, folder, sha256, mode, outputBytesMax, batchMax, timeoutMs };
  }
}

function describe({ type, ...rest }: TensorSpec): TensorDescription {
  return { ...rest, type: elementTypeName(type)! };
}

function decodeTensors(tensors: readonly FlatTensor[]): ModelTensors {
  const entries = tensors.map(({ name, type, dims, data }) => {
    const typeName = elementTypeName(type)!;
    if (typeName === 'string') return [name, { type: typeName, dims, data: decodeStrings(data) }] as const;
    const [Viewer, bytes] = elementViewers[typeName];
    const own = data.slice();
    return [name, { type: typeName, dims, data: new Viewer(own.buffer, 0, own.length / bytes) }] as const;
  });
  return Object.fromEntries(entries);
}
