// Tokens to text as they come. A character may be spread over several tokens: it is told when its last one is there.

export type Decode = (tokens: readonly number[]) => string;

export class TextStream {
  readonly #decode: Decode;
  readonly #tokens: number[] = [];
  /** Decoding begins here: some tokens look different at the beginning of a text. */
  #from = 0;
  /** What was told comes from the tokens before. */
  #told = 0;

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
    if (now.length <= before.length || (!whole && now.endsWith('\ufffd'))) return '';
    this.#from = this.#told;
    this.#told = this.#tokens.length;
    return now.slice(before.length);
  }
}
