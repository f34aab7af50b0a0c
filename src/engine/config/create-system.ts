// A system made by a program: the same description as a system file, with bytes in place of paths.

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Capability } from '../../abi/host-functions.ts';
import { EngineError } from '../../base/errors.ts';
import type { AgentLimits } from '../../base/limits.ts';
import { type FileSystem, normalise } from './file-form.ts';
import type { JsonValue } from './json-value.ts';
import { readDescription } from './parse-system.ts';
import type {
  Durability,
  ModelMode,
  ModuleSource,
  Overflow,
  Pace,
  RestartConfig,
  RunConfig,
  System,
  Trace,
} from './system-config.ts';

/** What `[agents.NAME]` holds, with the module's bytes. */
export interface AgentDescription {
  /** Original (not instrumented) bytes. */
  readonly module: Uint8Array;
  readonly count?: number | undefined;
  readonly capabilities?: readonly Capability[] | undefined;
  readonly subscriptions?: readonly string[] | undefined;
  readonly channels?: readonly string[] | undefined;
  readonly everyTick?: boolean | undefined;
  readonly config?: JsonValue | undefined;
  readonly limits?: Partial<AgentLimits> | undefined;
  readonly overflow?: Overflow | undefined;
  readonly restart?: Partial<RestartConfig> | undefined;
  /** The agent that is told when one of these fails. */
  readonly onFault?: string | undefined;
}

/** What `[topics.NAME]` holds. */
export interface TopicDescription {
  readonly maxWaiting?: number | undefined;
  readonly overflow?: Overflow | undefined;
  /** JSON Schema that every payload keeps. */
  readonly contract?: JsonValue | undefined;
}

/** What `[models.NAME]` holds. */
export interface ModelDescription {
  /** Path of the folder that holds a folder for each version. */
  readonly folder: string;
  /** SHA-256 of each version's folder, by version. */
  readonly versions: Readonly<Record<string, string>>;
  readonly version?: string | undefined;
  readonly mode?: ModelMode | undefined;
  readonly latencyTicks?: number | undefined;
  readonly pendingMax?: number | undefined;
  readonly pendingPerAgentMax?: number | undefined;
  readonly outputBytesMax?: number | undefined;
  readonly batchMax?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/** What a system file holds. Agents and topics are numbered in the order of their keys. */
export interface SystemDescription {
  readonly run?: (Partial<RunConfig> & { readonly onFault?: string | undefined }) | undefined;
  readonly host?:
    | {
        readonly workers?: number | undefined;
        readonly pace?: Pace | undefined;
        readonly durability?: Durability | undefined;
        readonly trace?: Trace | undefined;
        readonly residentAgentsMax?: number | undefined;
        readonly snapshotTicks?: number | undefined;
        readonly snapshotsKept?: number | undefined;
        readonly batchTicks?: number | undefined;
        readonly batchMs?: number | undefined;
        readonly modelBytesMax?: number | undefined;
        readonly modelLoadMs?: number | undefined;
      }
    | undefined;
  readonly agents: Readonly<Record<string, AgentDescription>>;
  readonly topics?: Readonly<Record<string, TopicDescription>> | undefined;
  readonly models?: Readonly<Record<string, ModelDescription>> | undefined;
}

/**
 * Checks a description and hashes its modules. The bytes are copied.
 *
 * @throws EngineError `config-invalid` with every problem in `details.problems`.
 */
export async function createSystem(description: SystemDescription): Promise<System> {
  const { agents, modules } = takeModules(description);
  const { system, problems } = await readDescription({ ...description, agents });
  if ((system?.inputs.file ?? undefined) !== undefined)
    problems.add(['inputs', 'file'], 'an input file can be named only in a system file');
  problems.throwIfAny('use this description of a system');
  const checked = system as FileSystem;
  const folders = Object.entries(checked.models).map(
    ([name, { folder }]) => [name, resolve(folder)] as const,
  );
  const modelFolders = new Map(folders);
  const host = { ...checked.host, workers: checked.host.workers, inputFile: undefined, modelFolders };
  return { config: normalise(checked, new Map()), host, modules };
}

/** Puts a hash in the place of each module's bytes; anything that is no table of agents is left to the schema. */
function takeModules(description: SystemDescription): {
  agents: unknown;
  modules: Map<string, ModuleSource>;
} {
  const modules = new Map<string, ModuleSource>();
  const given: unknown = description?.agents;
  if (typeof given !== 'object' || given === null) return { agents: given, modules };
  const agents = Object.entries(given).map(([name, agent]: [string, unknown]) => {
    if (typeof agent !== 'object' || agent === null || !('module' in agent)) return [name, agent] as const;
    if (!(agent.module instanceof Uint8Array)) {
      throw new EngineError(
        'config-invalid',
        `Cannot use this description of a system: agents.${name}.module: found no Uint8Array, wanted the bytes of a module`,
      );
    }
    const bytes = agent.module.slice();
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (!modules.has(hash)) modules.set(hash, { bytes, files: [] });
    return [name, { ...agent, module: hash }] as const;
  });
  return { agents: Object.fromEntries(agents), modules };
}
