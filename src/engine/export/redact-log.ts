// A copy of a log in which payloads of topics are replaced by their hashes, without what agents and models made of them
// unless that is wanted. Never copies what holds such a payload as it is.

import {
  type ChannelMessages,
  type ChannelName,
  decodeEvent,
  type EventLogWriter,
  finishedTicks,
  InputKind,
  type RunDirectory,
  readEvents,
  type SealedTick,
} from '../../log/index.ts';
import { sha256 } from '../sha256.ts';

export interface Redaction {
  /** Payloads that were replaced. */
  payloads: number;
  /** Inputs that bring payloads and are none of these topics: they stay as they are. */
  otherInputs: number;
  /** What agents and models may have made of the payloads: outputs, log texts, and answers of models. */
  readonly derived: 'left-out' | 'kept';
  outputs: number;
  texts: number;
  answers: number;
}

/** Channels of what agents and models made. */
const derivedChannels = ['outputs', 'texts', 'answers'] as const;
type DerivedChannel = (typeof derivedChannels)[number];

function isDerived(channel: ChannelName): channel is DerivedChannel {
  return (derivedChannels as readonly string[]).includes(channel);
}

/**
 * Whole transcripts are left out, since they hold every payload.
 *
 * @param topics sorted
 */
export function redactLog(
  directory: RunDirectory,
  topics: readonly string[],
  derived: Redaction['derived'],
  to: EventLogWriter,
): Redaction {
  const redaction: Redaction = { payloads: 0, otherInputs: 0, derived, outputs: 0, texts: 0, answers: 0 };
  for (const { channel, tick, payload } of finishedTicks(readEvents(directory))) {
    if (channel === 'traces') continue;
    if (isDerived(channel)) {
      redaction[channel]++;
      if (derived === 'left-out') continue;
    }
    if (channel === 'inputs') {
      to.append(channel, tick, redactInputs(decodeEvent(channel, payload), topics, redaction));
    } else if (channel === 'run-started') {
      to.append(channel, tick, { ...decodeEvent(channel, payload), redacted: topics });
    } else {
      copy(to, channel, tick, payload);
    }
  }
  return redaction;
}

function copy<C extends ChannelName>(
  to: EventLogWriter,
  channel: C,
  tick: number,
  payload: Uint8Array,
): void {
  to.append(channel, tick, decodeEvent(channel, payload) as ChannelMessages[C]);
}

function redactInputs(sealed: SealedTick, topics: readonly string[], redaction: Redaction): SealedTick {
  const redacted = new Set(sealed.redacted ?? []);
  const inputs = sealed.inputs.map((input, position) => {
    if (input.kind !== InputKind.publish || !topics.includes(input.name)) {
      if (input.payload.length > 0 && !redacted.has(position)) redaction.otherInputs++;
      return input;
    }
    if (redacted.has(position)) return input;
    redacted.add(position);
    redaction.payloads++;
    return { ...input, payload: sha256(input.payload) };
  });
  return { ...sealed, inputs, redacted: [...redacted].sort((a, b) => a - b), ...withoutFolder(sealed) };
}

/** Where the input lay on the machine of the run is nobody's business. */
function withoutFolder({ cursor }: SealedTick): Pick<SealedTick, 'cursor'> {
  return cursor === undefined ? {} : { cursor: { ...cursor, source: cursor.source.replace(/^.*[\\/]/, '') } };
}
