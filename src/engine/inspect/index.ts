// What a record tells, without executing it again.

export { type Happening, happenings, type Wanted } from './happenings.ts';
export { type AgentFacts, type FaultFact, gatherRun, type RunFacts } from './run-facts.ts';
