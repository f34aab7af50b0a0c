// What the reference model knows: plain arrays that are scanned, nothing indexed or kept sorted. It is written from the
// rules of docs/SEMANTICS.md alone and shares no code with src/scheduler.

import { TaskKind } from '../../src/abi/envelope.ts';

/** Bytes as a string of characters 0 to 255. */
export type Bytes = string;

export interface Identity {
  readonly origin: number;
  readonly counter: number;
}

export type ModelOverflow = 'reject' | 'drop-newest' | 'drop-oldest' | 'block';
export type ModelPhase = 'starting' | 'active' | 'backing-off' | 'stopping' | 'stopped' | 'failed';

export interface ModelDeclaration {
  readonly name: string;
  readonly count: number | null;
  readonly subscriptions: readonly number[];
  readonly channels: readonly string[];
  readonly everyTick: boolean;
  readonly configuration: Bytes;
  readonly mailboxMessagesMax: number;
  readonly memoryPagesMax: number;
  readonly deliveriesPerTickMax: number;
  readonly attemptsMax: number;
  readonly channelsMax: number;
  readonly overflow: ModelOverflow;
  readonly restart: {
    readonly policy: 'never' | 'from-init' | 'from-image';
    readonly restartsMax: number;
    readonly backoffTicks: number;
    readonly backoffTicksMax: number;
    readonly imageTicks: number;
  };
  /** Counter of the agent of the system file that is told of faults. */
  readonly onFault: number | null;
}

export interface ModelTopicDeclaration {
  readonly name: string;
  readonly maxWaiting: number | null;
  readonly overflow: ModelOverflow;
  /** A payload that begins with this character breaks the contract; empty: there is none. */
  readonly refusedInitial: string;
}

/** A model that agents ask, as the rules of requests see it. */
export interface AskedDeclaration {
  readonly latencyTicks: number;
  readonly pendingMax: number;
  readonly pendingPerAgentMax: number;
}

export interface ModelConfig {
  readonly policy: 'fifo' | 'priority' | 'round-robin';
  readonly ageTicks: number;
  readonly tasksPerTickMax: number;
  readonly agentsMax: number;
  readonly memoryPagesReservedMax: number;
  /** Answers that a tick takes; those behind them come in the next. */
  readonly answersPerTickMax: number;
  readonly declarations: readonly ModelDeclaration[];
  readonly topics: readonly ModelTopicDeclaration[];
  readonly models: readonly AskedDeclaration[];
}

export type ModelInput =
  | (Identity & {
      readonly kind: 'message';
      readonly payload: Bytes;
      readonly priority: number;
      readonly waits: boolean;
    })
  | (Identity & { readonly kind: 'scheduled'; readonly payload: Bytes; readonly priority: number })
  | {
      readonly kind: 'publish';
      readonly name: string;
      readonly payload: Bytes;
      readonly priority: number;
      readonly waits: boolean;
    }
  | (Identity & { readonly kind: 'spawn'; readonly name: string; readonly payload: Bytes })
  | (Identity & { readonly kind: 'terminate' | 'pause' | 'resume' | 'step' })
  | (Identity & { readonly kind: 'join' | 'leave'; readonly name: string })
  | {
      readonly kind: 'answer';
      readonly origin: number;
      readonly counter: number;
      /** Of the request. */
      readonly number: number;
      readonly payload: Bytes;
      /** Whether a further piece comes. */
      readonly more: boolean;
    }
  | { readonly kind: 'stop' };

export type ModelEffect =
  | (Identity & { readonly kind: 'send'; readonly payload: Bytes })
  | { readonly kind: 'publish'; readonly topic: number; readonly payload: Bytes }
  | { readonly kind: 'publishChannel'; readonly name: string; readonly payload: Bytes }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly topic: number }
  | { readonly kind: 'join' | 'leave'; readonly name: string }
  | { readonly kind: 'setTimer'; readonly number: number; readonly delay: number; readonly tag: number }
  | { readonly kind: 'cancelTimer'; readonly number: number }
  | { readonly kind: 'log'; readonly payload: Bytes; readonly failed: boolean }
  | { readonly kind: 'output'; readonly payload: Bytes }
  | {
      readonly kind: 'spawn';
      readonly counter: number;
      readonly declaration: number;
      readonly payload: Bytes;
    }
  | (Identity & { readonly kind: 'terminate' })
  | {
      readonly kind: 'infer' | 'generate';
      readonly number: number;
      readonly model: number;
      readonly tag: number;
      readonly payload: Bytes;
    }
  | {
      readonly kind: 'counters';
      readonly nextTimer: number;
      readonly nextChild: number;
      readonly nextRequest: number;
    };

export type ModelOutcome = 'done' | 'again' | 'finished' | 'failed';

/** What one task did. */
export interface ModelResult {
  readonly outcome: ModelOutcome;
  readonly fault: number;
  readonly effects: readonly ModelEffect[];
}

