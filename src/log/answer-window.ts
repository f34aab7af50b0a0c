// The answers that the record has told lately, by their hash: so each is told once. Writer and reader keep the same
// ones, since both forget by the order of the record alone.

import { encodeHex } from '../base/encoding.ts';

export interface AnswerWindowSizes {
  readonly answersMax: number;
  readonly bytesMax: number;
}

const usual: AnswerWindowSizes = { answersMax: 65_536, bytesMax: 64 * 2 ** 20 };

export class AnswerWindow {
  readonly #answers: Map<string, Uint8Array> = new Map();
  readonly #sizes: AnswerWindowSizes;
  #bytes = 0;

  constructor(sizes: AnswerWindowSizes = usual) {
    this.#sizes = sizes;
  }

  find(sha256: Uint8Array): Uint8Array | undefined {
    return this.#answers.get(encodeHex(sha256));
  }

  add(sha256: Uint8Array, bytes: Uint8Array): void {
    this.#answers.set(encodeHex(sha256), bytes);
    this.#bytes += bytes.length;
  }

  /** Forgets the oldest ones beyond the sizes. Called once a tick's inputs are told, so that those find theirs. */
  trim(): void {
    for (const [key, { length }] of this.#answers) {
      if (this.#answers.size <= this.#sizes.answersMax && this.#bytes <= this.#sizes.bytesMax) return;
      this.#answers.delete(key);
      this.#bytes -= length;
    }
  }
}
