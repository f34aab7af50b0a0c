// A growing buffer with the integers of protobuf and MCAP. Pure; never allocates but to grow.

import { encodeUtf8 } from '../base/encoding.ts';
import { assert } from '../base/errors.ts';

/** Bytes under construction: `bytes` up to `position` are written. Fields are public for the encoders of this room. */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;
  position = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    const needed = this.position + size;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.position));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** A view of what is written; it is overwritten after `position` goes back. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.position);
  }

  uint8(value: number): void {
    this.reserve(1);
    this.bytes[this.position++] = value;
  }

  uint16(value: number): void {
    this.reserve(2);
    this.view.setUint16(this.position, value, true);
    this.position += 2;
  }

  uint32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.position, value, true);
    this.position += 4;
  }

  /** A whole number up to 2^53 - 1 in eight bytes. */
  uint64(value: number): void {
    this.reserve(8);
    this.uint64At(this.position, value);
    this.position += 8;
  }

  uint64At(position: number, value: number): void {
    this.view.setUint32(position, value >>> 0, true);
    this.view.setUint32(position + 4, (value / 4294967296) >>> 0, true);
  }

  /** A protobuf varint of a whole number up to 2^53 - 1. */
  varint(value: number): void {
    this.reserve(8);
    const bytes = this.bytes;
    let position = this.position;
    let low = value >>> 0;
    if (low !== value) {
      assert(Number.isSafeInteger(value) && value >= 0, `a varint is a whole number, not ${value}`);
      // Four groups of seven bits leave at most 25 bits, which then fit 32-bit arithmetic.
      const rest = Math.floor(value / 268435456);
      for (let i = 0; i < 4; i++) {
        bytes[position++] = (low & 127) | 128;
        low >>>= 7;
      }
      low = rest;
    }
    while (low > 127) {
      bytes[position++] = (low & 127) | 128;
      low >>>= 7;
    }
    bytes[position++] = low;
    this.position = position;
  }

  raw(source: Uint8Array): void {
    const size = source.length;
    this.reserve(size);
    // A call of `set` costs more than copying a few bytes by hand.
    if (size < 24) {
      const bytes = this.bytes;
      const start = this.position;
      for (let i = 0; i < size; i++) bytes[start + i] = source[i]!;
    } else {
      this.bytes.set(source, this.position);
    }
    this.position += size;
  }

  /** Bytes after their length as a varint. */
  lengthAndBytes(source: Uint8Array): void {
    this.varint(source.length);
    this.raw(source);
  }

  /** UTF-8 after its length as a varint. */
  lengthAndText(text: string): void {
    const size = text.length;
    if (size < 64) {
      this.reserve(size + 1);
      const bytes = this.bytes;
      const start = this.position + 1;
      let i = 0;
      for (; i < size; i++) {
        const code = text.charCodeAt(i);
        if (code > 127) break;
        bytes[start + i] = code;
      }
      if (i === size) {
        bytes[this.position] = size;
        this.position = start + size;
        return;
      }
    }
    this.lengthAndBytes(encodeUtf8(text));
  }

  /** Begins a part whose length is not known yet; give what this answers to `endPart`. */
  beginPart(): number {
    this.reserve(1);
    return ++this.position;
  }

  /** Puts the length of a part before it, as a varint of the shortest form. */
  endPart(start: number): void {
    const size = this.position - start;
    if (size < 128) {
      this.bytes[start - 1] = size;
      return;
    }
    const extra = size < 16384 ? 1 : size < 2097152 ? 2 : size < 268435456 ? 3 : 4;
    this.reserve(extra);
    this.bytes.copyWithin(start + extra, start, this.position);
    this.position = start - 1;
    this.varint(size);
    this.position += size;
  }
}
