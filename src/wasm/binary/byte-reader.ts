// Reads the primitives of the binary format. Never past its end: what is malformed is refused by section and offset.
import { decodeUtf8 } from '../../base/encoding.ts';
import type { EngineError } from '../../base/errors.ts';
import { refusal } from './refusal.ts';

export class ByteReader {
  readonly bytes: Uint8Array;
  readonly module: string;
  readonly section: string | undefined;
  readonly end: number;
  offset: number;

  constructor(bytes: Uint8Array, module: string, section?: string, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.module = module;
    this.section = section;
    this.offset = start;
    this.end = end;
  }

  /** A refusal that names this section and, unless another is given, the current offset. */
  refuse(what: string, offset: number = this.offset): EngineError {
    return refusal(this.module, what, this.section, offset);
  }

  /** A reader of the next `size` bytes, which this one skips. */
  slice(size: number, what: string, section: string | undefined = this.section): ByteReader {
    const start = this.offset;
    this.skip(size, what);
    return new ByteReader(this.bytes, this.module, section, start, this.offset);
  }

  skip(size: number, what: string): void {
    const left = this.end - this.offset;
    if (size > left) {
      throw this.refuse(`truncated: ${what} needs ${size} bytes, ${left} are left`);
    }
    this.offset += size;
  }

  u8(what: string): number {
    if (this.offset >= this.end) throw this.refuse(`truncated: ${what} is missing`);
    return this.bytes[this.offset++]!;
  }

  /** An unsigned 32-bit LEB128 number. */
  u32(what: string): number {
    const start = this.offset;
    const first = this.bytes[start]!;
    if (first < 0x80 && start < this.end) {
      this.offset = start + 1;
      return first;
    }
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8(what);
      if (shift === 28 && byte > 0x0f) throw this.refuse(`${what} is not a 32-bit LEB128 number`, start);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw this.refuse(`${what} is not a 32-bit LEB128 number`, start);
  }

  /** A signed LEB128 number of `bits` bits; exact up to 33 bits, only checked and skipped beyond. */
  signed(bits: 32 | 33 | 64, what: string): number {
    const start = this.offset;
    const first = this.bytes[start]!;
    if (first < 0x80 && start < this.end) {
      this.offset = start + 1;
      return first < 0x40 ? first : first - 0x80;
    }
    const bytesMax = Math.ceil(bits / 7);
    let value = 0;
    let scale = 1;
    for (let index = 0; index < bytesMax; index++, scale *= 0x80) {
      const byte = this.u8(what);
      const payload = byte & 0x7f;
      value += payload * scale;
      if (byte >= 0x80) continue;
      if (index === bytesMax - 1) this.#checkLastByte(payload, bits - 7 * index, start, what);
      return byte & 0x40 ? value - scale * 0x80 : value;
    }
    throw this.refuse(`${what} is not a ${bits}-bit LEB128 number`, start);
  }

  /** The unused bits of the last byte repeat the sign bit. */
  #checkLastByte(payload: number, bitsUsed: number, start: number, what: string): void {
    const unused = payload >> (bitsUsed - 1);
    const allOnes = 0x7f >> (bitsUsed - 1);
    if (unused !== 0 && unused !== allOnes)
      throw this.refuse(`${what} is a LEB128 number out of range`, start);
  }

  /** A count of items, each of at least one byte. */
  count(what: string, max: number): number {
    const start = this.offset;
    const count = this.u32(`the number of ${what}`);
    if (count > max) throw this.refuse(`it has ${count} ${what}, at most ${max} are taken`, start);
    if (count > this.end - this.offset) {
      throw this.refuse(
        `truncated: it promises ${count} ${what}, ${this.end - this.offset} bytes are left`,
        start,
      );
    }
    return count;
  }

  text(what: string): string {
    const size = this.u32(`the length of ${what}`);
    const start = this.offset;
    this.skip(size, what);
    const text = decodeUtf8(this.bytes.subarray(start, this.offset));
    if (text === undefined) throw this.refuse(`${what} is not UTF-8`, start);
    return text;
  }

  done(): boolean {
    return this.offset >= this.end;
  }

  expectDone(what: string): void {
    if (!this.done())
      throw this.refuse(`${what} ends ${this.end - this.offset} bytes before its declared size`);
  }
}
