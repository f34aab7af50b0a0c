// The outbox of a task: its record, written word by word while it runs, and cut back where it fails.

import { hostFunctionNames } from '../abi/host-functions.ts';
import { EffectKind, Outcome, recordHeadWords, recordWord, wordsOf } from '../abi/record.ts';
import { copyBytes, WordBuffer } from './word-buffer.ts';

const refusalCodes = 8;

export class Outbox {
  readonly buffer: WordBuffer = new WordBuffer(16_384);
  #recordAt = 0;
  #effects = 0;
  /** Refused calls of the task by (function, code); written as effects when the task ends. */
  readonly #refusals = new Uint32Array(hostFunctionNames.length * refusalCodes);
  #refused = false;

  /** Effects of the task so far. */
  get effects(): number {
    return this.#effects;
  }

  beginRecord(): void {
    this.#recordAt = this.buffer.reserve(recordHeadWords);
    this.buffer.used += recordHeadWords;
    this.#effects = 0;
  }

  /**
   * Opens an effect of `words` words and returns where it begins; the caller fills it before anything else is
   * written.
   */
  addEffect(kind: EffectKind, words: number): number {
    const { buffer } = this;
    const at = buffer.reserve(words);
    buffer.used += words;
    buffer.words[at] = kind | (words << 8);
    this.#effects++;
    return at;
  }

  /** Copies a payload to word `at`, whose last word is zeroed first, so that padding never holds old bytes. */
  copyPayload(at: number, from: Uint8Array, offset: number, length: number): void {
    if (length === 0) return;
    const { words, bytes } = this.buffer;
    words[at + wordsOf(length) - 1] = 0;
    copyBytes(from, offset, bytes, at * 4, length);
  }

  /** Takes back the effect opened last, whose words begin at `at`. */
  cancelEffect(at: number): void {
    this.buffer.used = at;
    this.#effects--;
  }

  refuse(functionIndex: number, code: number): number {
    this.#refusals[functionIndex * refusalCodes - code]!++;
    this.#refused = true;
    return code;
  }

  /** Closes the record of a task that did not fail. */
  endRecord(outcome: Outcome, returned: number, fuel: number): void {
    this.#end(outcome, 0, returned, fuel);
  }

  /** Closes the record of a failed task: it keeps its log texts, and says what the instance has counted. */
  endFailedRecord(
    fault: number,
    returned: number,
    fuel: number,
    counted: { readonly nextTimer: number; readonly nextChild: number; readonly nextRequest: number },
  ): void {
    this.#keepTexts();
    const at = this.addEffect(EffectKind.counters, counted.nextRequest === 0 ? 3 : 4);
    this.buffer.words[at + 1] = counted.nextTimer;
    this.buffer.words[at + 2] = counted.nextChild;
    if (counted.nextRequest !== 0) this.buffer.words[at + 3] = counted.nextRequest;
    this.#end(Outcome.failed, fault, returned, fuel);
  }

  #end(outcome: Outcome, fault: number, returned: number, fuel: number): void {
    if (this.#refused) this.#writeRefusals();
    const { words } = this.buffer;
    const at = this.#recordAt;
    words[at + recordWord.size] = this.buffer.used - at;
    words[at + recordWord.outcome] = outcome;
    words[at + recordWord.fault] = fault;
    words[at + recordWord.returned] = returned;
    words[at + recordWord.fuelLow] = fuel % 2 ** 32;
    words[at + recordWord.fuelHigh] = Math.floor(fuel / 2 ** 32);
    words[at + recordWord.effects] = this.#effects;
  }

  #keepTexts(): void {
    const { words } = this.buffer;
    let from = this.#recordAt + recordHeadWords;
    let to = from;
    let kept = 0;
    for (let i = 0; i < this.#effects; i++) {
      const size = words[from]! >>> 8;
      if ((words[from]! & 0xff) === EffectKind.log) {
        words.copyWithin(to, from, from + size);
        to += size;
        kept++;
      }
      from += size;
    }
    this.buffer.used = to;
    this.#effects = kept;
  }

  #writeRefusals(): void {
    for (let index = 0; index < this.#refusals.length; index++) {
      const count = this.#refusals[index]!;
      if (count === 0) continue;
      const at = this.addEffect(EffectKind.refusal, 4);
      const { words } = this.buffer;
      words[at + 1] = Math.floor(index / refusalCodes);
      words[at + 2] = -(index % refusalCodes);
      words[at + 3] = count;
    }
    this.#refusals.fill(0);
    this.#refused = false;
  }
}
