// Systems: how they are described, checked and normalised.

export {
  type AgentDescription,
  createSystem,
  type ModelDescription,
  type SystemDescription,
} from './create-system.ts';
export { canonicalBytes, copyJson, type JsonValue } from './json-value.ts';
export { type LoadedSystem, loadSystem, type Overrides } from './load-system.ts';
export { parseConfig, parseSystem } from './parse-system.ts';
export { type Problem, renderProblem } from './problems.ts';
export {
  type AgentDeclaration,
  type Durability,
  type HostConfig,
  hostDefaults,
  initialAgentCount,
  type ModuleSource,
  normalisedBytes,
  type Pace,
  type Policy,
  type RunConfig,
  type System,
  type SystemConfig,
  type TopicDeclaration,
  type Trace,
} from './system-config.ts';
