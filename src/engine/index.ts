// The library's public face.

export type { Capability } from '../abi/host-functions.ts';
export { EngineError, type ErrorCode, errorCodes } from '../base/errors.ts';
export { type AgentLimits, agentLimitDefaults, type RunLimits, runLimitDefaults } from '../base/limits.ts';
export {
  type BatchStatistics,
  type HostEvent,
  type ModelInfo,
  ModelRegistry,
  type ModelRegistryOptions,
  type ModelStatistics,
  type ModelTensor,
  type ModelTensors,
  type TensorDescription,
} from '../inference/index.ts';
export type { MarkedTurn } from '../log/index.ts';
export { isRecordedRun, type RunOrigin, recordedRunId } from '../log/index.ts';
export type {
  InferenceTelemetry,
  MessageTelemetry,
  TelemetryHook,
  TickTelemetry,
  TurnTelemetry,
} from '../telemetry/index.ts';
export type { AgentId } from './agent-id.ts';
export { type Compaction, type CompactOptions, compactRun, planCompaction } from './compact/compact-run.ts';
export {
  type AgentDescription,
  createSystem,
  type HostConfig,
  type JsonValue,
  type LoadedSystem,
  loadSystem,
  type ModelDescription,
  type System,
  type SystemConfig,
  type SystemDescription,
} from './config/index.ts';
export type { ConfigDifference } from './diff/config-difference.ts';
export { diffRuns, type RunDifference } from './diff/diff-runs.ts';
export type { TickDifference } from './diff/first-difference.ts';
export type { GlobalDifference, InstanceDifference, MemoryDifference } from './diff/instance-difference.ts';
export { type ExportOptions, type ExportSummary, exportRun } from './export/export-run.ts';
export { type RedactionFacts, redactedBeforeLine, redactionLines } from './export/redaction-text.ts';
export {
  type Cursor,
  isStreamInput,
  type LineSource,
  openInput,
  openInputStream,
  openLineStream,
  startOfSource,
} from './input/index.ts';
export { type EffectView, effectText } from './inspect/effect-view.ts';
export {
  type AgentFacts,
  type AgentState,
  type AgentSummary,
  type FaultFact,
  type GlobalState,
  gatherRun,
  type Happening,
  happenings,
  type InstanceFacts,
  inspectState,
  type RunFacts,
  type RunState,
  type StateOptions,
  type TimerState,
  type WaitingEffectState,
  type WaitingTaskState,
} from './inspect/index.ts';
export type { ModelView, RequestView } from './inspect/model-view.ts';
export type { AgentView, QueuedTaskView, StateView } from './inspect/state-view.ts';
export { Orchestrator } from './live/orchestrator.ts';
export type { RecomputeSummary } from './models/recompute.ts';
export type { OutputPlace } from './output-place.ts';
export type { OutputSink } from './record/durable-log.ts';
export type { OutputRecord } from './record/recorder.ts';
export { planRepair, type RepairPlan, repairRun } from './record/repair.ts';
export { type ReplayedTick, type ReplayOptions, type ReplaySummary, replayRun } from './replay/replay.ts';
export type {
  AgentSpec,
  EndReason,
  ForkOptions,
  KeptHost,
  Message,
  OrchestratorOptions,
  PayloadValue,
  ResumeOptions,
  RunOptions,
  RunProgress,
  RunSummary,
  TaskSpec,
} from './run-types.ts';
export { type CarefulOptions, takeMarkedTurn } from './turns/careful-mode.ts';
export { engineVersion } from './version.ts';
