// The scheduler's state: everything that decides what runs next. Plain data and queues, no I/O, no clock.

import type { TaskKind } from '../abi/envelope.ts';
import type { AgentLimits } from '../base/limits.ts';
import type { Input } from '../log/input.ts';
import type { SchedulerEvent } from './event.ts';
import { createHeap, type Heap } from './heap.ts';
import { createMailbox, type Mailbox } from './mailbox.ts';
import { createRequestQueue, type ModelDeclaration, type RequestQueue } from './requests.ts';
import { createRunQueue, type Policy, type RunQueue } from './run-queue.ts';
import { createTimerQueue, type Timer, type TimerQueue } from './timer-queue.ts';

/** One kind of agent, as the system declares it. */
export interface Declaration {
  readonly name: string;
  /** null: one agent with the declaration's name; n: NAME/0 … NAME/n-1; 0: only spawned. */
  readonly count: number | null;
  /** Topics subscribed from the start, by index. */
  readonly subscriptions: readonly number[];
  /** Channels joined from the start. */
  readonly channels: readonly string[];
  readonly everyTick: boolean;
  /** Payload of the configuration message; empty for none. */
  readonly configuration: Uint8Array;
  readonly limits: AgentLimits;
  /** For direct messages and scheduled tasks. */
  readonly overflow: Overflow;
  readonly restart: RestartPolicy;
  /** Host counter of the agent that is told when one of these fails; null: nobody is. */
  readonly onFault: number | null;
}

/**
 * What happens to a message whose receiver has no room. reject: a dead letter, and the sender is told; drop-newest: a
 * dead letter; drop-oldest: the oldest waiting one of the same kind makes room; block: the sender waits.
 */
export type Overflow = 'reject' | 'drop-newest' | 'drop-oldest' | 'block';

/** What becomes of an agent that fails. */
export interface RestartPolicy {
  /** from-image: as the agent was at its last image; from init where it has none yet. */
  readonly policy: 'never' | 'from-init' | 'from-image';
  /** Restarts in an agent's life. */
  readonly restartsMax: number;
  /** Ticks before the first restart; each further one waits twice as long, up to `backoffTicksMax`. */
  readonly backoffTicks: number;
  readonly backoffTicksMax: number;
  /** With from-image, an image is taken in the first executed tick at or after each multiple of it. */
  readonly imageTicks: number;
}

export interface TopicDeclaration {
  readonly name: string;
  /** Messages of the topic that may wait per receiver; null: only the mailbox bounds. */
  readonly maxWaiting: number | null;
  readonly overflow: Overflow;
  /** Whether a payload keeps the topic's contract; absent where it has none. Pure. */
  readonly accepts?: ((payload: Uint8Array) => boolean) | undefined;
}

export interface SchedulerConfig {
  readonly policy: Policy;
  /** Ticks of waiting that raise a task's priority by one; 0: none do. */
  readonly ageTicks: number;
  readonly tasksPerTickMax: number;
  readonly agentsMax: number;
  /** Pages that all living agents may reserve together; without bound where it is left out. */
  readonly memoryPagesReservedMax?: number;
  readonly declarations: readonly Declaration[];
  readonly topics: readonly TopicDeclaration[];
  /** None where it is left out. */
  readonly models?: readonly ModelDeclaration[];
  /** Reads what the detail of an input says of a model; absent where no input declares any. Pure. */
  readonly readModel?: (detail: Uint8Array) => ModelDeclaration;
}

/**
 * starting: init has not run; active; backing-off: waits for its restart; stopping: only shutdown is left; stopped and
 * failed are for good.
 */
export type Phase = 'starting' | 'active' | 'backing-off' | 'stopping' | 'stopped' | 'failed';

/** Bytes within a larger buffer that nobody writes again. The same bytes may move to a buffer of their own. */
export interface Payload {
  bytes: Uint8Array;
  offset: number;
  readonly length: number;
}

/** One unit of work for one agent. Payload and topic are views that nobody writes again. */
export interface Task {
  readonly kind: TaskKind;
  readonly agent: Agent;
  readonly sequence: number;
  readonly priority: number;
  readonly sender: Agent | null;
  readonly detail: number;
  readonly tag: number;
  /** The topic or channel that brought it. */
  readonly topic: Topic | null;
  /** The payload lies at `offset` in `bytes`. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  /** The tick in which it was enqueued; ageing counts from it. */
  readonly enqueuedTick: number;
  /** Which of its sender's effects it is: the tick of the call, and the position in that turn. */
  readonly sentTick: number;
  readonly effectIndex: number;
  /** Whether it holds a slot of the mailbox now. */
  slotHeld: boolean;
  /** How often its receiver failed on it. */
  attempts: number;
  /** Whether an entry of the run queue refers to it. */
  queued: boolean;
  /** Planned, cancelled or dropped: queues skip it. */
  taken: boolean;
  /** Position in the plan, once planned. */
  position: number;
  /** The next task of the same turn. */
  next: Task | null;
  /** Index of the model whose answer it is; -1 for anything else. */
  model: number;
}

