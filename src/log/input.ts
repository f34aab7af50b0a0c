// Inputs as they are sealed, recorded and covered by the digest. Pure: the bytes of an input are part of the contract.

import { assert } from '../base/errors.ts';
import type { ByteWriter } from './byte-writer.ts';
import { encodeMessage, encodeTo, type MessageTable, message } from './message.ts';

/** What an input asks for. Numbers are part of the record and are never reused. */
export const InputKind = {
  /** A direct message to the agent (`origin`, `counter`). */
  message: 1,
  /** A message to the topic or channel `name`. */
  publish: 2,
  /** A task for the agent (`origin`, `counter`). */
  scheduledTask: 3,
  /** A new agent of the declaration `name`, known as (`origin`, `counter`). */
  spawn: 4,
  terminate: 5,
  pause: 6,
  resume: 7,
  /** The agent joins the channel `name`. */
  join: 8,
  /** The run ends. */
  stop: 9,
  /** The agent leaves the channel `name`. */
  leave: 10,
  /** A paused agent runs one task in the tick. */
  step: 11,
  /** The answer to a request of the agent (`origin`, `counter`); `detail` says which, and the hash of its bytes. */
  answer: 12,
  /** The agent (`origin`, `counter`) fails for good, without a turn: its turn ended the process again and again. */
  quarantine: 13,
  /** From now on requests to the model `name` go to the version that `detail` names. */
  useModel: 14,
  /** From now on agents may ask the model `name`; `detail` says all of it, as a configuration does. */
  declareModel: 15,
} as const;
export type InputKind = (typeof InputKind)[keyof typeof InputKind];

/** The names of kinds of input, as people read them. */
export const inputKindName: Readonly<Record<InputKind, string>> = {
  [InputKind.message]: 'message',
  [InputKind.publish]: 'publish',
  [InputKind.scheduledTask]: 'scheduled-task',
  [InputKind.spawn]: 'spawn',
  [InputKind.terminate]: 'terminate',
  [InputKind.pause]: 'pause',
  [InputKind.resume]: 'resume',
  [InputKind.join]: 'join',
  [InputKind.stop]: 'stop',
  [InputKind.leave]: 'leave',
  [InputKind.step]: 'step',
  [InputKind.answer]: 'answer',
  [InputKind.quarantine]: 'quarantine',
  [InputKind.useModel]: 'use-model',
  [InputKind.declareModel]: 'declare-model',
};

/** One thing that enters from outside. Fields that a kind does not use are 0 or empty. */
export interface Input {
  /** An `InputKind`; a record of a later version may hold others. */
  readonly kind: number;
  readonly origin: number;
  readonly counter: number;
  readonly name: string;
  readonly payload: Uint8Array;
  /** Signed, 32 bits. */
  readonly priority: number;
  /** More, where a kind needs it. */
  readonly detail: Uint8Array;
  /** The tick that the input asked for, or 0. */
  readonly tick: number;
  /** A line of a pulled source: it waits for a full receiver whatever the receiver's policy. */
  readonly waits: boolean;
  /** The bytes of an answer. Not encoded with the input: the record holds each distinct answer once. */
  readonly answer?: Uint8Array;
}

/** How far a source of inputs has been read. */
export interface Cursor {
  readonly source: string;
  readonly byte: number;
  readonly line: number;
  readonly ended: boolean;
  /** Lines of the run that were refused until then. */
  readonly badLines: number;
}

/** The closed list of inputs of one tick. */
export interface SealedTick {
  readonly tick: number;
  readonly inputs: readonly Input[];
  readonly cursor?: Cursor;
  /** Positions of inputs whose payload was replaced by its SHA-256, ascending. */
  readonly redacted?: readonly number[];
  /** Where a stop is among the inputs, why: `quiescence` or `ticks`. */
  readonly stop?: string;
}

export const inputTable: MessageTable<Input> = message<Omit<Input, 'answer'>>('Input', {
  kind: [1, 'uint32'],
  origin: [2, 'uint32'],
  counter: [3, 'uint32'],
  name: [4, 'string'],
  payload: [5, 'bytes'],
  priority: [6, 'sint32'],
  detail: [7, 'bytes'],
  tick: [8, 'uint64'],
  waits: [9, 'bool'],
});

export const cursorTable: MessageTable<Cursor> = message<Cursor>('Cursor', {
  source: [1, 'string'],
  byte: [2, 'uint64'],
  line: [3, 'uint64'],
  ended: [4, 'bool'],
  badLines: [5, 'uint64'],
});

export const sealedTickTable: MessageTable<SealedTick> = message<SealedTick>('SealedTick', {
  tick: [1, 'uint64'],
  inputs: [2, inputTable, 'repeated'],
  cursor: [3, cursorTable],
  redacted: [4, 'uint32', 'repeated'],
  stop: [5, 'string'],
});

/** The detail of an answer: number of the request (u32, little-endian), SHA-256 of the answer's bytes. */
export function answerDetail(number: number, sha256: Uint8Array): Uint8Array<ArrayBuffer> {
  const detail = new Uint8Array(4 + sha256.length);
  new DataView(detail.buffer).setUint32(0, number, true);
  detail.set(sha256, 4);
  return detail;
}

/** The number of the request that an answer is for, and the hash of its bytes. */
export function readAnswerDetail({ detail }: Input): {
  readonly number: number;
  readonly sha256: Uint8Array;
} {
  assert(detail.length === 36, 'the detail of an answer has 36 bytes');
  const view = new DataView(detail.buffer, detail.byteOffset, detail.length);
  return { number: view.getUint32(0, true), sha256: detail.subarray(4) };
}

/** The bytes of an input: the same for the same input everywhere, and what the digest covers. */
export function encodeInput(input: Input): Uint8Array<ArrayBuffer> {
  return encodeMessage(inputTable, input);
}

/** Appends the bytes of an input to a writer. */
export function encodeInputTo(writer: ByteWriter, input: Input): void {
  encodeTo(writer, inputTable, input);
}
