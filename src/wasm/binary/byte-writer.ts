// Writes the binary format's primitives and the instructions that instrumentation emits, into a growing buffer.
import { encodeUtf8 } from '../../base/encoding.ts';
import { op } from './opcodes.ts';
import { valueType } from './types.ts';

/** Bytes that go somewhere else in the end. */
export interface ByteSource {
  readonly size: number;
  appendTo(out: ByteWriter): void;
}

/** How many bytes a number takes as unsigned LEB128. */
export function sizeOfU32(value: number): number {
  let size = 1;
  for (; value >= 0x80; value = Math.floor(value / 0x80)) size++;
  return size;
}

export class ByteWriter implements ByteSource {
  #bytes: Uint8Array<ArrayBuffer>;
  size = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** What was written so far, copied. */
  result(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.size);
  }

  /** What was written, handed over where it fills its buffer; this writer is empty then. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes;
    const { size } = this;
    this.#bytes = new Uint8Array(0);
    this.size = 0;
    return bytes.length === size ? bytes : bytes.slice(0, size);
  }

  clear(): void {
    this.size = 0;
  }

  #reserve(size: number): void {
    if (this.size + size > this.#bytes.length) this.#grow(size);
  }

  #grow(size: number): void {
    const grown = new Uint8Array(Math.max(this.size + size, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.size));
    this.#bytes = grown;
  }

  u8(...values: readonly number[]): this {
    this.#reserve(values.length);
    for (let index = 0; index < values.length; index++) this.#bytes[this.size++] = values[index]!;
    return this;
  }

  /** An instruction without immediates. */
  plain(code: number): this {
    this.#reserve(1);
    this.#bytes[this.size++] = code;
    return this;
  }

  /** One byte, then a number: an instruction with its index. */
  #indexed(code: number, index: number): this {
    this.#reserve(6);
    this.#bytes[this.size++] = code;
    if (index >= 0x80) return this.u32(index);
    this.#bytes[this.size++] = index;
    return this;
  }

  u32(value: number): this {
    this.#reserve(5);
    if (value < 0x80) {
      this.#bytes[this.size++] = value;
      return this;
    }
    if (value < 0x4000) {
      this.#bytes[this.size++] = (value & 0x7f) | 0x80;
      this.#bytes[this.size++] = value >> 7;
      return this;
    }
    while (value >= 0x80) {
      this.#bytes[this.size++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    this.#bytes[this.size++] = value;
    return this;
  }

  /** A signed LEB128 number; a safe integer. */
  signed(value: number): this {
    this.#reserve(10);
    if (value >= -0x40 && value < 0x40) {
      this.#bytes[this.size++] = value & 0x7f;
      return this;
    }
    if (value >= -0x2000 && value < 0x2000) {
      this.#bytes[this.size++] = (value & 0x7f) | 0x80;
      this.#bytes[this.size++] = (value >> 7) & 0x7f;
      return this;
    }
    for (;;) {
      const low = ((value % 0x80) + 0x80) % 0x80;
      value = (value - low) / 0x80;
      if ((value === 0 && low < 0x40) || (value === -1 && low >= 0x40)) {
        this.#bytes[this.size++] = low;
        return this;
      }
      this.#bytes[this.size++] = low | 0x80;
    }
  }

  bytes(source: Uint8Array): this {
    this.#reserve(source.length);
    this.#bytes.set(source, this.size);
    this.size += source.length;
    return this;
  }

  /** The bytes of `source` from `start` to `end`; short ones are copied faster by hand. */
  bytesOf(source: Uint8Array, start: number, end: number): this {
    const size = end - start;
    if (size > 64) return this.bytes(source.subarray(start, end));
    this.#reserve(size);
    const target = this.#bytes;
    let at = this.size;
    for (let from = start; from < end; from++) target[at++] = source[from]!;
    this.size = at;
    return this;
  }

  append(other: ByteWriter, start = 0, end: number = other.size): this {
    return this.bytesOf(other.#bytes, start, end);
  }

  appendTo(out: ByteWriter): void {
    out.append(this);
  }

  text(text: string): this {
    const encoded = encodeUtf8(text);
    return this.u32(encoded.length).bytes(encoded);
  }

  /** The length of `other` in bytes, then `other`. */
  sized(other: ByteSource): this {
    this.u32(other.size);
    other.appendTo(this);
    return this;
  }

  localGet(index: number): this {
    return this.#indexed(op.localGet, index);
  }

  localSet(index: number): this {
    return this.#indexed(op.localSet, index);
  }

  localTee(index: number): this {
    return this.#indexed(op.localTee, index);
  }

  globalGet(index: number): this {
    return this.#indexed(op.globalGet, index);
  }

  globalSet(index: number): this {
    return this.#indexed(op.globalSet, index);
  }

  /** `value` is taken modulo 2^32. */
  i32Const(value: number): this {
    return this.plain(op.i32Const).signed(value | 0);
  }

  i64Const(value: number): this {
    return this.plain(op.i64Const).signed(value);
  }

  call(index: number): this {
    return this.#indexed(op.call, index);
  }

  /** Opens an `if` without parameters; `result` is a value type. */
  if(result: number = op.emptyBlock): this {
    return this.u8(op.if, result);
  }

  end(): this {
    return this.plain(op.end);
  }

  /** Local declarations of a function body, one group a type. */
  locals(...types: readonly (keyof typeof valueType)[]): this {
    this.u32(types.length);
    for (const type of types) this.u32(1).u8(valueType[type]);
    return this;
  }
}
