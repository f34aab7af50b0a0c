// What a record tells, and what executing it again up to a tick shows.

export { type AgentFacts, type FaultFact, gatherRun, type RunFacts } from '../record/run-facts.ts';
export {
  type AgentState,
  type AgentSummary,
  type GlobalState,
  type InstanceFacts,
  inspectState,
  type RunState,
  type StateOptions,
  type TimerState,
  type WaitingEffectState,
  type WaitingTaskState,
} from './agent-state.ts';
export { type Happening, happenings, type Wanted } from './happenings.ts';
