// The shape of a system file and of the normalised form, for zod. Loaded only when something is to be checked.
// Messages of the schemas say what was wanted; `issues.ts` puts in front what was found.

import { z } from 'zod';
import { capabilities } from '../../abi/host-functions.ts';
import {
  type AgentLimits,
  agentLimitDefaults,
  agentLimitRanges,
  type RunLimits,
  runLimitDefaults,
  runLimitRanges,
} from '../../base/limits.ts';
import { nameSource, versionSource } from './cross-checks.ts';
import type { FileSystem } from './file-form.ts';
import {
  batchMsRange,
  batchTicksRange,
  configFormat,
  durabilities,
  hostDefaults,
  modelDefaults,
  modelModes,
  overflows,
  paces,
  policies,
  residentAgentsRange,
  restartDefaults,
  restartPolicies,
  type SystemConfig,
  traces,
  workersMax,
} from './system-config.ts';

const seedMax = Number.MAX_SAFE_INTEGER;
const tickMsMax = 86_400_000;
const ageTicksMax = 1_000_000_000;
const restartsMax = 1_000_000;
const backoffTicksMax = 1_000_000_000;
const snapshotsKeptMax = 1_000_000;
const imageTicksMax = 1_000_000_000;

function whole(min: number, max: number): z.ZodInt {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

function oneOf<T extends string>(values: readonly T[]): z.ZodType<T> {
  return z.enum(values as readonly [T, ...T[]], {
    error: `one of ${values.map((v) => JSON.stringify(v)).join(', ')}`,
  }) as unknown as z.ZodType<T>;
}

function text(error: string): z.ZodString {
  return z.string({ error }).min(1, { error });
}

const flag = (): z.ZodBoolean => z.boolean({ error: 'true or false' });

/** Names are checked beside the schema, so that an entry with a bad name is looked into all the same. */
function table<T extends z.ZodType>(entry: T): z.ZodRecord<z.ZodString, T> {
  const key = z.string().meta({ pattern: nameSource });
  return z.record(key, entry, { error: 'a table' });
}

function strict<T extends z.core.$ZodLooseShape>(
  shape: T,
  wanted: string = 'a table',
): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? wanted : undefined) });
}

function ranged<K extends string>(
  ranges: Readonly<Record<K, readonly [number, number]>>,
  each: (schema: z.ZodInt, key: K) => z.ZodType,
): Record<K, z.ZodType<number>> {
  const entries = Object.entries(ranges) as [K, readonly [number, number]][];
  return Object.fromEntries(entries.map(([key, [min, max]]) => [key, each(whole(min, max), key)])) as Record<
    K,
    z.ZodType<number>
  >;
}

function names(what: string): z.ZodArray<z.ZodString> {
  return z.array(z.string({ error: `the name of a ${what}` }), { error: `a list of names of ${what}s` });
}

function capabilityList(): z.ZodArray<z.ZodType> {
  return z.array(oneOf(capabilities), { error: 'a list of capabilities' });
}

