// What a system is, after every check: plain data, the part of a description that the record holds and the digest
// covers. Never holds names of files, positions or anything of the host.

import canonicalize from 'canonicalize';
import type { Capability } from '../../abi/host-functions.ts';
import { encodeUtf8 } from '../../base/encoding.ts';
import { assert } from '../../base/errors.ts';
import type { AgentLimits, RunLimits } from '../../base/limits.ts';
import type { JsonValue } from './json-value.ts';

/** Version of the normalised form; a record with another one is refused. */
export const configFormat = 1;

/** Which of the runnable tasks come first; ties go to the lower sequence number. */
export type Policy = 'fifo' | 'priority' | 'round-robin';
export const policies: readonly Policy[] = ['fifo', 'priority', 'round-robin'];

/** What happens to a message whose receiver has no room. */
export type Overflow = 'reject' | 'drop-newest' | 'drop-oldest' | 'block';
export const overflows: readonly Overflow[] = ['reject', 'drop-newest', 'drop-oldest', 'block'];

/** What becomes of an agent that fails. */
export interface RestartConfig {
  readonly policy: RestartPolicyName;
  /** Restarts in the life of one agent. */
  readonly restartsMax: number;
  /** Ticks before the first restart; each further one waits twice as long. */
  readonly backoffTicks: number;
  readonly backoffTicksMax: number;
  /** With `from-image`, an image is taken in the first executed tick at or after each multiple of it. */
  readonly imageTicks: number;
}
export type RestartPolicyName = 'never' | 'from-init' | 'from-image';
export const restartPolicies: readonly RestartPolicyName[] = ['never', 'from-init', 'from-image'];

export const restartDefaults: RestartConfig = {
  policy: 'never',
  restartsMax: 5,
  backoffTicks: 1,
  backoffTicksMax: 1024,
  imageTicks: 100,
};

/** One entry `[agents.NAME]`. */
export interface AgentDeclaration {
  readonly name: string;
  /** SHA-256 of the module's original bytes, lower-case hexadecimal. */
  readonly module: string;
  /** null: one agent called NAME; n: agents NAME/0 to NAME/(n-1); 0: none at the start, only for `spawn`. */
  readonly count: number | null;
  /** Sorted by code unit, no repeats. */
  readonly capabilities: readonly Capability[];
  /** Declared topics, in the order in which they are subscribed to. */
  readonly subscriptions: readonly string[];
  /** Channels joined at the start, in order. */
  readonly channels: readonly string[];
  /** Whether each agent gets an `agent_step` in every tick. */
  readonly everyTick: boolean;
  /** Delivered as the first message, as canonical JSON; null: no such message. */
  readonly config: JsonValue;
  readonly limits: AgentLimits;
  /** For direct messages and scheduled tasks that find the mailbox full. */
  readonly overflow: Overflow;
  readonly restart: RestartConfig;
  /** The agent of the description that is told when one of these fails; null: nobody is. */
  readonly onFault: string | null;
}

/** One entry `[topics.NAME]`. */
export interface TopicDeclaration {
  readonly name: string;
  /** Messages of this topic that may wait in one receiver's mailbox; null: only the mailbox's own bound counts. */
  readonly maxWaiting: number | null;
  /** For messages of this topic that find no room. */
  readonly overflow: Overflow;
  /** JSON Schema that every payload keeps; null: any bytes. */
  readonly contract: JsonValue;
}

/** One entry `[models.NAME]`. */
export interface ModelConfig {
  readonly name: string;
  /** In the order of the description. */
  readonly versions: readonly ModelVersion[];
  /** The version in use from the start. */
  readonly version: string;
  readonly mode: ModelMode;
  /** Ticks from a request to its answer. */
  readonly latencyTicks: number;
  /** Requests whose answers have not been taken, of all agents. */
  readonly pendingMax: number;
  /** Of one agent. */
  readonly pendingPerAgentMax: number;
  /** Bytes of one answer. */
  readonly outputBytesMax: number;
  /** Rows that may run together; 1: none do. */
  readonly batchMax: number;
  /** Milliseconds that an answer may take, in other modes than `portable`; null: without limit. */
  readonly timeoutMs: number | null;
}

export interface ModelVersion {
  readonly version: string;
  /** Of the version's folder, lower-case hexadecimal. */
  readonly sha256: string;
}

/** portable: the same bits everywhere. native: this machine's processor. gpu: what it has beside that. */
export type ModelMode = 'portable' | 'native' | 'gpu';
export const modelModes: readonly ModelMode[] = ['portable', 'native', 'gpu'];

export const modelDefaults: Pick<
  ModelConfig,
  'mode' | 'latencyTicks' | 'pendingMax' | 'pendingPerAgentMax' | 'outputBytesMax' | 'batchMax'
