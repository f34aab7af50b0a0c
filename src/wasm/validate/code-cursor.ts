// Reads code byte by byte. Numbers of few bytes, which nearly all are, are read here; longer and damaged ones, and
// those at the very end, are left to the reader that refuses them by offset.
import { ByteReader } from '../binary/byte-reader.ts';

const shortBytes = 4;

export class CodeCursor {
  readonly bytes: Uint8Array;
  readonly #reader: ByteReader;
  /** Ends the code of the function at work. */
  end = 0;
  at = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.bytes = bytes;
    this.#reader = new ByteReader(bytes, name, 'code');
  }

  refuse(what: string, offset: number): Error {
    return this.#reader.refuse(what, offset);
  }

  byte(what: string): number {
    if (this.at >= this.end) throw this.refuse(`truncated: ${what} is missing`, this.at);
    return this.bytes[this.at++]!;
  }

  u32(what: string): number {
    const { bytes, at } = this;
    // Up to four bytes cannot be out of range.
    if (at + shortBytes <= this.end) {
      let value = 0;
      for (let index = 0; index < shortBytes; index++) {
        const byte = bytes[at + index]!;
        value |= (byte & 0x7f) << (7 * index);
        if (byte >= 0x80) continue;
        this.at = at + index + 1;
        return value;
      }
    }
    return this.#longUnsigned(what);
  }

  signed(bits: 32 | 33 | 64, what: string): number {
    const { bytes, at } = this;
    if (at + shortBytes <= this.end) {
      let value = 0;
      for (let index = 0; index < shortBytes; index++) {
        const byte = bytes[at + index]!;
        value |= (byte & 0x7f) << (7 * index);
        if (byte >= 0x80) continue;
        this.at = at + index + 1;
        const unused = 25 - 7 * index;
        return (value << unused) >> unused;
      }
    }
    return this.#longSigned(bits, what);
  }

  skip(size: number, what: string): void {
    if (this.at + size > this.end) {
      throw this.refuse(`truncated: ${what} needs ${size} bytes, ${this.end - this.at} are left`, this.at);
    }
    this.at += size;
  }

  #longUnsigned(what: string): number {
    const reader = this.#readerHere();
    const value = reader.u32(what);
    this.at = reader.offset;
    return value;
  }

  #longSigned(bits: 32 | 33 | 64, what: string): number {
    const reader = this.#readerHere();
    const value = reader.signed(bits, what);
    this.at = reader.offset;
    return value;
  }

  #readerHere(): ByteReader {
    return new ByteReader(this.bytes, this.#reader.module, 'code', this.at, this.end);
  }
}