const describe = {
  run: 'Everything about the run as a whole that decides its digest.',
  seed: 'Seed of every random stream.',
  tickMs: "Logical milliseconds of one tick: the agents' only clock.",
  policy:
    'Which runnable tasks come first: "fifo" by sequence, "priority" by priority and then sequence, "round-robin" one of each agent in turn.',
  ageTicks: "Ticks of waiting that raise a task's priority by one; 0: none do.",
  host: 'What concerns only this machine; never part of the digest.',
  workers: 'Worker threads; 0 runs everything in one thread. Chosen by the engine where it is left out.',
  pace: 'Whether ticks follow one another at once, or each at its logical time.',
  durability: 'When a tick is on the disk: before its outputs leave, in groups, or never waited for.',
  batchTicks: 'Ticks after which a group of them is made durable, with durability "batch".',
  batchMs: 'Milliseconds after which they are, however few they are.',
  trace: 'How much of each task goes into the record beside what a replay needs.',
  residentAgentsMax:
    "Agents whose instances may be alive at once, where each further 256 KiB of V8's heap count as one more; the others hibernate.",
  snapshotTicks:
    'A snapshot is taken at the first tick at or after each multiple of it, for faster recovery, replay and forks; 0: none.',
  snapshotsKept:
    'How many of the newest snapshots stay; of older ones so many that going back costs at most this part of the age. 0: all.',
  inputs: 'What enters from outside.',
  inputFile: 'JSON Lines, relative to this file; `--input` takes its place.',
  agents: 'The agents, by name; the order decides their identities.',
  module: 'WebAssembly module, relative to this file.',
  count: 'Left out: one agent called NAME. n: NAME/0 to NAME/(n-1). 0: none at the start, only for spawn.',
  capabilities: 'Which kinds of host functions the module may import.',
  subscriptions: 'Topics that the agent gets from the start.',
  channels: 'Channels that the agent is a member of from the start.',
  everyTick: 'Whether the agent gets a step in every tick.',
  config: "Any value: the agent's first message, as canonical JSON.",
  limits: 'Limits of each agent of this declaration.',
  overflow:
    'What happens to a message that finds no room: "reject" and tell the sender, "drop-newest", "drop-oldest", or "block" the sender.',
  restart: 'What becomes of an agent that fails.',
  restartPolicy:
    '"never": it stays failed. "from-init": it begins anew, with its mailbox. "from-image": it goes on from its last image, with its mailbox.',
  restartsMax: 'Restarts in the life of one agent.',
  backoffTicks: 'Ticks before the first restart; each further one waits twice as long.',
  backoffTicksMax: 'The longest wait before a restart, in ticks.',
  imageTicks:
    'With "from-image", an image of the agent is taken at the first tick at or after each multiple of it.',
  onFault: 'The agent that is told when one of these fails: NAME, or NAME/0 and so on where it has a count.',
  runOnFault: 'The agent that is told of the faults of all agents that name none themselves.',
  topics: 'The topics, by name.',
  contract: 'JSON Schema that every payload of the topic keeps.',
  models: 'The models, by name.',
  modelFolder:
    'Folder of the model, relative to this file: VERSION/model.onnx, and what belongs to it, for each version.',
  modelVersions: 'SHA-256 of the folder of each version that the run may use.',
  modelVersion: 'The version in use from the start; may be left out where there is one.',
  modelMode:
    '"portable": the same bits everywhere. "native": the processor. "gpu": graphics hardware, where it can run the model.',
  batchMax: 'Rows of requests that may run together, where that changes no answer; 1: none do.',
  timeoutMs: 'Milliseconds that an answer may take, in other modes than "portable"; then the answer says so.',
  latencyTicks: 'Ticks from a request to its answer.',
  pendingMax: 'Requests of all agents whose answers have not been taken.',
  pendingPerAgentMax: 'Requests of one agent whose answers have not been taken.',
  outputBytesMax: 'Bytes of one answer.',
  modelBytesMax:
    'What loaded models may count for together, reckoned from their files; the others wait on the disk.',
  modelLoadMs:
    'Milliseconds that loading a model may take. The first time it is refused then; later its process is given up, and another tries.',
  maxWaiting: "Messages of this topic that may wait in one receiver's mailbox.",
} as const;

function fileRun(): z.ZodType {
  return strict({
    seed: whole(0, seedMax).default(0).describe(describe.seed),
    tickMs: whole(1, tickMsMax).default(10).describe(describe.tickMs),
    policy: oneOf(policies).default('fifo').describe(describe.policy),
    ageTicks: whole(0, ageTicksMax).default(0).describe(describe.ageTicks),
    onFault: text('the name of an agent').optional().describe(describe.runOnFault),
    ...ranged<keyof RunLimits>(runLimitRanges, (schema, key) => schema.default(runLimitDefaults[key])),
  })
    .describe(describe.run)
    .prefault({} as never);
}

