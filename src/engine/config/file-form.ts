// The form in which a person writes a system: tables by name, defaults filled in, modules by path.
// And the one way from there to the normalised form.

import type { AgentLimits } from '../../base/limits.ts';
import type { JsonValue } from './json-value.ts';
import {
  type AgentDeclaration,
  configFormat,
  type Durability,
  type ModelConfig,
  type Overflow,
  type Pace,
  type RestartConfig,
  type RunConfig,
  type SystemConfig,
  type TopicDeclaration,
  type Trace,
} from './system-config.ts';

export interface FileAgent {
  /** A path as written, or a SHA-256 where bytes were given instead. */
  readonly module: string;
  readonly count?: number;
  readonly capabilities: AgentDeclaration['capabilities'];
  readonly subscriptions: readonly string[];
  readonly channels: readonly string[];
  readonly everyTick: boolean;
  readonly config?: JsonValue;
  readonly limits: AgentLimits;
  readonly overflow: Overflow;
  readonly restart: RestartConfig;
  readonly onFault?: string;
}

export interface FileTopic {
  readonly maxWaiting?: number;
  readonly overflow: Overflow;
  readonly contract?: JsonValue;
}

export interface FileModel {
  /** A path as written. */
  readonly folder: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly version?: string;
  readonly mode: ModelConfig['mode'];
  readonly latencyTicks: number;
  readonly pendingMax: number;
  readonly pendingPerAgentMax: number;
  readonly outputBytesMax: number;
  readonly batchMax: number;
  readonly timeoutMs?: number;
}

/** A system file after its schema was applied. */
export interface FileSystem {
  readonly run: RunConfig & { readonly onFault?: string };
  readonly host: {
    readonly workers?: number;
    readonly pace: Pace;
    readonly durability: Durability;
    readonly trace: Trace;
    readonly residentAgentsMax: number;
    readonly snapshotTicks: number;
    readonly snapshotsKept: number;
    readonly batchTicks: number;
    readonly batchMs: number;
    readonly modelBytesMax: number;
    readonly modelLoadMs: number;
  };
  readonly inputs: { readonly file?: string };
  readonly agents: Readonly<Record<string, FileAgent>>;
  readonly topics: Readonly<Record<string, FileTopic>>;
  readonly models: Readonly<Record<string, FileModel>>;
}

/** Puts a checked file into the normalised form; `hashes` gives each agent's module by the agent's name. */
export function normalise(file: FileSystem, hashes: ReadonlyMap<string, string>): SystemConfig {
  const { onFault: onFaultOfRun = null, ...run } = file.run;
  const agents = Object.entries(file.agents).map(([name, agent]): AgentDeclaration => {
    return {
      name,
      module: hashes.get(name) ?? agent.module,
      count: agent.count ?? null,
      capabilities: agent.capabilities.toSorted(),
      subscriptions: agent.subscriptions,
      channels: agent.channels,
      everyTick: agent.everyTick,
      config: agent.config ?? null,
      limits: agent.limits,
      overflow: agent.overflow,
      restart: agent.restart,
      onFault: agent.onFault ?? onFaultOfRun,
    };
  });
  const topics = Object.entries(file.topics).map(([name, topic]): TopicDeclaration => {
    const { maxWaiting = null, overflow, contract = null } = topic;
    return { name, maxWaiting, overflow, contract };
  });
  const models = Object.entries(file.models).map(([name, model]) => normaliseModel(name, model));
  return { format: configFormat, run, agents, topics, models };
}

export function normaliseModel(name: string, model: FileModel): ModelConfig {
  const { folder: _folder, versions, version, timeoutMs = null, ...rest } = model;
  const pinned = Object.entries(versions).map(([key, sha256]) => ({ version: key, sha256 }));
  return { name, versions: pinned, version: version ?? pinned[0]!.version, ...rest, timeoutMs };
}
