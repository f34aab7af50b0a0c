// The scheduler's state between two ticks as plain data, and back. Everything else of the state follows from it.

import { noticeOffset, TaskKind } from '../abi/envelope.ts';
import { assert } from '../base/errors.ts';
import type { Input } from '../log/input.ts';
import { holdSlot, holdsSlot, refreshHead, waitingTasks } from './deliver.ts';
import { retire } from './ended-agent.ts';
import { isFaultNotice } from './fault-notice.ts';
import { pushHeap } from './heap.ts';
import { insertTask } from './mailbox.ts';
import {
  countPending,
  declareModel,
  type ModelRequest,
  restoreRequest,
  waitingRequests,
} from './requests.ts';
import {
  type Agent,
  createAgent,
  createChannel,
  createState,
  isAlive,
  type Phase,
  type SchedulerConfig,
  type SchedulerState,
  type Task,
  type Topic,
} from './state.ts';
import { addTimer, type Timer } from './timer-queue.ts';

/** A waiting task. Agents are named by creation numbers; 0 is the outside. */
export interface SavedTask {
  readonly agent: number;
  readonly kind: number;
  readonly sequence: number;
  readonly priority: number;
  readonly sender: number;
  readonly detail: number;
  readonly tag: number;
  /** Topic or channel that brought it; empty for none. */
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly enqueuedTick: number;
  readonly sentTick: number;
  readonly effectIndex: number;
  readonly attempts: number;
  /** Init, configuration or shutdown: not of the mailbox. */
  readonly urgent: boolean;
  /** 1 more than the index of the model whose answer it is. */
  readonly model: number;
}

export interface SavedTimer {
  readonly number: number;
  readonly dueTick: number;
  readonly tag: number;
  /** Its firing waits in the mailbox. */
  readonly fired: boolean;
}

export interface SavedEffect {
  readonly sequence: number;
  /** The effect's words, little-endian. */
  readonly words: Uint8Array;
  readonly tick: number;
  readonly index: number;
  readonly incarnation: number;
  readonly failed: boolean;
}

export interface SavedAgent {
  readonly number: number;
  readonly origin: number;
  readonly counter: number;
  readonly name: string;
  /** Index of the declaration. */
  readonly declaration: number;
  /** Index in `phases`. */
  readonly phase: number;
  readonly paused: boolean;
  readonly incarnation: number;
  readonly nextTimer: number;
  readonly nextChild: number;
  readonly configuration: Uint8Array;
  /** Topics and channels in the order of its subscriptions. */
  readonly topics: readonly string[];
  readonly timers: readonly SavedTimer[];
  readonly outbox: readonly SavedEffect[];
  /** When its back-off ends; 0 where it is in none. */
  readonly restartTick: number;
  /** The tick of its restart image; 0: it has none. */
  readonly imageTick: number;
  /** It restarts from an image, and has run since that was taken. */
  readonly unimaged: boolean;
  readonly nextRequest: number;
}

export interface SavedRequest {
  readonly agent: number;
  readonly incarnation: number;
  readonly number: number;
  readonly version: number;
  readonly tag: number;
  readonly tick: number;
  readonly dueTick: number;
  readonly payload: Uint8Array;
  /** Of a text that comes in pieces: 1 more than the piece that is due; else 0. */
  readonly piece: number;
  /** Of the pieces that were given. */
  readonly tokens: readonly number[];
}

/** A model: which of its versions is in use, and what waits for its answers, in their order. */
export interface SavedModel {
  readonly name: string;
  readonly version: number;
  readonly requests: readonly SavedRequest[];
  /** What the input said that declared it; empty where the configuration does. */
  readonly detail: Uint8Array;
}

export interface SavedTopic {
  readonly name: string;
  readonly channel: boolean;
  /** Creation numbers in the order of subscription. */
  readonly subscribers: readonly number[];
}

export interface SavedScheduler {
  readonly tick: number;
  readonly sequence: number;
  readonly hostCounter: number;
  /** Creation number that round-robin served last. */
  readonly served: number;
  readonly stopping: boolean;
  /** By creation number, ended ones included. */
  readonly agents: readonly SavedAgent[];
  /** By sequence. */
  readonly schedulerQueue: readonly SavedTask[];
  readonly topics: readonly SavedTopic[];
  readonly waitingInputs: readonly Input[];
  readonly waitingCalls: readonly Input[];
  /** In the order of the configuration, and behind that, of the inputs that declared them. */
  readonly onnxModelStates: readonly SavedModel[];
}

/** Never reordered: snapshots hold indices. */
export const phases: readonly Phase[] = [
  'starting',
  'active',
  'backing-off',
  'stopping',
  'stopped',
  'failed',
];