export interface ModelTask {
  readonly kind: TaskKind;
  readonly agent: ModelAgent;
  readonly sequence: number;
  readonly priority: number;
  readonly sender: ModelAgent | null;
  readonly topic: ModelTopic | null;
  payload: Bytes;
  readonly detail: number;
  readonly tag: number;
  readonly enqueuedTick: number;
  readonly sentTick: number;
  readonly effectIndex: number;
  attempts: number;
  /** Of a notice: the effects or faults that it stands for. */
  count: number;
  /** Whose answer it is; -1 for anything else. */
  readonly model: number;
}

export interface ModelTopic {
  readonly name: string;
  readonly channel: boolean;
  readonly maxWaiting: number | null;
  readonly overflow: ModelOverflow;
  readonly refusedInitial: string;
  /** In order of subscription. */
  subscribers: ModelAgent[];
}

export interface ModelWaiting {
  readonly sequence: number;
  readonly effect: ModelEffect;
  readonly tick: number;
  readonly index: number;
  readonly incarnation: number;
}

export interface ModelTimer {
  readonly agent: ModelAgent;
  readonly number: number;
  readonly dueTick: number;
  readonly tag: number;
}

export interface ModelRequest {
  readonly agent: ModelAgent;
  readonly incarnation: number;
  readonly number: number;
  readonly model: number;
  readonly tag: number;
  /** The tick of the call. */
  readonly tick: number;
  dueTick: number;
  /** The piece that is due; null where one answer is all. */
  readonly part: number | null;
}

export interface ModelAgent {
  readonly number: number;
  readonly origin: number;
  readonly counter: number;
  readonly name: string;
  readonly declaration: ModelDeclaration;
  readonly configuration: Bytes;
  phase: ModelPhase;
  /** Init and configuration, or shutdown. */
  urgent: ModelTask[];
  mailbox: ModelTask[];
  /** Tasks of this tick's plan that still hold their slots. */
  held: ModelTask[];
  paused: boolean;
  stepTick: number;
  outbox: ModelWaiting[];
  incarnation: number;
  /** When its image was taken; 0 for never. */
  imageTick: number;
  /** Whether a task of it has run since. */
  ranSinceImage: boolean;
  nextTimer: number;
  nextChild: number;
  nextRequest: number;
  restartTick: number;
  deliveries: number;
  effectsThisTick: number;
}

export interface ModelEvent {
  readonly kind: string;
  readonly agent: number;
  readonly other: number;
  readonly reason: number;
}

export interface Model {
  readonly config: ModelConfig;
  tick: number;
  /** The tick executed before. */
  previousTick: number;
  sequence: number;
  /** In creation order; the agent with number n is at n - 1. */
  agents: ModelAgent[];
  hostCounter: number;
  topics: ModelTopic[];
  channels: ModelTopic[];
  timers: ModelTimer[];
  /** Those whose answers have not come. */
  requests: ModelRequest[];
  waitingInputs: ModelInput[];
  /** Calls of the embedding program that wait for a blocking receiver. */
  waitingCalls: ModelInput[];
  /** Creation number of the agent served last by round-robin. */
  cursor: number;
  stopping: boolean;
  events: ModelEvent[];
  outputs: { readonly agent: number; readonly payload: Bytes }[];
  texts: { readonly agent: number; readonly payload: Bytes; readonly failed: boolean }[];
  deliveredCount: number;
  /** Whose images are taken after this tick. */
  imaged: number[];
}

export const outside = { origin: 0, counter: 0 } as const;

export function drawSequence(model: Model): number {
  model.sequence++;
  return model.sequence;
}

export function report(
  model: Model,
  kind: string,
  agent: ModelAgent | null,
  other: ModelAgent | null = null,
  reason = 0,
): void {
  model.events.push({ kind, agent: agent?.number ?? 0, other: other?.number ?? 0, reason });
}

export function findAgent(model: Model, { origin, counter }: Identity): ModelAgent | undefined {
  return model.agents.find((agent) => agent.origin === origin && agent.counter === counter);
}

export function isAlive(agent: ModelAgent): boolean {
  return agent.phase !== 'stopped' && agent.phase !== 'failed';
}

/** Messages and scheduled tasks take a slot; the engine's own tasks do not. */
export function takesSlot(kind: TaskKind): boolean {
  return kind === TaskKind.message || kind === TaskKind.topic || kind === TaskKind.scheduled;
}

export function effectivePriority(model: Model, task: ModelTask): number {
  const { ageTicks } = model.config;
  if (ageTicks === 0) return task.priority;
  return task.priority + Math.floor((model.tick - task.enqueuedTick) / ageTicks);
}

/** The mailbox in the order in which its tasks run. */
export function mailboxInOrder(model: Model, agent: ModelAgent): ModelTask[] {
  return [...agent.mailbox].sort(
    (a, b) => effectivePriority(model, b) - effectivePriority(model, a) || a.sequence - b.sequence,
  );
}

export function removeFrom<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}
