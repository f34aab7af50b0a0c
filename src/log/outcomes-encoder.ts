// Outcomes as they stand in the log, straight from the words that tell of them: the table's general way is too slow for
// thousands of tasks a tick. The bytes are those of the table.

import { recordWord, taskWord } from '../abi/record.ts';
import { assert } from '../base/errors.ts';
import { ByteWriter } from './byte-writer.ts';

/** Tags of `tickOutcomesTable`; columns are packed. */
const tags = { tick: 8, agent: 18, kind: 26, outcome: 34, fuel: 42 } as const;

/** Bytes that a varint of 53 bits takes at most. */
const varintBytesMax = 8;

/** Encodes what became of the tasks of one tick after another. */
export class OutcomesEncoder {
  readonly #payload: ByteWriter = new ByteWriter();
  #agents = new Uint8Array(0);
  #kinds = new Uint8Array(0);
  #outcomes = new Uint8Array(0);
  #fuels = new Uint8Array(0);

  /**
   * The message of a tick, which holds until the next one.
   * @param words a transcript
   * @param places where the record of each task stands in it, in the order of the plan; of one that did not run a zero
   */
  encode(tick: number, words: Uint32Array, places: Int32Array): Uint8Array<ArrayBuffer> {
    this.#reserve(places.length);
    const agents = this.#agents;
    const kinds = this.#kinds;
    const outcomes = this.#outcomes;
    const fuels = this.#fuels;
    let count = 0;
    let agentsEnd = 0;
    let fuelsEnd = 0;
    let bits = 0;
    for (let i = 0; i < places.length; i++) {
      const at = places[i]!;
      if (words[at + recordWord.size] === 0) continue;
      const agent = words[at + taskWord.agent]!;
      if (agent < 128) agents[agentsEnd++] = agent;
      else agentsEnd = putVarint(agents, agentsEnd, agent, 0);
      const kind = words[at + taskWord.kind]!;
      const outcome = words[at + recordWord.outcome]!;
      bits |= kind | outcome;
      kinds[count] = kind;
      outcomes[count++] = outcome;
      const low = words[at + recordWord.fuelLow]!;
      const high = words[at + recordWord.fuelHigh]!;
      if (high === 0 && low >= 128 && low < 16_384) {
        fuels[fuelsEnd++] = (low & 127) | 128;
        fuels[fuelsEnd++] = low >>> 7;
      } else fuelsEnd = putVarint(fuels, fuelsEnd, low, high);
    }
    assert(bits >>> 0 < 128, 'kinds and outcomes of tasks take one byte each');
    return this.#message(tick, count, agentsEnd, fuelsEnd);
  }

  #message(tick: number, count: number, agentsEnd: number, fuelsEnd: number): Uint8Array<ArrayBuffer> {
    const payload = this.#payload;
    payload.position = 0;
    if (tick !== 0) {
      payload.varint(tags.tick);
      payload.varint(tick);
    }
    if (count > 0) {
      payload.varint(tags.agent);
      payload.lengthAndBytes(this.#agents.subarray(0, agentsEnd));
      payload.varint(tags.kind);
      payload.lengthAndBytes(this.#kinds.subarray(0, count));
      payload.varint(tags.outcome);
      payload.lengthAndBytes(this.#outcomes.subarray(0, count));
      payload.varint(tags.fuel);
      payload.lengthAndBytes(this.#fuels.subarray(0, fuelsEnd));
    }
    return payload.written();
  }

  #reserve(count: number): void {
    if (this.#kinds.length >= count) return;
    this.#kinds = new Uint8Array(count * 2);
    this.#outcomes = new Uint8Array(count * 2);
    this.#agents = new Uint8Array(count * 2 * varintBytesMax);
    this.#fuels = new Uint8Array(count * 2 * varintBytesMax);
  }
}

/** Two words as one number; answers where the next one begins. */
function putVarint(into: Uint8Array, at: number, low: number, high: number): number {
  let rest = low;
  let above = high;
  let end = at;
  while (above > 0 || rest > 127) {
    into[end++] = (rest & 127) | 128;
    rest = ((rest >>> 7) | (above << 25)) >>> 0;
    above >>>= 7;
  }
  into[end++] = rest;
  return end;
}
