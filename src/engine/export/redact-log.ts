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
  /** Payloads that are replaced, those that were so before included. */
  payloads: number;
  /** Inputs that bring payloads and are none of these topics: they stay as they are. */
  otherInputs: number;
  /** What agents and models may have made of the payloads: outputs, log texts, answers and words of models. */
  readonly derived: 'left-out' | 'kept';
  /** Whether the run was redacted before, so that some of these may have been left out then: counts are of the rest. */
  readonly again: boolean;
  outputs: number;
  texts: number;
  answers: number;
  /** What models, and what runs them, said of requests that they failed on: it may quote them. */
  modelWords: number;
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
 * @param topics sorted, those included that were redacted before
 * @returns what was done, and which of the topics the record has payloads of
 */
export function redactLog(
  directory: RunDirectory,
  topics: readonly string[],
  derived: Redaction['derived'],
  to: EventLogWriter,
): { readonly redaction: Redaction; readonly found: ReadonlySet<string> } {
  const again = directory.manifest.redacted !== undefined;
  const counts = { payloads: 0, otherInputs: 0, outputs: 0, texts: 0, answers: 0, modelWords: 0 };
  const redaction: Redaction = { ...counts, derived, again };
  const found = new Set<string>();
  for (const { channel, tick, payload } of finishedTicks(readEvents(directory))) {
    if (channel === 'traces') continue;
    if (isDerived(channel)) {
      redaction[channel]++;
      if (derived === 'left-out') continue;
    }
    if (channel === 'inputs') {
      to.append(channel, tick, redactInputs(decodeEvent(channel, payload), topics, redaction, found));
    } else if (channel === 'run-started') {
      to.append(channel, tick, { ...decodeEvent(channel, payload), redacted: topics });
    } else if (channel === 'events') {
      to.append(channel, tick, redactEvent(decodeEvent(channel, payload), redaction));
    } else {
      copy(to, channel, tick, payload);
    }
  }
  return { redaction, found };
}

function copy<C extends ChannelName>(
  to: EventLogWriter,
  channel: C,
  tick: number,
  payload: Uint8Array,
): void {
  to.append(channel, tick, decodeEvent(channel, payload) as ChannelMessages[C]);
}

/** Kinds of events whose reasons are words of a model, of its chat template or of what runs it. */
const modelWordsKinds: ReadonlySet<string> = new Set([
  'model-problem',
  'model-fallback',
  'inference-process-lost',
]);

function redactEvent(event: ChannelMessages['events'], redaction: Redaction): ChannelMessages['events'] {
  if (!modelWordsKinds.has(event.kind) || event.reason === '') return event;
  redaction.modelWords++;
  return redaction.derived === 'kept' ? event : { ...event, reason: '' };
}

function redactInputs(
  sealed: SealedTick,
  topics: readonly string[],
  redaction: Redaction,
  found: Set<string>,
): SealedTick {
  const redacted = new Set(sealed.redacted ?? []);
  const inputs = sealed.inputs.map((input, position) => {
    if (input.kind !== InputKind.publish || !topics.includes(input.name)) {
      if (input.payload.length > 0 && !redacted.has(position)) redaction.otherInputs++;
      return input;
    }
    found.add(input.name);
    redaction.payloads++;
    if (redacted.has(position)) return input;
    redacted.add(position);
    return { ...input, payload: sha256(input.payload) };
  });
  return { ...sealed, inputs, redacted: [...redacted].sort((a, b) => a - b), ...withoutFolder(sealed) };
}

/** Where the input lay on the machine of the run is nobody's business. */
function withoutFolder({ cursor }: SealedTick): Pick<SealedTick, 'cursor'> {
  return cursor === undefined ? {} : { cursor: { ...cursor, source: cursor.source.replace(/^.*[\\/]/, '') } };
}
