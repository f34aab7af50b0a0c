// An agent's whole state at a tick of a recorded run: the run is executed again up to there. It only reads.

import { encodeHex } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { expandImage, readState } from '../../sandbox/index.ts';
import { type Agent, agentOf, type Phase, type SchedulerState, waitingTasks } from '../../scheduler/index.ts';
import { type MutableGlobal, moduleNames } from '../../wasm/index.ts';
import { formatAgentId } from '../agent-id.ts';
import { type LoadedRun, loadRun } from '../record/load-run.ts';
import { taskKindName } from '../record/task-facts.ts';
import { type Rewound, rewind } from '../replay/rewind.ts';
import { sha256 } from '../sha256.ts';
import { type EffectView, viewEffect } from './effect-view.ts';
import { type ModelView, viewModels } from './model-view.ts';

export interface StateOptions {
  /** The tick after which the state is described; 0: before the first. */
  readonly tick: number;
  /** Name or identity of the one agent to describe whole. */
  readonly agent?: string;
  /** Bytes of its memory to give; a range may end beyond the memory. */
  readonly memory?: { readonly start: number; readonly length: number };
  readonly workers?: number;
  /** Progress, after each tick that was executed again. */
  readonly onTick?: (tick: number) => void;
}

/** One line about an agent. */
export interface AgentSummary {
  readonly id: string;
  readonly name: string;
  readonly phase: Phase;
  readonly paused: boolean;
  /** Tasks that wait, of every kind. */
  readonly waiting: number;
  /** Effects that wait in its outbox. */
  readonly blocked: number;
  readonly timers: number;
  readonly restarts: number;
}

/** A task that waits. */
export interface WaitingTaskState {
  readonly sequence: number;
  readonly kind: string;
  readonly priority: number;
  /** Name of the sender; undefined for the outside. */
  readonly from: string | undefined;
  readonly topic: string | undefined;
  readonly sentTick: number;
  readonly attempts: number;
  readonly payload: Uint8Array;
}

export interface WaitingEffectState extends EffectView {
  readonly sequence: number;
  /** The tick of the call. */
  readonly tick: number;
}

export interface TimerState {
  readonly number: number;
  readonly dueTick: number;
  readonly tag: number;
  /** Its firing waits in the mailbox. */
  readonly fired: boolean;
}

export interface GlobalState {
  readonly index: number;
  /** As the module names it, where it does. */
  readonly name: string | undefined;
  readonly type: MutableGlobal['type'];
  /** A number, or the bits in hexadecimal where a number would lose them. */
  readonly value: string;
}

/** What an agent's instance holds; absent before its first task and after its end. */
export interface InstanceFacts {
  readonly globals: readonly GlobalState[];
  readonly memoryBytes: number;
  readonly memorySha256: string;
  /** Pages of 64 KiB that are not all zero, of all pages. */
  readonly pagesUsed: number;
  readonly pages: number;
  readonly inbox: { readonly pointer: number; readonly bytes: number };
  /** State of its random stream, hexadecimal. */
  readonly random: string;
  readonly memory: { readonly start: number; readonly bytes: Uint8Array } | undefined;
}

export interface AgentState extends AgentSummary {
  /** Creation number. */
  readonly number: number;
  readonly declaration: string;
  /** SHA-256 of the module. */
  readonly module: string;
  readonly restartsMax: number;
  /** When its back-off ends, where it is in one. */
  readonly restartTick: number | undefined;
  readonly subscriptions: readonly string[];
  readonly channels: readonly string[];
  readonly timersPending: readonly TimerState[];
  readonly mailbox: readonly WaitingTaskState[];
  readonly outbox: readonly WaitingEffectState[];
  readonly instance: InstanceFacts | undefined;
}

export interface RunState {
  /** The last executed tick up to the one asked for. */
  readonly tick: number;
  /** Digest of that tick. */
  readonly digest: string;
  readonly agents: readonly AgentSummary[];
  readonly models: readonly ModelView[];
  /** The one that was asked for. */
  readonly agent: AgentState | undefined;
}

/**
 * The state of a recorded run after a tick.
 * @throws EngineError `input-invalid` where the record does not have the tick, or no such agent was there by then; what
 *   `replayRun` throws
 */
export async function inspectState(path: string, options: StateOptions): Promise<RunState> {
  const run = await loadRun(path);
  const { workers = 0, onTick } = options;
  const rewound = await rewind(run, options.tick, { workers, ...(onTick !== undefined && { onTick }) });
  try {
    const { machine } = rewound;
    const { state } = machine;
    const agents = state.agents.filter((agent) => agent !== undefined);
    const one = options.agent === undefined ? undefined : findAgent(path, state, options.agent, options.tick);
    return {
      tick: state.tick,
      digest: encodeHex(machine.digest),
      agents: agents.map(summarise),
      models: viewModels(state),
      agent: one === undefined ? undefined : await describeAgent(run, rewound, one, options.memory),
    };
  } finally {
    await rewound.close();
  }
}

