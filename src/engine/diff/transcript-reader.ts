// Reads a tick's transcript back: what `scheduler/transcript.ts` wrote for the digest.

import { recordHeadWords, recordWord } from '../../abi/record.ts';

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
