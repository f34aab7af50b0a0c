// A copy of a log in which payloads of topics are replaced by their hashes. What agents made of them is not touched.

import {
  type ChannelMessages,
  type ChannelName,
  decodeEvent,
  type EventLogWriter,
  InputKind,
  type RunDirectory,
  readEvents,
  type SealedTick,
} from '../../log/index.ts';
import { sha256 } from '../sha256.ts';

export interface Redaction {
  /** Payloads that were replaced. */
  payloads: number;
  /** What stays as it is, and may repeat something of them. */
  outputs: number;
  texts: number;
  answers: number;
}

/**
 * Whole transcripts are left out, since they hold every payload; everything else is told again.
 *
 * @param topics sorted
 */
export function redactLog(directory: RunDirectory, topics: readonly string[], to: EventLogWriter): Redaction {
  const redaction: Redaction = { payloads: 0, outputs: 0, texts: 0, answers: 0 };
  for (const { channel, tick, payload } of readEvents(directory)) {
    if (channel === 'traces') continue;
    if (channel === 'outputs' || channel === 'texts' || channel === 'answers') redaction[channel]++;
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
    if (input.kind !== InputKind.publish || !topics.includes(input.name) || redacted.has(position))
      return input;
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