> = {
  mode: 'portable',
  latencyTicks: 1,
  pendingMax: 4096,
  pendingPerAgentMax: 256,
  outputBytesMax: 1_048_576,
  batchMax: 32,
};

/** `[run]`: everything about the run as a whole that decides its digest. */
export interface RunConfig extends RunLimits {
  /** 0 to 2^53 - 1. */
  readonly seed: number;
  /** Logical milliseconds of one tick. */
  readonly tickMs: number;
  readonly policy: Policy;
  /** Ticks of waiting that raise a task's priority by one; 0: none do. */
  readonly ageTicks: number;
}

/** A whole system. Agents and topics keep the order of the description, which decides their numbers. */
export interface SystemConfig {
  readonly format: typeof configFormat;
  readonly run: RunConfig;
  readonly agents: readonly AgentDeclaration[];
  readonly topics: readonly TopicDeclaration[];
  readonly models: readonly ModelConfig[];
}

/** When a tick's record is on the disk: before its outputs leave (`tick`), in groups (`batch`), or never waited for. */
export type Durability = 'tick' | 'batch' | 'none';
export const durabilities: readonly Durability[] = ['tick', 'batch', 'none'];

/** Whether ticks follow one another at once, or each at its logical time. */
export type Pace = 'free' | 'wall-clock';
export const paces: readonly Pace[] = ['free', 'wall-clock'];

/** How much of each task goes into the record beside what replay needs. */
export type Trace = 'none' | 'outcomes' | 'full';
export const traces: readonly Trace[] = ['none', 'outcomes', 'full'];

/** What concerns only this machine, and no digest. */
export interface HostConfig {
  /** Worker threads; 0: turns run in the orchestrator's own thread. undefined: the engine decides. */
  readonly workers: number | undefined;
  /** Absolute path of the input that the system file names. */
  readonly inputFile: string | undefined;
  readonly pace: Pace;
  readonly durability: Durability;
  /** In mode `batch`, a sync begins after so many ticks, */
  readonly batchTicks: number;
  /** or so many milliseconds after the first of them. */
  readonly batchMs: number;
  readonly trace: Trace;
  /** Agents whose instances may be alive at once; the others hibernate. */
  readonly residentAgentsMax: number;
  /** A snapshot is taken at the first tick at or after each multiple of it; 0: none are. */
  readonly snapshotTicks: number;
  /** Of the snapshots so many of the newest stay, and older ones the thinner the older they are; 0: all stay. */
  readonly snapshotsKept: number;
  /** What loaded models may count for together, in bytes. */
  readonly modelBytesMax: number;
  /** Milliseconds that loading a model may take in a process that runs nothing else; then the process is given up. */
  readonly modelLoadMs: number;
  /** Absolute path of each model's folder, by name. */
  readonly modelFolders: ReadonlyMap<string, string>;
}

export const hostDefaults: HostConfig = {
  workers: undefined,
  inputFile: undefined,
  pace: 'free',
  durability: 'batch',
  batchTicks: 1000,
  batchMs: 100,
  trace: 'outcomes',
  residentAgentsMax: 4096,
  snapshotTicks: 0,
  snapshotsKept: 32,
  modelBytesMax: 2 ** 31,
  modelLoadMs: 300_000,
  modelFolders: new Map(),
};

/** What `residentAgentsMax` may be: V8 holds about 13,000 memories in a process. */
export const residentAgentsRange: readonly [number, number] = [1, 12_000];

/** What `batchTicks` and `batchMs` may be. */
export const batchTicksRange: readonly [number, number] = [1, 1_000_000];
export const batchMsRange: readonly [number, number] = [1, 60_000];

/** More workers than this are refused. */
export const workersMax = 64;

/** Bytes of a module, and where they came from (for messages). */
export interface ModuleSource {
  readonly bytes: Uint8Array;
  /** Names as the description gave them. */
  readonly files: readonly string[];
}

/** A checked system together with its modules' bytes, by SHA-256 in lower-case hexadecimal. */
export interface System {
  readonly config: SystemConfig;
  readonly host: HostConfig;
  readonly modules: ReadonlyMap<string, ModuleSource>;
}

/**
 * The bytes that the record keeps and that the first digest covers: canonical JSON (RFC 8785), UTF-8. A system without
 * models has the bytes that it had before there were any.
 */
export function normalisedBytes(config: SystemConfig): Uint8Array<ArrayBuffer> {
  const { models, ...rest } = config;
  const text = canonicalize(models.length === 0 ? rest : config);
  assert(text !== undefined, 'a configuration is a JSON value');
  return encodeUtf8(text);
}

/** Agents that exist at the start of a run. */
export function initialAgentCount(config: SystemConfig): number {
  return config.agents.reduce((sum, agent) => sum + (agent.count ?? 1), 0);
}
