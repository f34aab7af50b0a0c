// Protobuf messages from one table each: encode, decode, and (descriptor.ts) the schema. Pure; never guesses at damage.

import { decodeUtf8 } from '../base/encoding.ts';
import { assert, EngineError } from '../base/errors.ts';
import { ByteWriter } from './byte-writer.ts';

export type ScalarType = 'uint32' | 'uint64' | 'sint32' | 'bool' | 'string' | 'bytes';

/** A field of a table: number, type, and whether it repeats (numbers are packed then). */
export type FieldSpec = readonly [number: number, type: ScalarType | AnyTable, repeated?: 'repeated'];

export interface Field {
  readonly number: number;
  readonly name: string;
  readonly type: ScalarType | AnyTable;
  readonly repeated: boolean;
  readonly packed: boolean;
  /** Number and wire type, as they stand before the value. */
  readonly tag: number;
}

/** The layout of one message; fields stand and are written in the order of their numbers. */
export interface MessageTable<T> {
  readonly name: string;
  readonly fields: readonly Field[];
  /** Never set: ties the table to its type. */
  readonly of?: (value: T) => T;
}

/** A table whose type is not of interest. */
export interface AnyTable {
  readonly name: string;
  readonly fields: readonly Field[];
}

/** Makes a table; `fields` names every property of T, in the order of the numbers. */
export function message<T>(
  name: string,
  fields: { readonly [K in keyof Required<T>]: FieldSpec },
): MessageTable<T> {
  const made: Field[] = [];
  for (const [key, [number, type, repeats]] of Object.entries<FieldSpec>(fields)) {
    const last = made.at(-1);
    assert(number > (last?.number ?? 0) && number < 4096, `${name}.${key} has a number out of order`);
    const repeated = repeats === 'repeated';
    const wire = wireType(type);
    const packed = repeated && wire === 0;
    made.push({ number, name: key, type, repeated, packed, tag: (number << 3) | (packed ? 2 : wire) });
  }
  return { name, fields: made };
}

function wireType(type: ScalarType | AnyTable): number {
  return typeof type !== 'string' || type === 'string' || type === 'bytes' ? 2 : 0;
}

/** Appends the message to the writer. Zero, false and empty fields are left out, as in proto3. */
export function encodeTo<T>(writer: ByteWriter, table: MessageTable<T>, value: T): void {
  encodeFields(writer, table.fields, value as Record<string, unknown>);
}

/** The bytes of one message, in a buffer of its own. */
export function encodeMessage<T>(table: MessageTable<T>, value: T): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  encodeTo(writer, table, value);
  return writer.bytes.slice(0, writer.position);
}

function encodeFields(writer: ByteWriter, fields: readonly Field[], value: Record<string, unknown>): void {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    const part = value[field.name];
    if (part === undefined) continue;
    if (field.packed) encodePacked(writer, field, part as ArrayLike<number>);
    else if (field.repeated) {
      for (const item of part as readonly unknown[]) encodeField(writer, field, item, true);
    } else encodeField(writer, field, part, false);
  }
}

function encodePacked(writer: ByteWriter, field: Field, values: ArrayLike<number>): void {
  const count = values.length;
  if (count === 0) return;
  assert(field.type === 'uint32' || field.type === 'uint64', `${field.name} is packed unsigned`);
  writer.varint(field.tag);
  const start = writer.beginPart();
  for (let i = 0; i < count; i++) writer.varint(values[i]!);
  writer.endPart(start);
}

/** One value with its tag; an element of a list is written even where it is empty. */
function encodeField(writer: ByteWriter, field: Field, value: unknown, always: boolean): void {
  const type = field.type;
  switch (type) {
    case 'uint32':
    case 'uint64':
      if (value === 0 && !always) return;
      writer.varint(field.tag);
      writer.varint(value as number);
      return;
    case 'string':
      if (value === '' && !always) return;
      writer.varint(field.tag);
      writer.lengthAndText(value as string);
      return;
    case 'bytes':
      if ((value as Uint8Array).length === 0 && !always) return;
      writer.varint(field.tag);
      writer.lengthAndBytes(value as Uint8Array);
      return;
    case 'sint32':
      if (value === 0 && !always) return;
      writer.varint(field.tag);
      writer.varint((((value as number) << 1) ^ ((value as number) >> 31)) >>> 0);
      return;
    case 'bool':
      if (!value && !always) return;
      writer.varint(field.tag);
      writer.varint(value ? 1 : 0);
      return;
    default: {
      writer.varint(field.tag);
      const start = writer.beginPart();
      encodeFields(writer, type.fields, value as Record<string, unknown>);
      writer.endPart(start);
    }
  }
}

