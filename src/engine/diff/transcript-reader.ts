// Reads a tick's transcript back: what `scheduler/transcript.ts` wrote for the digest.

import { EffectKind, recordHeadWords, recordWord } from '../../abi/record.ts';

/** A planned task as the digest has it. */
export interface TranscriptTask {
  /** Creation number of the agent. */
  readonly agent: number;
  readonly kind: number;
  readonly sequence: number;
  /** The record's words; empty where the task did not run. */
  readonly record: Uint32Array;
}

export interface TranscriptContent {
  readonly tasks: readonly TranscriptTask[];
  /** Commit events, four words each. */
  readonly events: readonly Uint32Array[];
}

const digestWords = 8;

/** The content without the previous digest, so that two runs that began differently can be compared. */
export function readTranscript(transcript: Uint8Array): TranscriptContent {
  const copy = transcript.slice();
  const words = new Uint32Array(copy.buffer, 0, copy.length >>> 2);
  let at = digestWords + 2;
  const sealedLength = words[at]!;
  at += 1 + ((sealedLength + 3) >>> 2);
  const count = words[at++]!;
  const tasks: TranscriptTask[] = [];
  for (let i = 0; i < count; i++) {
    const size = words[at + 4]!;
    const record = words.slice(at + 4, at + 4 + size);
    tasks.push({
      agent: words[at]!,
      kind: words[at + 1]!,
      sequence: words[at + 2]! + words[at + 3]! * 2 ** 32,
      record,
    });
    at += 4 + Math.max(size, 1);
  }
  const eventCount = words[at++]!;
  const events = Array.from({ length: eventCount }, (_, i) => words.slice(at + i * 4, at + i * 4 + 4));
  return { tasks, events };
}

/** The effects of a record, each with its own words. */
export function effectsOf(record: Uint32Array): Uint32Array[] {
  const effects: Uint32Array[] = [];
  let at = recordHeadWords;
  for (let count = record[recordWord.effects] ?? 0; count > 0; count--) {
    const size = record[at]! >>> 8;
    effects.push(record.slice(at, at + size));
    at += size;
  }
  return effects;
}

/** Where in each effect its length word stands, and how many words of plain numbers come before it. */
const payloadAt: Readonly<Partial<Record<EffectKind, number>>> = {
  [EffectKind.send]: 3,
  [EffectKind.publish]: 2,
  [EffectKind.join]: 1,
  [EffectKind.leave]: 1,
  [EffectKind.log]: 2,
  [EffectKind.output]: 1,
  [EffectKind.spawn]: 3,
};

const kindNames = new Map<number, string>(Object.entries(EffectKind).map(([name, kind]) => [kind, name]));
const decoder = new TextDecoder('utf-8', { fatal: true });

/** An effect in words, for people: `send 0 3 "…"`. */
export function describeEffect(words: Uint32Array): string {
  const kind = words[0]! & 0xff;
  const name = kindNames.get(kind) ?? `effect ${kind}`;
  if (kind === EffectKind.publishChannel) {
    const bytes = bytesFrom(words, 3);
    const nameLength = words[1]!;
    const start = (nameLength + 3) & ~3;
    const payload = bytes.subarray(start, start + words[2]!);
    return `publish ${describeBytes(bytes.subarray(0, nameLength))} ${describeBytes(payload)}`;
  }
  const at = payloadAt[kind as EffectKind];
  if (at === undefined) return [name, ...words.subarray(1)].join(' ');
  const payload = bytesFrom(words, at + 1).subarray(0, words[at]!);
  return [name, ...words.subarray(1, at), describeBytes(payload)].join(' ');
}

function bytesFrom(words: Uint32Array, at: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset + at * 4, (words.length - at) * 4);
}

/** Text where the bytes are printable text, else hexadecimal. */
export function describeBytes(bytes: Uint8Array): string {
  try {
    return JSON.stringify(decoder.decode(bytes));
  } catch {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}