/** Captures the state after a tick was committed and before the next is opened. Payloads are copied. */
export function saveState(state: SchedulerState): SavedScheduler {
  const agents = state.agents.filter((agent) => agent !== undefined);
  const restarts = new Map(state.restarts.items.map(({ agent, dueTick }) => [agent, dueTick]));
  const topics = [...state.topics, ...state.channels.values()];
  return {
    tick: state.tick,
    sequence: state.sequence,
    hostCounter: state.hostCounter,
    served: state.runQueue.served,
    stopping: state.stopping,
    agents: agents.map((agent) => ({
      ...saveAgent(agent, restarts.get(agent) ?? 0),
      unimaged: state.unimaged.has(agent),
    })),
    schedulerQueue: agents.flatMap(saveTasks).sort((a, b) => a.sequence - b.sequence),
    topics: topics.map(({ name, channel, subscribers }) => ({
      name,
      channel,
      subscribers: [...subscribers].map((agent) => agent.number),
    })),
    waitingInputs: state.waitingInputs,
    waitingCalls: state.waitingCalls,
    onnxModelStates: saveModels(state),
  };
}

function saveModels(state: SchedulerState): SavedModel[] {
  const waiting = waitingRequests(state);
  return state.requests.models.map(({ declaration, version }, index) => {
    const requests = waiting.filter(({ model }) => model === index).map(saveRequest);
    const { name, detail = new Uint8Array(0) } = declaration;
    return { name, version, requests, detail };
  });
}

function saveRequest({ agent, payload, generation, model: _, ...request }: ModelRequest): SavedRequest {
  const { bytes, offset, length } = payload;
  const piece = generation === undefined ? 0 : generation.part + 1;
  const tokens = [...(generation?.tokens ?? [])];
  return { ...request, agent: agent.number, payload: bytes.slice(offset, offset + length), piece, tokens };
}

function saveAgent(agent: Agent, restartTick: number): Omit<SavedAgent, 'unimaged'> {
  const { bytes, offset, length } = agent.configuration;
  const { nextTimer, nextChild, nextRequest } = isAlive(agent) ? agent : noCounters;
  const timers = [...agent.timers.values()].map(({ number, dueTick, tag, task }) => {
    return { number, dueTick, tag, fired: task !== null };
  });
  return {
    number: agent.number,
    origin: agent.origin,
    counter: agent.counter,
    name: agent.name,
    declaration: agent.declarationIndex,
    phase: phases.indexOf(agent.phase),
    paused: agent.paused,
    incarnation: agent.incarnation,
    nextTimer,
    nextChild,
    configuration: isAlive(agent) ? bytes.slice(offset, offset + length) : new Uint8Array(0),
    topics: [...agent.topics].map((topic) => topic.name),
    timers,
    outbox: (agent.outbox ?? []).map(({ words, ...effect }) => {
      const copy = words.slice();
      return { ...effect, words: new Uint8Array(copy.buffer) };
    }),
    restartTick: agent.phase === 'backing-off' ? restartTick : 0,
    imageTick: agent.imageTick,
    nextRequest,
  };
}

/** Nobody counts on in an agent that has ended. */
const noCounters = { nextTimer: 0, nextChild: 0, nextRequest: 0 } as const;

function saveTasks(agent: Agent): SavedTask[] {
  return waitingTasks(agent).map((task) => ({
    agent: agent.number,
    kind: task.kind,
    sequence: task.sequence,
    priority: task.priority,
    sender: task.sender?.number ?? 0,
    detail: task.detail,
    tag: task.tag,
    topic: task.topic?.name ?? '',
    payload: task.bytes.slice(task.offset, task.offset + task.length),
    enqueuedTick: task.enqueuedTick,
    sentTick: task.sentTick,
    effectIndex: task.effectIndex,
    attempts: task.attempts,
    urgent: agent.urgent.includes(task),
    model: task.model + 1,
  }));
}

/** The state that was saved, for the same configuration: agents, topics and declarations keep their order. */
export function restoreState(config: SchedulerConfig, saved: SavedScheduler): SchedulerState {
  const state = createState(config);
  state.tick = saved.tick;
  state.sequence = saved.sequence;
  state.hostCounter = saved.hostCounter;
  state.runQueue.served = saved.served;
  state.stopping = saved.stopping;
  state.waitingInputs = [...saved.waitingInputs];
  state.waitingCalls = [...saved.waitingCalls];
  for (const agent of saved.agents) restoreAgent(state, agent);
  restoreTopics(state, saved);
  restoreModels(state, saved);
  for (const task of saved.schedulerQueue) restoreTask(state, task);
  saved.agents.forEach((savedAgent) => {
    const agent = state.agents[savedAgent.number]!;
    restoreTimers(state, agent, savedAgent.timers);
    refreshHead(state, agent);
  });
  retire(state, [...state.agents]);
  return state;
}

