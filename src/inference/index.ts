// The public face of inference.

export type { Batching } from './batching.ts';
export type { Loaded } from './child-protocol.ts';
export { type HostClock, hostClock } from './host-clock.ts';
export type { HostEvent, HostedModel } from './hosted-model.ts';
export { InferenceProcess, type ModelProcess, ProcessLost } from './inference-process.ts';
export { type HostAnswers, type HostPiece, ModelHost } from './model-host.ts';
export {
  type ModelInfo,
  ModelRegistry,
  type ModelRegistryOptions,
  type ModelTensor,
  type ModelTensors,
  type TensorDescription,
} from './model-registry.ts';
export { differenceMax, differenceOf } from './probe.ts';
export { hashModelFolder, type ModelFolder, modelFile, versionFolder } from './repository.ts';
export { type Mode, modes } from './runtime.ts';
export type { Signature, TensorSpec } from './signature.ts';
export type { BatchStatistics, ModelStatistics, RequestFacts } from './statistics.ts';
