// What a redacted export holds and what it does not, in words: for whoever makes it, and inside the file for whoever
// gets it.

import type { Redaction } from './redact-log.ts';

/** The file of an archive that says so. */
export const redactionFile = 'redacted.txt';

export type RedactionFacts = Redaction & { readonly topics: readonly string[] };

export function redactionLines(facts: RedactionFacts): string[] {
  const { payloads, otherInputs, derived, again, outputs, texts, answers, modelWords } = facts;
  const topics = facts.topics.map((topic) => JSON.stringify(topic)).join(', ');
  const made = `${outputs} outputs, ${texts} log texts, ${answers} answers of models and ${modelWords} texts of why one failed`;
  return [
    `Redacted: payloads that came from outside to ${topics}. Of ${payloads} of them only the SHA-256 is there; a payload`,
    'that can be guessed can be found by it.',
    'Left out, since they hold payloads: snapshots with the memories of agents, and transcripts of turns.',
    derived === 'left-out'
      ? `Left out, since they may repeat payloads: ${made}.`
      : `KEPT, though they may repeat payloads: ${made}.`,
    ...(derived === 'left-out' && answers > 0
      ? ['Of each of these answers the SHA-256 is there, too; one that can be guessed can be found by it.']
      : []),
    ...(again
      ? ['The run was redacted before: what was left out then is not there any more, and not counted here.']
      : []),
    `Not redacted: ${otherInputs} other inputs with payloads (other topics, messages to agents, tasks); the configuration;`,
    'the modules; names of agents, topics and channels; faults, events, digests, fuel and counts of every tick.',
    'The run cannot be executed again from this file: "replay" checks its log, and "inspect" tells what it holds.',
  ];
}

/** Of an archive that was redacted before and is packed as it is. */
export function redactedBeforeLine(topics: readonly string[]): string {
  const names = topics.map((topic) => JSON.stringify(topic)).join(', ');
  return `Redacted before (${names}): packed as it was, with "${redactionFile}", which says what it holds.`;
}
