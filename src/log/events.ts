// The events of the record, but inputs: their shapes and tables. Field numbers are never reused, new ones are only
// appended.

import { type MessageTable, message } from './message.ts';

/** First in each chunk: the hash of all that was written before, across segments. */
export interface Chain {
  readonly sha256: Uint8Array;
  readonly segment: number;
  /** Position of the chunk within its segment. */
  readonly chunk: number;
}

/** A run begins, or goes on in a new epoch. */
export interface RunStarted {
  readonly format: number;
  readonly engine: string;
  readonly epoch: number;
  readonly durability: string;
  readonly configSha256: Uint8Array;
  readonly costTable: number;
  readonly moduleSha256: readonly Uint8Array[];
  /** Version of Node; a fact of the host, for people. */
  readonly node: string;
  /** Tick and digest of the snapshot that the run began from; 0 and empty where it began from nothing. */
  readonly baseTick: number;
  readonly baseDigest: Uint8Array;
  /** Identity of the run, as in `run.json`. */
  readonly runId: string;
  readonly origin?: RunOrigin | undefined;
  /** As in `run.json`. */
  readonly redacted?: readonly string[] | undefined;
  /** What the run was told of its machine, as JSON; for going on with it. */
  readonly host: string;
}

/** Where a fork comes from. */
export interface RunOrigin {
  /** Identity of the other run, and the name of its folder. */
  readonly runId: string;
  readonly name: string;
  /** The last tick that both have in common, and its digest in hexadecimal. */
  readonly tick: number;
  readonly digest: string;
  /** What was changed, in words. */
  readonly changes: readonly string[];
}

/** A run ends; it may go on in a later epoch. */
export interface RunEnded {
  readonly tick: number;
  /** `quiescence`, `ticks`, `interrupted` or `failed`. */
  readonly reason: string;
  readonly digest: Uint8Array;
}

/** A tick has happened: its digest, and what was counted in it. */
export interface TickDigest {
  readonly tick: number;
  readonly digest: Uint8Array;
  readonly tasks: number;
  readonly messages: number;
  readonly fuel: number;
  readonly faults: number;
  readonly outputs: number;
  /** Messages that reached nobody. */
  readonly dropped: number;
}

/** What became of each task of a tick, in order of the plan: four columns of one length. */
export interface TickOutcomes {
  readonly tick: number;
  /** Creation numbers of agents. */
  readonly agent: ArrayLike<number>;
  /** Kinds of task. */
  readonly kind: ArrayLike<number>;
  readonly outcome: ArrayLike<number>;
  readonly fuel: ArrayLike<number>;
}

/** What an agent gave to the outside; (`epoch`, `tick`, `index`) tells a repeat. */
export interface Output {
  readonly epoch: number;
  readonly tick: number;
  readonly index: number;
  readonly agent: string;
  readonly payload: Uint8Array;
}

/** A task of an agent failed. */
export interface Fault {
  readonly tick: number;
  readonly agent: string;
  /** Creation number of the agent. */
  readonly number: number;
  readonly kind: string;
  readonly message: string;
  readonly taskKind: number;
  readonly fuel: number;
  /** The functions that it trapped in, the innermost first; empty where that is not known. Then 0 for the others. */
  readonly functions: string;
  /** Index of the innermost one. */
  readonly functionIndex: number;
  /** Offset in the author's module. */
  readonly offset: number;
}

/** Life cycle, drops and dead letters, refused host calls. */
export interface Event {
  readonly tick: number;
  readonly kind: string;
  readonly agent: string;
  readonly other: string;
  readonly reason: string;
  readonly count: number;
  readonly text: string;
}

/** A line of an agent's log. */
export interface LogText {
  readonly tick: number;
  readonly agent: string;
  readonly level: number;
  readonly text: string;
  /** The task that wrote it failed. */
  readonly failed: boolean;
}

/** The whole transcript of a tick, where a run keeps it. */
export interface TickTrace {
  readonly tick: number;
  readonly transcript: Uint8Array;
}

