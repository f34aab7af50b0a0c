// The messages of a snapshot file. Field numbers are never reused; new ones are only appended.

import { type Input, inputTable } from '../../log/input.ts';
import { type MessageTable, message } from '../../log/message.ts';
import type {
  SavedAgent,
  SavedEffect,
  SavedModel,
  SavedRequest,
  SavedScheduler,
  SavedTask,
  SavedTimer,
  SavedTopic,
} from '../../scheduler/index.ts';

/** A page of 64 KiB that is not all zero, by the hash of its content. */
export interface PageEntry {
  readonly sha256: Uint8Array;
  /** The tick of the snapshot beside which it was written. */
  readonly pack: number;
  readonly offset: number;
  readonly length: number;
}

/** One agent's instance: its state, and its memory as indices into the table of pages; 0 is a page of zeros. */
export interface AgentEntry {
  readonly number: number;
  /** State words, little-endian. */
  readonly state: Uint8Array;
  readonly pages: readonly number[];
}

/** The content of a snapshot file. */
export interface SnapshotFile {
  readonly format: number;
  readonly tick: number;
  readonly digest: Uint8Array;
  /** Logical milliseconds. */
  readonly timestamp: number;
  readonly scheduler: SavedScheduler;
  readonly agents: readonly AgentEntry[];
  readonly pages: readonly PageEntry[];
  /** Restart images. */
  readonly images: readonly AgentEntry[];
  /** Of the run that took it. */
  readonly runId: string;
}

const taskTable = message<SavedTask>('SnapshotTask', {
  agent: [1, 'uint32'],
  kind: [2, 'uint32'],
  sequence: [3, 'uint64'],
  priority: [4, 'sint32'],
  sender: [5, 'uint32'],
  detail: [6, 'uint32'],
  tag: [7, 'sint32'],
  topic: [8, 'string'],
  payload: [9, 'bytes'],
  enqueuedTick: [10, 'uint64'],
  sentTick: [11, 'uint64'],
  effectIndex: [12, 'uint32'],
  attempts: [13, 'uint32'],
  urgent: [14, 'bool'],
  model: [15, 'uint32'],
});

const timerTable = message<SavedTimer>('SnapshotTimer', {
  number: [1, 'uint32'],
  dueTick: [2, 'uint64'],
  tag: [3, 'sint32'],
  fired: [4, 'bool'],
});

const effectTable = message<SavedEffect>('SnapshotEffect', {
  sequence: [1, 'uint64'],
  words: [2, 'bytes'],
  tick: [3, 'uint64'],
  index: [4, 'uint32'],
  incarnation: [5, 'uint32'],
  failed: [6, 'bool'],
});

const schedulerAgentTable = message<SavedAgent>('SnapshotAgent', {
  number: [1, 'uint32'],
  origin: [2, 'uint32'],
  counter: [3, 'uint32'],
  name: [4, 'string'],
  declaration: [5, 'uint32'],
  phase: [6, 'uint32'],
  paused: [7, 'bool'],
  incarnation: [8, 'uint32'],
  nextTimer: [9, 'uint32'],
  nextChild: [10, 'uint32'],
  configuration: [11, 'bytes'],
  topics: [12, 'string', 'repeated'],
  timers: [13, timerTable, 'repeated'],
  outbox: [14, effectTable, 'repeated'],
  restartTick: [15, 'uint64'],
  imageTick: [16, 'uint64'],
  unimaged: [17, 'bool'],
  nextRequest: [18, 'uint32'],
});

const requestTable = message<SavedRequest>('SnapshotRequest', {
  agent: [1, 'uint32'],
  incarnation: [2, 'uint32'],
  number: [3, 'uint32'],
  version: [4, 'uint32'],
  tag: [5, 'sint32'],
  tick: [6, 'uint64'],
  dueTick: [7, 'uint64'],
  payload: [8, 'bytes'],
  piece: [9, 'uint32'],
  tokens: [10, 'uint32', 'repeated'],
});

const modelTable = message<SavedModel>('SnapshotModel', {
  name: [1, 'string'],
  version: [2, 'uint32'],
  requests: [3, requestTable, 'repeated'],
  detail: [4, 'bytes'],
});

const topicTable = message<SavedTopic>('SnapshotTopic', {
  name: [1, 'string'],
  channel: [2, 'bool'],
  subscribers: [3, 'uint32', 'repeated'],
});

const inputs: MessageTable<Input> = inputTable;

const schedulerTable = message<SavedScheduler>('SnapshotScheduler', {
  tick: [1, 'uint64'],
  sequence: [2, 'uint64'],
  hostCounter: [3, 'uint32'],
  served: [4, 'uint32'],
  stopping: [5, 'bool'],
  agents: [6, schedulerAgentTable, 'repeated'],
  schedulerQueue: [7, taskTable, 'repeated'],
  topics: [8, topicTable, 'repeated'],
  waitingInputs: [9, inputs, 'repeated'],
  waitingCalls: [10, inputs, 'repeated'],
  onnxModelStates: [11, modelTable, 'repeated'],
});

const pageTable = message<PageEntry>('SnapshotPage', {
  sha256: [1, 'bytes'],
  pack: [2, 'uint64'],
  offset: [3, 'uint64'],
  length: [4, 'uint32'],
});

const agentTable = message<AgentEntry>('SnapshotMemory', {
  number: [1, 'uint32'],
  state: [2, 'bytes'],
  pages: [3, 'uint32', 'repeated'],
});

type SnapshotFormat = Pick<SnapshotFile, 'format'>;

/** What every format begins with. */
export const formatTable: MessageTable<SnapshotFormat> = message<SnapshotFormat>('SnapshotFormat', {
  format: [1, 'uint32'],
});

export const snapshotTable: MessageTable<SnapshotFile> = message<SnapshotFile>('Snapshot', {
  format: [1, 'uint32'],
  tick: [2, 'uint64'],
  digest: [3, 'bytes'],
  timestamp: [4, 'uint64'],
  scheduler: [5, schedulerTable],
  agents: [6, agentTable, 'repeated'],
  pages: [7, pageTable, 'repeated'],
  images: [8, agentTable, 'repeated'],
  runId: [9, 'string'],
});
