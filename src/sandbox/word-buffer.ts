// A growable buffer of words that is reused from tick to tick. Views are replaced when it grows.

export class WordBuffer {
  words: Uint32Array<ArrayBuffer>;
  bytes: Uint8Array<ArrayBuffer>;
  /** Words in use. */
  used = 0;

  constructor(words = 4096) {
    this.words = new Uint32Array(words);
    this.bytes = new Uint8Array(this.words.buffer);
  }

  /** A buffer of its own with what another one holds. */
  static copyOf(source: WordBuffer): WordBuffer {
    const copy = new WordBuffer(source.used);
    copy.words.set(source.words.subarray(0, source.used));
    copy.used = source.used;
    return copy;
  }

  /** Makes room for `count` more words and returns where they begin; the caller moves `used`. */
  reserve(count: number): number {
    const at = this.used;
    if (at + count > this.words.length) this.#grow(at + count);
    return at;
  }

  #grow(words: number): void {
    const grown = new Uint32Array(Math.max(this.words.length * 2, words));
    grown.set(this.words.subarray(0, this.used));
    this.words = grown;
    this.bytes = new Uint8Array(grown.buffer);
  }
}

/** Copies bytes; a loop beats `set` for the short payloads that most messages have. */
export function copyBytes(
  from: Uint8Array,
  fromOffset: number,
  to: Uint8Array,
  toOffset: number,
  length: number,
): void {
  if (length <= 48) {
    for (let i = 0; i < length; i++) to[toOffset + i] = from[fromOffset + i]!;
  } else {
    to.set(from.subarray(fromOffset, fromOffset + length), toOffset);
  }
}