function findAgent(path: string, state: SchedulerState, id: string, tick: number): Agent {
  const [origin, counter] = id.split('.');
  const found =
    state.agents.find((agent) => agent?.name === id) ?? agentOf(state, Number(origin), Number(counter));
  if (found !== undefined) return found;
  const text = `Cannot show agent ${JSON.stringify(id)} of "${path}": there is none after tick ${tick}`;
  throw new EngineError('input-invalid', text, { agent: id, tick });
}

function summarise(agent: Agent): AgentSummary {
  return {
    id: formatAgentId(agent),
    name: agent.name,
    phase: agent.phase,
    paused: agent.paused,
    waiting: waitingTasks(agent).length,
    blocked: agent.outbox?.length ?? 0,
    timers: agent.timers.size,
    restarts: agent.incarnation,
  };
}

async function describeAgent(
  run: LoadedRun,
  rewound: Rewound,
  agent: Agent,
  range: StateOptions['memory'],
): Promise<AgentState> {
  const { state } = rewound.machine;
  const topics = [...agent.topics];
  const timers = [...agent.timers.values()].sort((a, b) => a.number - b.number);
  const restart = state.restarts.items.find((item) => item.agent === agent);
  const backingOff = agent.phase === 'backing-off';
  return {
    ...summarise(agent),
    number: agent.number,
    declaration: agent.declaration.name,
    module: run.config.agents[agent.declarationIndex]!.module,
    restartsMax: agent.declaration.restart.policy === 'never' ? 0 : agent.declaration.restart.restartsMax,
    restartTick: backingOff ? restart?.dueTick : undefined,
    subscriptions: topics.filter((topic) => !topic.channel).map((topic) => topic.name),
    channels: topics.filter((topic) => topic.channel).map((topic) => topic.name),
    timersPending: timers.map(({ number, dueTick, tag, task }) => {
      return { number, dueTick, tag, fired: task !== null };
    }),
    mailbox: waitingTasks(agent).map((task) => ({
      sequence: task.sequence,
      kind: taskKindName(task.kind),
      priority: task.priority,
      from: task.sender?.name,
      topic: task.topic?.name,
      sentTick: task.sentTick,
      attempts: task.attempts,
      payload: task.bytes.slice(task.offset, task.offset + task.length),
    })),
    outbox: (agent.outbox ?? []).map(({ sequence, tick, words }) => {
      return { sequence, tick, ...viewEffect(words, state) };
    }),
    instance: await describeInstance(run, rewound, agent, range),
  };
}

async function describeInstance(
  run: LoadedRun,
  { machine, modules }: Rewound,
  agent: Agent,
  range: StateOptions['memory'],
): Promise<InstanceFacts | undefined> {
  const captured = await machine.captureAgent(agent);
  if (captured === undefined) return undefined;
  const module = modules.list[modules.indexOfDeclaration[agent.declarationIndex]!]!;
  const facts = readState(
    module.globals.map(({ words }) => words),
    captured.state,
  );
  const { pages, byteLength } = captured.image;
  const memory = expandImage(captured.image);
  const { start, length } = range ?? { start: 0, length: 0 };
  return {
    globals: describeGlobals(module.globals, facts.globals, run.modules.get(module.hash)!.bytes),
    memoryBytes: byteLength,
    memorySha256: encodeHex(sha256(memory)),
    pagesUsed: pages.filter((kept) => kept !== undefined).length,
    pages: byteLength / 65_536,
    inbox: { pointer: facts.inboxPointer, bytes: facts.inboxBytes },
    random: encodeHex(new Uint8Array(facts.prng.buffer)),
    memory: length === 0 ? undefined : { start, bytes: memory.slice(start, start + length) },
  };
}

/** Values of mutable globals with the names that the module gives them. */
export function describeGlobals(
  globals: readonly MutableGlobal[],
  words: readonly Uint32Array[],
  moduleBytes: Uint8Array,
): GlobalState[] {
  const names = moduleNames(moduleBytes).globals;
  return globals.map(({ index, type }, i) => {
    return { index, name: names.get(index), type, value: globalValue(type, words[i]!) };
  });
}

function globalValue(type: MutableGlobal['type'], words: Uint32Array): string {
  const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
  if (type === 'i32') return String(view.getInt32(0, true));
  if (type === 'i64') return String(view.getBigInt64(0, true));
  if (type === 'v128') return `0x${[...words].reverse().map(hex8).join('')}`;
  const value = type === 'f32' ? view.getFloat32(0, true) : view.getFloat64(0, true);
  const isExact = !Number.isNaN(value) && !Object.is(value, -0);
  return isExact
    ? String(value)
    : `${Object.is(value, -0) ? '-0' : 'nan'}:0x${[...words].reverse().map(hex8).join('')}`;
}

function hex8(word: number): string {
  return word.toString(16).padStart(8, '0');
}
