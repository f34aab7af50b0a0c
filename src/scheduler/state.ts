// The scheduler's state: everything that decides what runs next. Plain data and queues, no I/O, no clock.

import type { TaskKind } from '../abi/envelope.ts';
import type { AgentLimits } from '../base/limits.ts';
import type { Input } from '../log/input.ts';
import type { SchedulerEvent } from './event.ts';
import { createMailbox, type Mailbox } from './mailbox.ts';
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
}

export interface TopicDeclaration {
  readonly name: string;
  /** Messages of the topic that may wait per receiver; null: only the mailbox bounds. */
  readonly maxWaiting: number | null;
}

export interface SchedulerConfig {
  readonly policy: Policy;
  readonly tasksPerTickMax: number;
  readonly agentsMax: number;
  readonly declarations: readonly Declaration[];
  readonly topics: readonly TopicDeclaration[];
}

/**
 * starting: init has not run; active; stopping: only shutdown is left; stopped and failed are for good.
 */
export type Phase = 'starting' | 'active' | 'stopping' | 'stopped' | 'failed';

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
  /** Whether an entry of the run queue refers to it. */
  queued: boolean;
  /** Planned, cancelled or dropped: queues skip it. */
  taken: boolean;
  /** Position in the plan, once planned. */
  position: number;
  /** The next task of the same turn. */
  next: Task | null;
}

/** A declared topic or a channel, with its subscribers in the order of their subscription. */
export interface Topic {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly channel: boolean;
  readonly maxWaiting: number | null;
  readonly subscribers: Set<Agent>;
}

/** What a sender has not been told yet: one reserved slot that coalesces. */
export interface PendingNotice {
  readonly task: Task;
  count: number;
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
  /** Init or shutdown: goes before the mailbox. */
  urgent: Task | null;
  readonly mailbox: Mailbox;
  /** Messages and scheduled tasks that hold a slot, planned ones of this tick included. */
  slotsUsed: number;
  /** Waiting messages per topic that has a bound of its own. */
  topicSlotsUsed: Map<Topic, number> | null;
  againPending: boolean;
  everyTickPending: boolean;
  notice: PendingNotice | null;
  readonly topics: Set<Topic>;
  readonly timers: Map<number, Timer>;
  /** Agents that this one spawned, by counter. */
  readonly children: Map<number, Agent>;
  /** Deliveries that its effects caused, and effects applied, in `countedTick`. */
  deliveries: number;
  effects: number;
  countedTick: number;
  /** First and last task of its turn in the current plan. */
  turnHead: Task | null;
  turnTail: Task | null;
}

export interface SchedulerState {
  readonly config: SchedulerConfig;
  /** The last tick that was planned; 0 before the first. */
  tick: number;
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
  /** Sealed inputs of a pulled source whose receiver was full, in order; the source pulls nothing meanwhile. */
  waitingInputs: Input[];
  /** What happened in the current tick besides the tasks themselves, in order. */
  events: SchedulerEvent[];
  /** Agents that ended in the current tick: their instances can go. */
  released: Agent[];
  /** Messages delivered in the current tick. */
  deliveredCount: number;
  /** Set by the stop input: nothing but shutdown runs any more. */
  stopping: boolean;
}

const encoder = new TextEncoder();

export function createTopic(name: string, channel: boolean, maxWaiting: number | null): Topic {
  return { name, nameBytes: encoder.encode(name), channel, maxWaiting, subscribers: new Set() };
}

/** A state without agents; `createDeclaredAgents` adds those of the system file. */
export function createState(config: SchedulerConfig): SchedulerState {
  const topics = config.topics.map((topic) => createTopic(topic.name, false, topic.maxWaiting));
  return {
    config,
    tick: 0,
    sequence: 0,
    agents: [undefined as unknown as Agent],
    hostAgents: [undefined],
    hostCounter: 0,
    aliveCount: 0,
    topics,
    topicByName: new Map(topics.map((topic) => [topic.name, topic])),
    channels: new Map(),
    everyTick: new Set(),
    runQueue: createRunQueue(config.policy),
    timers: createTimerQueue(),
    waitingInputs: [],
    events: [],
    released: [],
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
    urgent: null,
    mailbox: createMailbox(),
    slotsUsed: 0,
    topicSlotsUsed: null,
    againPending: false,
    everyTickPending: false,
    notice: null,
    topics: new Set(),
    timers: new Map(),
    children: new Map(),
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
  return state.agents[origin]?.children.get(counter);
}

/** Whether work may still be planned for the agent. */
export function isAlive(agent: Agent): boolean {
  return agent.phase !== 'stopped' && agent.phase !== 'failed';
}
