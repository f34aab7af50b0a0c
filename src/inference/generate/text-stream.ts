// Tokens to text as they come. A character may be spread over several tokens: it is told when its last one is there.
// What never becomes a character is told as U+FFFD, and costs no more than other text.

export type Decode = (tokens: readonly number[]) => string;

/** A character has at most four bytes, so what stands before three that are not whole will never be. */
const heldMax = 3;
/** So many tokens none of which ends a character are no text. Of more only those that are kept are decoded again. */
const windowMax = 24;
const windowKept = 8;

export class TextStream {
  readonly #decode: Decode;
  readonly #tokens: number[] = [];
  /** Decoding begins here: some tokens look different at the beginning of a text. */
  #from = 0;
  /** What was told comes from the tokens before. */
  #told = 0;
  /** And so much of what comes from those behind. */
  #ahead = 0;

  constructor(decode: Decode) {
    this.#decode = decode;
  }

  /** What there is to tell after one more token. */
  push(token: number): string {
    this.#tokens.push(token);
    return this.#take(false);
  }

  /** The rest, with U+FFFD for characters that are not whole. */
  end(): string {
    return this.#take(true);
  }

  #take(whole: boolean): string {
    const before = this.#decode(this.#tokens.slice(this.#from, this.#told));
    const now = this.#decode(this.#tokens.slice(this.#from));
    const start = before.length + this.#ahead;
    const held = whole ? 0 : this.#heldBack(now);
    if (now.length - held <= start) return '';
    if (held === 0) {
      this.#from = this.#told;
      this.#told = this.#tokens.length;
      this.#ahead = 0;
      return now.slice(start);
    }
    const told = now.slice(start, now.length - held);
    this.#ahead += told.length;
    if (this.#tokens.length - this.#told > windowMax) this.#narrow(now, held);
    return told;
  }

  /** Decoding begins later from now on, where that gives the same. */
  #narrow(now: string, held: number): void {
    const from = this.#tokens.length - windowKept;
    const tail = this.#decode(this.#tokens.slice(from));
    // A character that began before has ended or failed within four bytes.
    if (tail.length <= heldMax || !now.endsWith(tail)) return;
    this.#from = from;
    this.#told = from;
    this.#ahead = tail.length - held;
  }

  /** Characters at the end that may become others. All that is not told waits for a character that may come soon. */
  #heldBack(now: string): number {
    let broken = 0;
    while (broken <= heldMax && now.at(-1 - broken) === '\ufffd') broken++;
    const isSoon = broken <= heldMax && this.#ahead === 0 && this.#tokens.length - this.#told <= windowMax;
    return broken > 0 && isSoon ? now.length : Math.min(broken, heldMax);
  }
}