function fileAgent(): z.ZodType {
  return strict({
    module: text('the path of a WebAssembly module').describe(describe.module),
    count: whole(0, runLimitRanges.agentsMax[1]).optional().describe(describe.count),
    capabilities: capabilityList().default([]).describe(describe.capabilities),
    subscriptions: names('topic').default([]).describe(describe.subscriptions),
    channels: names('channel').default([]).describe(describe.channels),
    everyTick: flag().default(false).describe(describe.everyTick),
    config: z.unknown().optional().describe(describe.config),
    limits: strict(
      ranged<keyof AgentLimits>(agentLimitRanges, (schema, key) => schema.default(agentLimitDefaults[key])),
    )
      .describe(describe.limits)
      .prefault({} as never),
    overflow: oneOf(overflows).default('block').describe(describe.overflow),
    restart: fileRestart(),
    onFault: text('the name of an agent').optional().describe(describe.onFault),
  });
}

function fileRestart(): z.ZodType {
  return strict({
    policy: oneOf(restartPolicies).default(restartDefaults.policy).describe(describe.restartPolicy),
    restartsMax: whole(0, restartsMax).default(restartDefaults.restartsMax).describe(describe.restartsMax),
    backoffTicks: whole(0, backoffTicksMax)
      .default(restartDefaults.backoffTicks)
      .describe(describe.backoffTicks),
    backoffTicksMax: whole(1, backoffTicksMax)
      .default(restartDefaults.backoffTicksMax)
      .describe(describe.backoffTicksMax),
    imageTicks: whole(1, imageTicksMax).default(restartDefaults.imageTicks).describe(describe.imageTicks),
  })
    .describe(describe.restart)
    .prefault({} as never);
}

function fileTopic(): z.ZodType {
  return strict({
    maxWaiting: whole(1, 1_000_000).optional().describe(describe.maxWaiting),
    overflow: oneOf(overflows).default('reject').describe(describe.overflow),
    contract: z.unknown().optional().describe(describe.contract),
  });
}

const modelRanges = {
  latencyTicks: [1, 1_000_000],
  pendingMax: [1, 1_000_000],
  pendingPerAgentMax: [1, 1_000_000],
  outputBytesMax: [1024, 16_777_216],
  batchMax: [1, 1024],
} as const;

const timeoutMsMax = 86_400_000;

const hash = (): z.ZodString => {
  const error = 'a SHA-256 in lower-case hexadecimal';
  return z.string({ error }).regex(/^[0-9a-f]{64}$/, { error });
};

function fileModel(): z.ZodType {
  const versions = z.record(z.string().meta({ pattern: versionSource }), hash(), { error: 'a table' });
  return strict({
    folder: text('the path of a folder').describe(describe.modelFolder),
    versions: versions.describe(describe.modelVersions),
    version: text('the name of a version').optional().describe(describe.modelVersion),
    mode: oneOf(modelModes).default(modelDefaults.mode).describe(describe.modelMode),
    ...ranged<keyof typeof modelRanges>(modelRanges, (schema, key) =>
      schema.default(modelDefaults[key]).describe(describe[key]),
    ),
    timeoutMs: whole(1, timeoutMsMax).optional().describe(describe.timeoutMs),
  });
}

