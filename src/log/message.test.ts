// Messages against their tables, any bytes, and the protobuf library.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { EngineError } from '../base/errors.ts';
import { ByteWriter } from './byte-writer.ts';
import { channelList, channels, decodeEvent } from './channels.ts';
import { descriptorSet, protoFieldName } from './descriptor.ts';
import {
  type AnyTable,
  decodeMessage,
  encodeMessage,
  type Field,
  type MessageTable,
  message,
} from './message.ts';

/** Values of a table's type, with few and many elements, small and large numbers. */
function arbitraryOf(table: AnyTable): fc.Arbitrary<Record<string, unknown>> {
  const parts = Object.fromEntries(table.fields.map((field) => [field.name, arbitraryField(field)]));
  const values: fc.Arbitrary<Record<string, unknown>> = fc.record(parts, { noNullPrototype: true });
  return table.name === 'TickOutcomes' ? values.map(withEvenColumns) : values;
}

/** The columns of outcomes are of one length. */
function withEvenColumns(value: Record<string, unknown>): Record<string, unknown> {
  const size = Math.min(...Object.values(value).map((part) => (Array.isArray(part) ? part.length : 200)));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, Array.isArray(part) ? part.slice(0, size) : part]),
  );
}

function arbitraryField({ type, repeated }: Field): fc.Arbitrary<unknown> {
  const one: fc.Arbitrary<unknown> = typeof type === 'string' ? scalars[type] : arbitraryOf(type);
  return repeated ? fc.array(one, { maxLength: 200, size: 'medium' }) : one;
}

const scalars = {
  uint32: fc.oneof(fc.nat(300), fc.nat(0xffffffff)),
  uint64: fc.oneof(fc.nat(300), fc.maxSafeNat()),
  sint32: fc.integer(),
  bool: fc.boolean(),
  string: fc.string({ unit: 'grapheme', maxLength: 100 }),
  bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
};

/** A value as the library gives it. */
function asLibrary(table: AnyTable, value: Record<string, unknown>): Record<string, unknown> {
  const convert = (type: Field['type'], item: unknown): unknown => {
    if (typeof type !== 'string') return asLibrary(type, item as Record<string, unknown>);
    return type === 'uint64' ? BigInt(item as number) : item;
  };
  return Object.fromEntries(
    table.fields.map(({ name, type, repeated }) => [
      name,
      repeated ? (value[name] as unknown[]).map((item) => convert(type, item)) : convert(type, value[name]),
    ]),
  );
}

function withoutTypeNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTypeNames);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '$typeName')
      .map(([key, item]) => [key, withoutTypeNames(item)]),
  );
}

describe('messages', () => {
  for (const channel of channelList) {
    const table = channel.table as MessageTable<Record<string, unknown>>;

    it(`${table.name} comes back as it was`, () => {
      fc.assert(
        fc.property(arbitraryOf(table), (value) => {
          const writer = new ByteWriter(1);
          channel.encodeTo(writer, value as never);
          assert.deepEqual(decodeEvent(channel.name, writer.written()), value);
          assert.deepEqual(encodeMessage(table, value), writer.bytes.slice(0, writer.position));
        }),
        { numRuns: 60 },
      );
    });

    it(`${table.name} is what the embedded schema says, byte for byte`, () => {
      const set = fromBinary(FileDescriptorSetSchema, descriptorSet(table));
      const schema = createFileRegistry(set).getMessage(`wasm_engine.v1.${table.name}`);
      assert.ok(schema);
      assert.deepEqual(
        schema.fields.map(({ name, localName, number }) => [name, localName, number]),
        table.fields.map(({ name, number }) => [protoFieldName(name), name, number]),
      );
      fc.assert(
        fc.property(arbitraryOf(table), (value) => {
          const bytes = encodeMessage(table, value);
          const decoded = fromBinary(schema, bytes);
          assert.deepEqual(withoutTypeNames(decoded), asLibrary(table, value));
          assert.deepEqual(new Uint8Array(toBinary(schema, decoded)), bytes);
        }),
        { numRuns: 60 },
      );
    });
  }

  it('skips fields of a later version', () => {
    const now = message<{ b: number }>('M', { b: [2, 'uint32'] });
    const later = message<{ a: number; b: number; c: string; d: number[] }>('M', {
      a: [1, 'uint64'],
      b: [2, 'uint32'],
      c: [3, 'string'],
      d: [4, 'uint32', 'repeated'],
    });
    const bytes = encodeMessage(later, { a: 2 ** 50, b: 7, c: 'x', d: [1, 2] });
    assert.deepEqual(decodeMessage(now, bytes), { b: 7 });
    // Field 5 as 32 bits, field 6 as 64 bits, field 7 as a number of all 64 bits.
    const fixed = [0x2d, 1, 2, 3, 4, 0x31, 1, 2, 3, 4, 5, 6, 7, 8];
    const wide = [0x38, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    assert.deepEqual(decodeMessage(now, Uint8Array.of(...fixed, ...wide, 0x10, 7)), { b: 7 });
  });

  it('refuses malformed bytes by name and offset', () => {
    const table = channels.outputs.table as MessageTable<unknown>;
    const wrong: readonly (readonly [number[], RegExp])[] = [
      [[0x08], /a number is cut off \(at byte 1 of 1\)/],
      [[0x08, ...new Array(10).fill(0x80)], /longer than ten bytes/],
      [[0x10, 255, 255, 255, 255, 255, 255, 255, 31], /above 2\^53 - 1/],
      [[0x08, 255, 255, 255, 255, 31], /"epoch" is \d+, which is more than 32 bits/],
      [[0x2a, 5, 1], /a part of 5 bytes begins where 1 are left/],
      [[0x22, 1, 0xff], /"agent" is not UTF-8/],
      [[0x0a, 0], /"epoch" has wire type 2, wanted 0/],
      [[0x33], /field 6 has wire type 3/],
      [[0x35, 1], /field 6 is cut off/],
      [[0x00, 0], /a field has number 0/],
    ];
    for (const [bytes, wanted] of wrong) {
      const check = (error: unknown): boolean =>
        error instanceof EngineError && error.code === 'record-damaged' && wanted.test(error.message);
      assert.throws(() => decodeMessage(table, Uint8Array.from(bytes)), check, `${bytes}`);
    }
  });

  it('answers any bytes with a message or an error of ours', () => {
    const property = fc.property(
      fc.constantFrom(...channelList),
      fc.uint8Array({ maxLength: 60 }),
      (channel, bytes) => {
        try {
          decodeEvent(channel.name, bytes);
        } catch (error) {
          assert.ok(error instanceof EngineError && error.code === 'record-damaged', String(error));
        }
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });

  it('refuses to encode what is not a whole number', () => {
    const writer = new ByteWriter();
    for (const value of [-1, 1.5, 2 ** 53, Number.NaN]) {
      assert.throws(() => writer.varint(value), { code: 'bug' });
    }
  });
});