function restoreAgent(state: SchedulerState, saved: SavedAgent): void {
  const { origin, counter } = saved;
  const agent = createAgent(state, { origin, counter }, saved.name, saved.declaration);
  assert(agent.number === saved.number, 'saved agents come by creation number');
  if (origin === 0) state.hostAgents[counter] = agent;
  else {
    const parent = state.agents[origin]!;
    parent.children ??= [];
    parent.children[counter] = agent;
  }
  agent.phase = phases[saved.phase]!;
  agent.paused = saved.paused;
  agent.incarnation = saved.incarnation;
  agent.imageTick = saved.imageTick;
  if (saved.unimaged) state.unimaged.add(agent);
  agent.nextTimer = saved.nextTimer;
  agent.nextChild = saved.nextChild;
  agent.nextRequest = saved.nextRequest;
  agent.configuration = { bytes: saved.configuration, offset: 0, length: saved.configuration.length };
  if (saved.outbox.length > 0) {
    state.blocked.add(agent);
    agent.outbox = saved.outbox.map(({ words: bytes, ...effect }) => {
      const own = bytes.slice();
      return { ...effect, words: new Uint32Array(own.buffer), bytes: own };
    });
  }
  if (agent.phase === 'backing-off') pushHeap(state.restarts, { dueTick: saved.restartTick, agent });
  if (!isAlive(agent)) return;
  state.aliveCount++;
  state.reservedPages += agent.declaration.limits.memoryPagesMax;
  if (agent.declaration.everyTick) state.everyTick.add(agent);
}

function restoreModels(state: SchedulerState, { onnxModelStates }: SavedScheduler): void {
  onnxModelStates.forEach(({ version, requests, detail }, model) => {
    if (detail.length > 0) declareModel(state, detail);
    state.requests.models[model]!.version = version;
    for (const { agent, payload: bytes, piece, tokens, ...request } of requests) {
      const payload = { bytes, offset: 0, length: bytes.length };
      const generation = piece === 0 ? undefined : { part: piece - 1, tokens: [...tokens] };
      restoreRequest(state, { ...request, agent: state.agents[agent]!, model, payload, generation });
    }
  });
}

function topicOf(state: SchedulerState, name: string): Topic {
  return state.topicByName.get(name) ?? state.channels.get(name) ?? createChannel(name);
}

function restoreTopics(state: SchedulerState, saved: SavedScheduler): void {
  for (const { name, channel, subscribers } of saved.topics) {
    const topic = topicOf(state, name);
    if (channel) state.channels.set(name, topic);
    for (const number of subscribers) topic.subscribers.add(state.agents[number]!);
  }
  for (const { number, topics } of saved.agents) {
    for (const name of topics) state.agents[number]!.topics.add(topicOf(state, name));
  }
}

function isNotice(kind: number): boolean {
  return kind === TaskKind.notice || kind === TaskKind.fault;
}

function restoreTask(state: SchedulerState, saved: SavedTask): void {
  const agent = state.agents[saved.agent]!;
  // What a notice tells may change while it waits, and a saved state may be restored twice.
  const payload = isNotice(saved.kind) ? saved.payload.slice() : saved.payload;
  const task: Task = {
    kind: saved.kind as TaskKind,
    agent,
    sequence: saved.sequence,
    priority: saved.priority,
    sender: saved.sender === 0 ? null : state.agents[saved.sender]!,
    detail: saved.detail,
    tag: saved.tag,
    topic: saved.topic === '' ? null : topicOf(state, saved.topic),
    bytes: payload,
    offset: 0,
    length: payload.length,
    enqueuedTick: saved.enqueuedTick,
    sentTick: saved.sentTick,
    effectIndex: saved.effectIndex,
    slotHeld: false,
    attempts: saved.attempts,
    queued: false,
    taken: false,
    position: -1,
    next: null,
    model: saved.model - 1,
  };
  if (saved.urgent) agent.urgent = [...agent.urgent, task];
  else insertTask(agent.mailbox, task);
  if (holdsSlot(task.kind)) holdSlot(task);
  if (task.model >= 0) countPending(state, task);
  if (task.kind === TaskKind.again) agent.againPending = true;
  if (task.kind === TaskKind.everyTick) agent.everyTickPending = true;
  if (isFaultNotice(task)) {
    agent.faultNotices ??= new Map();
    agent.faultNotices.set(task.sender!, task);
  }
  if (task.kind === TaskKind.notice) {
    const count = new DataView(task.bytes.buffer, task.bytes.byteOffset).getUint32(noticeOffset.count, true);
    agent.notice = { task, count };
  }
}

function restoreTimers(state: SchedulerState, agent: Agent, timers: readonly SavedTimer[]): void {
  const firings = new Map(
    waitingTasks(agent)
      .filter((task) => task.kind === TaskKind.timer)
      .map((task) => [task.detail, task]),
  );
  for (const { number, dueTick, tag, fired } of timers) {
    const timer: Timer = { agent, number, dueTick, tag, cancelled: false, task: firings.get(number) ?? null };
    if (fired) agent.timers.set(number, timer);
    else addTimer(state.timers, timer);
  }
}