/** A system file. */
export const fileSchema: z.ZodType<FileSystem> = strict({
  run: fileRun(),
  host: strict({
    workers: whole(0, workersMax).optional().describe(describe.workers),
    pace: oneOf(paces).default(hostDefaults.pace).describe(describe.pace),
    durability: oneOf(durabilities).default(hostDefaults.durability).describe(describe.durability),
    batchTicks: whole(...batchTicksRange)
      .default(hostDefaults.batchTicks)
      .describe(describe.batchTicks),
    batchMs: whole(...batchMsRange)
      .default(hostDefaults.batchMs)
      .describe(describe.batchMs),
    trace: oneOf(traces).default(hostDefaults.trace).describe(describe.trace),
    residentAgentsMax: whole(...residentAgentsRange)
      .default(hostDefaults.residentAgentsMax)
      .describe(describe.residentAgentsMax),
    snapshotTicks: whole(0, ageTicksMax).default(hostDefaults.snapshotTicks).describe(describe.snapshotTicks),
    snapshotsKept: whole(0, snapshotsKeptMax)
      .default(hostDefaults.snapshotsKept)
      .describe(describe.snapshotsKept),
    modelBytesMax: whole(1, seedMax).default(hostDefaults.modelBytesMax).describe(describe.modelBytesMax),
    modelLoadMs: whole(1, timeoutMsMax).default(hostDefaults.modelLoadMs).describe(describe.modelLoadMs),
  })
    .describe(describe.host)
    .prefault({} as never),
  inputs: strict({ file: text('the path of a JSON Lines file').optional().describe(describe.inputFile) })
    .describe(describe.inputs)
    .prefault({} as never),
  agents: table(fileAgent()).describe(describe.agents),
  topics: table(fileTopic()).describe(describe.topics).default({}),
  models: table(fileModel()).describe(describe.models).default({}),
}).meta({ title: 'wasm-engine system' }) as unknown as z.ZodType<FileSystem>;

/** The normalised form: everything is said, nothing has a default. */
export const configSchema: z.ZodType<SystemConfig> = strict({
  format: z.literal(configFormat, { error: `${configFormat}` }),
  run: strict({
    seed: whole(0, seedMax),
    tickMs: whole(1, tickMsMax),
    policy: oneOf(policies),
    ageTicks: whole(0, ageTicksMax),
    ...ranged<keyof RunLimits>(runLimitRanges, (schema) => schema),
  }),
  agents: z.array(
    strict({
      name: z.string({ error: 'a name' }),
      module: z.string({ error: 'a SHA-256 in lower-case hexadecimal' }).regex(/^[0-9a-f]{64}$/, {
        error: 'a SHA-256 in lower-case hexadecimal',
      }),
      count: whole(0, runLimitRanges.agentsMax[1]).nullable(),
      capabilities: capabilityList(),
      subscriptions: names('topic'),
      channels: names('channel'),
      everyTick: flag(),
      config: z.custom((value) => value !== undefined, { error: 'a JSON value' }),
      limits: strict(ranged<keyof AgentLimits>(agentLimitRanges, (schema) => schema)),
      overflow: oneOf(overflows),
      restart: strict({
        policy: oneOf(restartPolicies),
        restartsMax: whole(0, restartsMax),
        backoffTicks: whole(0, backoffTicksMax),
        backoffTicksMax: whole(1, backoffTicksMax),
        imageTicks: whole(1, imageTicksMax),
      }),
      onFault: z.string({ error: 'the name of an agent, or null' }).nullable(),
    }),
    { error: 'a list' },
  ),
  topics: z.array(
    strict({
      name: z.string({ error: 'a name' }),
      maxWaiting: whole(1, 1_000_000).nullable(),
      overflow: oneOf(overflows),
      contract: z.custom((value) => value !== undefined, { error: 'a JSON Schema, or null' }),
    }),
    { error: 'a list' },
  ),
  // Records of before there were models have none.
  models: z
    .array(
      strict({
        name: z.string({ error: 'a name' }),
        versions: z.array(strict({ version: z.string({ error: 'a name' }), sha256: hash() }), {
          error: 'a list',
        }),
        version: z.string({ error: 'the name of a version' }),
        mode: oneOf(modelModes),
        ...ranged<keyof typeof modelRanges>(modelRanges, (schema) => schema),
        timeoutMs: whole(1, timeoutMsMax).nullable(),
      }),
      { error: 'a list' },
    )
    .default([]),
}) as unknown as z.ZodType<SystemConfig>;

/** JSON Schema (draft 2020-12) of a system file, as the text of the published file. */
export function renderSystemJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(fileSchema, { io: 'input' }), null, 2)}\n`;
}