/**
 * Reads one message that fills `bytes`. Unknown fields are skipped; what is absent has its default.
 * Byte fields are copies.
 *
 * @throws EngineError `record-damaged` where the bytes are not such a message.
 */
export function decodeMessage<T>(table: MessageTable<T>, bytes: Uint8Array): T {
  return new MessageReader(bytes, table.name).fields(table.fields, bytes.length) as T;
}

class MessageReader {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  #position = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#name = name;
  }

  fields(fields: readonly Field[], end: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const field of fields) {
      if (field.repeated) value[field.name] = [];
      else if (typeof field.type === 'string') value[field.name] = defaultOf(field.type);
    }
    while (this.#position < end) {
      const tag = this.#varint(end);
      const number = Math.floor(tag / 8);
      const wire = tag % 8;
      const field = fieldOf(fields, number);
      if (field === undefined) this.#skip(number, wire, end);
      else this.#known(field, wire, end, value);
    }
    return value;
  }

  #known(field: Field, wire: number, end: number, value: Record<string, unknown>): void {
    const wanted = wireType(field.type);
    if (field.repeated && wanted === 0 && wire === 2) {
      const partEnd = this.#partEnd(end);
      const list = value[field.name] as unknown[];
      while (this.#position < partEnd) list.push(this.#scalar(field, partEnd));
      return;
    }
    if (wire !== wanted) this.#fail(`field "${field.name}" has wire type ${wire}, wanted ${wanted}`);
    const item = wire === 0 ? this.#scalar(field, end) : this.#part(field, this.#partEnd(end));
    if (field.repeated) (value[field.name] as unknown[]).push(item);
    else value[field.name] = item;
  }

  #scalar(field: Field, end: number): unknown {
    const value = this.#varint(end);
    if (field.type === 'uint64') return value;
    if (value > 0xffffffff) this.#fail(`field "${field.name}" is ${value}, which is more than 32 bits`);
    if (field.type === 'sint32') return (value >>> 1) ^ -(value & 1);
    if (field.type === 'bool') return value !== 0;
    return value;
  }

  #part(field: Field, end: number): unknown {
    if (typeof field.type !== 'string') return this.fields(field.type.fields, end);
    const bytes = this.#bytes.slice(this.#position, end);
    this.#position = end;
    if (field.type === 'bytes') return bytes;
    const text = decodeUtf8(bytes);
    if (text === undefined) this.#fail(`field "${field.name}" is not UTF-8`);
    return text;
  }

  #partEnd(end: number): number {
    const size = this.#varint(end);
    if (size > end - this.#position) {
      this.#fail(`a part of ${size} bytes begins where ${end - this.#position} are left`);
    }
    return this.#position + size;
  }

  #varint(end: number): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#position >= end) this.#fail('a number is cut off');
      const byte = this.#bytes[this.#position++]!;
      value += (byte & 127) * scale;
      if (value > Number.MAX_SAFE_INTEGER) this.#fail('a number is above 2^53 - 1');
      if (byte < 128) return value;
      scale *= 128;
    }
    return this.#fail('a number is longer than ten bytes');
  }

  #skip(number: number, wire: number, end: number): void {
    if (number === 0) this.#fail('a field has number 0');
    if (wire === 0) this.#skipVarint(end);
    else if (wire === 2) this.#position = this.#partEnd(end);
    else {
      const size = wire === 1 ? 8 : wire === 5 ? 4 : this.#fail(`field ${number} has wire type ${wire}`);
      if (size > end - this.#position) this.#fail(`field ${number} is cut off`);
      this.#position += size;
    }
  }

  /** An unknown number may use all 64 bits. */
  #skipVarint(end: number): void {
    for (let i = 0; i < 10; i++) {
      if (this.#position >= end) this.#fail('a number is cut off');
      if (this.#bytes[this.#position++]! < 128) return;
    }
    this.#fail('a number is longer than ten bytes');
  }

  #fail(what: string): never {
    throw new EngineError(
      'record-damaged',
      `Cannot read a ${this.#name} message: ${what} (at byte ${this.#position} of ${this.#bytes.length})`,
      { message: this.#name, offset: this.#position },
    );
  }
}

function fieldOf(fields: readonly Field[], number: number): Field | undefined {
  for (let i = 0; i < fields.length; i++) if (fields[i]!.number === number) return fields[i];
  return undefined;
}

/** Nobody can write to it. */
const noBytes = new Uint8Array(0);

function defaultOf(type: ScalarType): unknown {
  if (type === 'string') return '';
  if (type === 'bytes') return noBytes;
  return type === 'bool' ? false : 0;
}
