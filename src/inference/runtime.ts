// The runtimes of ONNX models. They are optional packages: loaded here, once, and only where a model is run.

import { importPackage } from './optional-package.ts';
import type * as ort from './runtime-types.ts';

/** portable: the same bits everywhere. native: this machine's processor. gpu: what it has beside that. */
export type Mode = 'portable' | 'native' | 'gpu';
export const modes: readonly Mode[] = ['portable', 'native', 'gpu'];

/** What runs a model within a runtime. */
export type Provider = 'wasm' | 'cpu' | 'cuda' | 'webgpu';

export interface Runtime {
  readonly Tensor: ort.TensorConstructor;
  readonly InferenceSession: ort.InferenceSessionFactory;
  readonly version: string;
}

const packageOf: Readonly<Record<Mode, string>> = {
  portable: 'onnxruntime-web',
  native: 'onnxruntime-node',
  gpu: 'onnxruntime-node',
};

/** Only what is tested with. */
const packageVersion = '1.30.0';

/** @throws EngineError `model-runtime-missing` where the package is not installed */
export async function loadRuntime(mode: Mode): Promise<Runtime> {
  const name = packageOf[mode];
  const refused = `Cannot run a model in mode "${mode}"`;
  const module: { default?: ort.RuntimeModule } & ort.RuntimeModule = await importPackage(
    name,
    packageVersion,
    refused,
  );
  const loaded = module.InferenceSession === undefined ? (module.default as ort.RuntimeModule) : module;
  const { env } = loaded;
  env.logLevel = 'fatal';
  if (mode === 'portable') {
    // One thread: the order of sums, and so their bits, must not depend on how many the machine has.
    env.wasm.numThreads = 1;
    env.wasm.proxy = false;
  } else withoutHalfArrays(() => new loaded.Tensor('float16', new Uint16Array(1), [1]));
  return { Tensor: loaded.Tensor, InferenceSession: loaded.InferenceSession, version: env.versions.common };
}

/**
 * The native runtime takes the data of half-precision tensors as 16-bit integers; where JavaScript has an array type
 * for them, it would make those, and then find them empty. It decides with the first such tensor.
 */
function withoutHalfArrays(work: () => void): void {
  const name = 'Float16Array';
  const found = Object.getOwnPropertyDescriptor(globalThis, name);
  if (found === undefined) {
    work();
    return;
  }
  Reflect.deleteProperty(globalThis, name);
  try {
    work();
  } finally {
    Object.defineProperty(globalThis, name, found);
  }
}
