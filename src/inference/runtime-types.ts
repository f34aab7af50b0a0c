// The part of the runtimes' interface that is used, in our own words, since the packages need not be there.

export interface Tensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayBufferView | readonly string[];
  dispose?(): void;
}

export type TensorConstructor = new (
  type: string,
  data: ArrayBufferView | readonly string[],
  dims: readonly number[],
) => Tensor;

export interface SessionOptions {
  readonly executionProviders: readonly (string | { readonly name: string })[];
  readonly intraOpNumThreads?: number;
  readonly interOpNumThreads?: number;
  readonly executionMode?: 'sequential';
  readonly graphOptimizationLevel?: 'all' | 'disabled';
  readonly logSeverityLevel?: 4;
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[];
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

export interface InferenceSessionFactory {
  create(model: Uint8Array | string, options: SessionOptions): Promise<InferenceSession>;
}

export interface RuntimeModule {
  readonly Tensor: TensorConstructor;
  readonly InferenceSession: InferenceSessionFactory;
  readonly env: {
    logLevel: string;
    readonly versions: { readonly common: string };
    readonly wasm: { numThreads: number; proxy: boolean };
  };
}
