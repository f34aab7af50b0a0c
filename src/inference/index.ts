// The public face of inference.

export { type HostEvent, type HostedModel, type LoadedModel, ModelHost } from './model-host.ts';
export { hashModelFolder, type ModelFolder, modelFile, versionFolder } from './repository.ts';
export { type Mode, modes } from './runtime.ts';
export type { Signature, TensorSpec } from './signature.ts';