/** A declared topic or a channel, with its subscribers in the order of their subscription. */
export interface Topic {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly channel: boolean;
  readonly maxWaiting: number | null;
  readonly overflow: Overflow;
  readonly accepts: ((payload: Uint8Array) => boolean) | undefined;
  readonly subscribers: Set<Agent>;
}

/** What a sender has not been told yet: one reserved slot that coalesces. */
export interface PendingNotice {
  readonly task: Task;
  count: number;
}

/** An effect that could not be applied when it was committed. */
export interface WaitingEffect {
  /** Drawn when it was committed: the order of retries. */
  readonly sequence: number;
  /** The effect's words, copied. */
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  /** The tick of the call. */
  readonly tick: number;
  /** Position among the effects of its turn. */
  readonly index: number;
  /** The sender's incarnation at the call. */
  readonly incarnation: number;
  readonly failed: boolean;
}

export interface Agent {
  /** Creation number, from 1; never used again. */
  readonly number: number;
  readonly origin: number;
  readonly counter: number;
  readonly name: string;
  readonly declaration: Declaration;
  readonly declarationIndex: number;
  phase: Phase;
  /** Its first message, at each start; empty for none. */
  configuration: Payload;
  /** Init and configuration, or shutdown: they go before the mailbox, in this order. */
  urgent: readonly Task[];
  /** Nothing is planned for it; what comes waits. */
  paused: boolean;
  /** The tick in which a paused agent may run one task all the same. */
  stepTick: number;
  /** Effects that wait for a receiver, in order; nothing is planned for the agent meanwhile. Empty: null. */
  outbox: WaitingEffect[] | null;
  /** 0, and one more with each restart. */
  incarnation: number;
  /** The tick of its restart image; 0: it has none. */
  imageTick: number;
  /** What the instance has counted, where a restart must go on from it. */
  nextTimer: number;
  nextChild: number;
  nextRequest: number;
  readonly mailbox: Mailbox;
  /** Messages and scheduled tasks that hold a slot, planned ones of this tick included. */
  slotsUsed: number;
  /** Waiting messages per topic that has a bound of its own. */
  topicSlotsUsed: Map<Topic, number> | null;
  againPending: boolean;
  everyTickPending: boolean;
  notice: PendingNotice | null;
  /** Fault notices that wait, by the agent that failed; null before the first. */
  faultNotices: Map<Agent, Task> | null;
  topics: Set<Topic>;
  timers: Map<number, Timer>;
  /** Agents that this one spawned, by counter; null before the first. */
  children: (Agent | undefined)[] | null;
  /** Deliveries that its effects caused, and effects applied, in `countedTick`. */
  deliveries: number;
  effects: number;
  countedTick: number;
  /** First and last task of its turn in the current plan. */
  turnHead: Task | null;
  turnTail: Task | null;
}

export interface Restart {
  readonly dueTick: number;
  readonly agent: Agent;
}

export interface SchedulerState {
  readonly config: SchedulerConfig;
  /** The last tick that was planned; 0 before the first. */
  tick: number;
  /** The tick that was executed before it; 0 for none. */
  previousTick: number;
  sequence: number;
  /** Index is the creation number; index 0 is unused. */
  readonly agents: Agent[];
  /** Agents created by the host, by counter; index 0 is unused. */
  readonly hostAgents: (Agent | undefined)[];
  hostCounter: number;
  aliveCount: number;
  readonly topics: readonly Topic[];
  readonly topicByName: Map<string, Topic>;
  readonly channels: Map<string, Topic>;
  readonly everyTick: Set<Agent>;
  readonly runQueue: RunQueue;
  readonly timers: TimerQueue;
  readonly requests: RequestQueue;
  /** Agents in back-off by (due tick, creation number). */
  readonly restarts: Heap<Restart>;
  /** Agents that restart from an image, and have run since their last one was taken. */
  readonly unimaged: Set<Agent>;
  /** Agents whose restart image is to be taken as they are after the current tick, by creation number. */
  imaged: Agent[];
  /** Agents whose outbox waits. */
  readonly blocked: Set<Agent>;
  /** Sealed inputs of a pulled source whose receiver was full, in order; the source pulls nothing meanwhile. */
  waitingInputs: Input[];
  /** Sealed calls of the embedding program that wait for a receiver, in order. */
  waitingCalls: Input[];
  /** Calls of the program that were dropped in the current tick. */
  refusedCalls: number;
  /**
   * Pages that the living agents may reach together: reserved when they begin, so that growth never depends on
   * others.
   */
  reservedPages: number;
  /** What happened in the current tick besides the tasks themselves, in order. */
  events: SchedulerEvent[];
  /** Agents that ended in the current tick: their instances can go. */
  released: Agent[];
  /** Agents of which little has to be kept from now on: they have ended, and nothing of theirs waits. */
  retiring: Agent[];
  /** Messages delivered in the current tick. */
  deliveredCount: number;
  /** Set by the stop input: nothing but shutdown runs any more. */
  stopping: boolean;
}

