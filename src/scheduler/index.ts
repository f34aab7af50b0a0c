// The public face of the scheduler room.

export type { CommittedTick, TaskFault, TaskRecords } from './commit.ts';
export { closeTick, commitTick } from './commit.ts';
export { waitingTasks } from './deliver.ts';
export type { EffectSink } from './effect-sink.ts';
export type { SchedulerEvent } from './event.ts';
export { EventKind, eventKindNames } from './event.ts';
export { createDeclaredAgents, declaredNames } from './life-cycle.ts';
export { hasRunnable, nextTimerTick, openTick, planTick } from './plan.ts';
export {
  dueRequests,
  type GenerationState,
  type ModelDeclaration,
  type ModelRequest,
  type ModelState,
  waitingRequests,
} from './requests.ts';
export { beginAnew } from './restart.ts';
export type { Policy } from './run-queue.ts';
export {
  phases,
  restoreState,
  type SavedAgent,
  type SavedEffect,
  type SavedModel,
  type SavedRequest,
  type SavedScheduler,
  type SavedTask,
  type SavedTimer,
  type SavedTopic,
  saveState,
} from './saved-state.ts';
export type {
  Agent,
  Declaration,
  Overflow,
  Payload,
  Phase,
  RestartPolicy,
  SchedulerConfig,
  SchedulerState,
  Task,
  Topic,
  TopicDeclaration,
} from './state.ts';
export { agentOf, createState, isAlive } from './state.ts';