/** What was answered to a request, told once; inputs name it by its hash. */
export interface Answer {
  readonly sha256: Uint8Array;
  readonly bytes: Uint8Array;
}

export const chainTable: MessageTable<Chain> = message<Chain>('Chain', {
  sha256: [1, 'bytes'],
  segment: [2, 'uint32'],
  chunk: [3, 'uint32'],
});

const originTable: MessageTable<RunOrigin> = message<RunOrigin>('RunOrigin', {
  runId: [1, 'string'],
  name: [2, 'string'],
  tick: [3, 'uint64'],
  digest: [4, 'string'],
  changes: [5, 'string', 'repeated'],
});

export const runStartedTable: MessageTable<RunStarted> = message<RunStarted>('RunStarted', {
  format: [1, 'uint32'],
  engine: [2, 'string'],
  epoch: [3, 'uint32'],
  durability: [4, 'string'],
  configSha256: [5, 'bytes'],
  costTable: [6, 'uint32'],
  moduleSha256: [7, 'bytes', 'repeated'],
  node: [8, 'string'],
  baseTick: [9, 'uint64'],
  baseDigest: [10, 'bytes'],
  runId: [11, 'string'],
  origin: [12, originTable],
  redacted: [13, 'string', 'repeated'],
  host: [14, 'string'],
});

export const runEndedTable: MessageTable<RunEnded> = message<RunEnded>('RunEnded', {
  tick: [1, 'uint64'],
  reason: [2, 'string'],
  digest: [3, 'bytes'],
});

export const tickDigestTable: MessageTable<TickDigest> = message<TickDigest>('TickDigest', {
  tick: [1, 'uint64'],
  digest: [2, 'bytes'],
  tasks: [3, 'uint32'],
  messages: [4, 'uint32'],
  fuel: [5, 'uint64'],
  faults: [6, 'uint32'],
  outputs: [7, 'uint32'],
  dropped: [8, 'uint32'],
});

export const tickOutcomesTable: MessageTable<TickOutcomes> = message<TickOutcomes>('TickOutcomes', {
  tick: [1, 'uint64'],
  agent: [2, 'uint32', 'repeated'],
  kind: [3, 'uint32', 'repeated'],
  outcome: [4, 'uint32', 'repeated'],
  fuel: [5, 'uint64', 'repeated'],
});

export const outputTable: MessageTable<Output> = message<Output>('Output', {
  epoch: [1, 'uint32'],
  tick: [2, 'uint64'],
  index: [3, 'uint32'],
  agent: [4, 'string'],
  payload: [5, 'bytes'],
});

export const faultTable: MessageTable<Fault> = message<Fault>('Fault', {
  tick: [1, 'uint64'],
  agent: [2, 'string'],
  number: [3, 'uint32'],
  kind: [4, 'string'],
  message: [5, 'string'],
  taskKind: [6, 'uint32'],
  fuel: [7, 'uint64'],
  functions: [8, 'string'],
  functionIndex: [9, 'uint32'],
  offset: [10, 'uint32'],
});

export const eventTable: MessageTable<Event> = message<Event>('Event', {
  tick: [1, 'uint64'],
  kind: [2, 'string'],
  agent: [3, 'string'],
  other: [4, 'string'],
  reason: [5, 'string'],
  count: [6, 'uint32'],
  text: [7, 'string'],
});

export const logTextTable: MessageTable<LogText> = message<LogText>('LogText', {
  tick: [1, 'uint64'],
  agent: [2, 'string'],
  level: [3, 'uint32'],
  text: [4, 'string'],
  failed: [5, 'bool'],
});

export const tickTraceTable: MessageTable<TickTrace> = message<TickTrace>('TickTrace', {
  tick: [1, 'uint64'],
  transcript: [2, 'bytes'],
});

export const answerTable: MessageTable<Answer> = message<Answer>('Answer', {
  sha256: [1, 'bytes'],
  bytes: [2, 'bytes'],
});
