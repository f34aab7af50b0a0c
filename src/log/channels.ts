// The channels of the log: one message type each. Identities are never reused; new channels are only appended.

import type { ByteWriter } from './byte-writer.ts';
import { protoPackage } from './descriptor.ts';
import * as events from './events.ts';
import { type SealedTick, sealedTickTable } from './input.ts';
import { type AnyTable, decodeMessage, encodeTo, type MessageTable } from './message.ts';

/** What each channel carries. */
export interface ChannelMessages {
  chain: events.Chain;
  'run-started': events.RunStarted;
  'run-ended': events.RunEnded;
  inputs: SealedTick;
  digests: events.TickDigest;
  outcomes: events.TickOutcomes;
  outputs: events.Output;
  faults: events.Fault;
  events: events.Event;
  texts: events.LogText;
  traces: events.TickTrace;
  answers: events.Answer;
}
export type ChannelName = keyof ChannelMessages;

export interface Channel {
  /** Identity of the channel and of its schema within MCAP. */
  readonly id: number;
  readonly name: ChannelName;
  readonly table: AnyTable;
  readonly encodeTo: (writer: ByteWriter, value: never) => void;
}

function channel<C extends ChannelName>(
  id: number,
  name: C,
  table: MessageTable<ChannelMessages[C]>,
): Channel {
  return { id, name, table, encodeTo: (writer, value) => encodeTo(writer, table, value) };
}

/** Every channel, in the order of the identities. */
export const channels: Readonly<Record<ChannelName, Channel>> = {
  chain: channel(1, 'chain', events.chainTable),
  'run-started': channel(2, 'run-started', events.runStartedTable),
  'run-ended': channel(3, 'run-ended', events.runEndedTable),
  inputs: channel(4, 'inputs', sealedTickTable),
  digests: channel(5, 'digests', events.tickDigestTable),
  outcomes: channel(6, 'outcomes', events.tickOutcomesTable),
  outputs: channel(7, 'outputs', events.outputTable),
  faults: channel(8, 'faults', events.faultTable),
  events: channel(9, 'events', events.eventTable),
  texts: channel(10, 'texts', events.logTextTable),
  traces: channel(11, 'traces', events.tickTraceTable),
  answers: channel(12, 'answers', events.answerTable),
};

export const channelList: readonly Channel[] = Object.values(channels);

/** The full name of a channel's message, as schemas say it. */
export function schemaName({ table }: Channel): string {
  return `${protoPackage}.${table.name}`;
}

/**
 * The message of an event.
 *
 * @throws EngineError `record-damaged` where the bytes are not such a message.
 */
export function decodeEvent<C extends ChannelName>(name: C, payload: Uint8Array): ChannelMessages[C] {
  return decodeMessage(channels[name].table as MessageTable<ChannelMessages[C]>, payload);
}
