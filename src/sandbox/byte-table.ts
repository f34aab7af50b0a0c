// A table from short byte strings to numbers, looked up straight in guest memory without making text.

export class ByteTable {
  readonly #entries: readonly (readonly [Uint8Array, number])[];
  readonly #slots: ({ bytes: Uint8Array; value: number } | undefined)[];
  readonly #mask: number;
  readonly #longest: number;

  constructor(entries: Iterable<readonly [Uint8Array, number]>) {
    const list = [...entries];
    this.#entries = list;
    let size = 16;
    while (size < list.length * 2) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Array(size).fill(undefined);
    this.#longest = list.reduce((longest, [bytes]) => Math.max(longest, bytes.length), 0);
    for (const [bytes, value] of list) this.#slots[this.#freeSlot(bytes)] = { bytes, value };
  }

  get size(): number {
    return this.#entries.length;
  }

  /** A table with one more entry. */
  with(bytes: Uint8Array, value: number): ByteTable {
    return new ByteTable([...this.#entries, [bytes, value]]);
  }

  /** The value of the bytes at `offset`, or -1. Costs no more than the longest entry, whatever the length. */
  find(bytes: Uint8Array, offset: number, length: number): number {
    if (length > this.#longest) return -1;
    let at = hash(bytes, offset, length) & this.#mask;
    for (;;) {
      const slot = this.#slots[at];
      if (slot === undefined) return -1;
      if (slot.bytes.length === length && equals(slot.bytes, bytes, offset)) return slot.value;
      at = (at + 1) & this.#mask;
    }
  }

  #freeSlot(bytes: Uint8Array): number {
    let at = hash(bytes, 0, bytes.length) & this.#mask;
    while (this.#slots[at] !== undefined) at = (at + 1) & this.#mask;
    return at;
  }
}

/** FNV-1a, 32 bits. */
function hash(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < length; i++) value = Math.imul(value ^ bytes[offset + i]!, 0x01000193);
  return value ^ (value >>> 15);
}

function equals(a: Uint8Array, b: Uint8Array, offset: number): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[offset + i]) return false;
  return true;
}
