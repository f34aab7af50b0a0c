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
} from '../inference/index.ts';
export type { MarkedTurn } from '../log/index.ts';
export { isRecordedRun, type RunOrigin } from '../log/index.ts';
export type {
  InferenceTelemetry,
  MessageTelemetry,
  TelemetryHook,
  TickTelemetry,
  TurnTelemetry,
} from '../telemetry/index.ts';
export type { AgentId } from './agent-id.ts';
export { type CarefulOptions, takeMarkedTurn } from './careful-mode.ts';
export { type Compaction, type CompactOptions, compactRun, planCompaction } from './compact/compact-run.ts';
export {
  type AgentDescription,
  createSystem,
  type HostConfig,
  type JsonValue,
  type LoadedSystem,
  loadSystem,
  type System,
  type SystemConfig,
  type SystemDescription,
} from './config/index.ts';
export type { ConfigDifference } from './diff/config-difference.ts';
export { diffRuns, type RunDifference } from './diff/diff-runs.ts';
export type { TickDifference } from './diff/first-difference.ts';
export type { GlobalDifference, InstanceDifference, MemoryDifference } from './diff/instance-difference.ts';
export type { OutputSink } from './durable-log.ts';
export { type EffectView, effectText } from './effect-view.ts';
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
export { Orchestrator } from './orchestrator.ts';
export type { OutputPlace } from './output-place.ts';
export type { RecomputeSummary } from './recompute.ts';
export type { OutputRecord } from './recorder.ts';
export { planRepair, type RepairPlan, repairRun } from './repair.ts';
export { type ReplayedTick, type ReplayOptions, type ReplaySummary, replayRun } from './replay.ts';
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
export type { AgentView, QueuedTaskView, StateView } from './state-view.ts';
export { engineVersion } from './version.ts';