const encoder = new TextEncoder();

function createTopic(name: string, channel: boolean, declared?: TopicDeclaration): Topic {
  return {
    name,
    nameBytes: encoder.encode(name),
    channel,
    maxWaiting: declared?.maxWaiting ?? null,
    overflow: declared?.overflow ?? 'reject',
    accepts: declared?.accepts,
    subscribers: new Set(),
  };
}

/** A channel: a topic without declaration. */
export function createChannel(name: string): Topic {
  return createTopic(name, true);
}

/** A state without agents; `createDeclaredAgents` adds those of the system file. */
export function createState(config: SchedulerConfig): SchedulerState {
  const topics = config.topics.map((topic) => createTopic(topic.name, false, topic));
  return {
    config,
    tick: 0,
    previousTick: 0,
    sequence: 0,
    agents: [undefined as unknown as Agent],
    hostAgents: [undefined],
    hostCounter: 0,
    aliveCount: 0,
    topics,
    topicByName: new Map(topics.map((topic) => [topic.name, topic])),
    channels: new Map(),
    everyTick: new Set(),
    runQueue: createRunQueue(config.policy, config.ageTicks),
    timers: createTimerQueue(),
    requests: createRequestQueue(config.models ?? []),
    restarts: createHeap((a, b) =>
      a.dueTick === b.dueTick ? a.agent.number < b.agent.number : a.dueTick < b.dueTick,
    ),
    unimaged: new Set(),
    imaged: [],
    blocked: new Set(),
    waitingInputs: [],
    waitingCalls: [],
    refusedCalls: 0,
    reservedPages: 0,
    events: [],
    released: [],
    retiring: [],
    deliveredCount: 0,
    stopping: false,
  };
}

export interface AgentIdentity {
  readonly origin: number;
  readonly counter: number;
}

export function createAgent(
  state: SchedulerState,
  identity: AgentIdentity,
  name: string,
  declarationIndex: number,
): Agent {
  const declaration = state.config.declarations[declarationIndex]!;
  const agent: Agent = {
    number: state.agents.length,
    origin: identity.origin,
    counter: identity.counter,
    name,
    declaration,
    declarationIndex,
    phase: 'starting',
    configuration: { bytes: new Uint8Array(0), offset: 0, length: 0 },
    urgent: [],
    paused: false,
    stepTick: 0,
    outbox: null,
    incarnation: 0,
    imageTick: 0,
    nextTimer: 0,
    nextChild: 1,
    nextRequest: 0,
    mailbox: createMailbox(),
    slotsUsed: 0,
    topicSlotsUsed: null,
    againPending: false,
    everyTickPending: false,
    notice: null,
    faultNotices: null,
    topics: new Set(),
    timers: new Map(),
    children: null,
    deliveries: 0,
    effects: 0,
    countedTick: -1,
    turnHead: null,
    turnTail: null,
  };
  state.agents.push(agent);
  return agent;
}

/** The agent of an identity, or undefined where none ever had it. */
export function agentOf(state: SchedulerState, origin: number, counter: number): Agent | undefined {
  if (origin === 0) return state.hostAgents[counter];
  return state.agents[origin]?.children?.[counter];
}

/** Whether one more agent of a declaration may live: by the number of agents, and by the pages that they may reach. */
export function hasRoomFor(state: SchedulerState, declarationIndex: number): boolean {
  const { agentsMax, memoryPagesReservedMax = Number.POSITIVE_INFINITY, declarations } = state.config;
  const { memoryPagesMax } = declarations[declarationIndex]!.limits;
  return state.aliveCount < agentsMax && state.reservedPages + memoryPagesMax <= memoryPagesReservedMax;
}

/** Whether work may still be planned for the agent. */
export function isAlive(agent: Agent): boolean {
  return agent.phase !== 'stopped' && agent.phase !== 'failed';
}
