// Reads code byte by byte. Numbers of one byte, which nearly all are, are read here; longer and damaged ones are
// left to the reader that refuses them by offset.
import { ByteReader } from '../byte-reader.ts';

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
    if (this.at < this.end) {
      const byte = this.bytes[this.at]!;
      if (byte < 0x80) {
        this.at++;
        return byte;
      }
    }
    return this.#long((reader) => reader.u32(what));
  }

  signed(bits: 32 | 33 | 64, what: string): number {
    if (this.at < this.end) {
      const byte = this.bytes[this.at]!;
      if (byte < 0x80) {
        this.at++;
        return byte < 0x40 ? byte : byte - 0x80;
      }
    }
    return this.#long((reader) => reader.signed(bits, what));
  }

  skip(size: number, what: string): void {
    if (this.at + size > this.end) {
      throw this.refuse(`truncated: ${what} needs ${size} bytes, ${this.end - this.at} are left`, this.at);
    }
    this.at += size;
  }

  #long(read: (reader: ByteReader) => number): number {
    const reader = new ByteReader(this.bytes, this.#reader.module, 'code', this.at, this.end);
    const value = read(reader);
    this.at = reader.offset;
    return value;
  }
}
