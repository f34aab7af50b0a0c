// The protobuf schema (google.protobuf.FileDescriptorSet) of a table, so that a log explains itself to outside tools.

import { type AnyTable, encodeMessage, type Field, type MessageTable, message } from './message.ts';

/** The protobuf package of every message of the record. */
export const protoPackage = 'wasm_engine.v1';

interface FieldDescriptor {
  readonly name: string;
  readonly number: number;
  readonly label: number;
  readonly type: number;
  readonly typeName: string;
  readonly jsonName: string;
}
interface MessageDescriptor {
  readonly name: string;
  readonly field: readonly FieldDescriptor[];
}
interface FileDescriptor {
  readonly name: string;
  readonly package: string;
  readonly messageType: readonly MessageDescriptor[];
  readonly syntax: string;
}
interface FileSet {
  readonly file: readonly FileDescriptor[];
}

// Field numbers of google/protobuf/descriptor.proto.
const fieldTable: MessageTable<FieldDescriptor> = message<FieldDescriptor>('FieldDescriptorProto', {
  name: [1, 'string'],
  number: [3, 'uint32'],
  label: [4, 'uint32'],
  type: [5, 'uint32'],
  typeName: [6, 'string'],
  jsonName: [10, 'string'],
});
const messageTable: MessageTable<MessageDescriptor> = message<MessageDescriptor>('DescriptorProto', {
  name: [1, 'string'],
  field: [2, fieldTable, 'repeated'],
});
const fileTable: MessageTable<FileDescriptor> = message<FileDescriptor>('FileDescriptorProto', {
  name: [1, 'string'],
  package: [2, 'string'],
  messageType: [4, messageTable, 'repeated'],
  syntax: [12, 'string'],
});
const fileSetTable: MessageTable<FileSet> = message<FileSet>('FileDescriptorSet', {
  file: [1, fileTable, 'repeated'],
});

const typeNumbers = { uint32: 13, uint64: 4, sint32: 17, bool: 8, string: 9, bytes: 12 } as const;

/** The name of a field in the schema: `configSha256` is `config_sha256`. */
export function protoFieldName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The FileDescriptorSet of a message and those that it holds, as bytes. */
export function descriptorSet(table: AnyTable): Uint8Array<ArrayBuffer> {
  const tables: AnyTable[] = [];
  collect(table, tables);
  const file: FileDescriptor = {
    name: `wasm_engine/v1/${protoFieldName(table.name).slice(1)}.proto`,
    package: protoPackage,
    messageType: tables.map(({ name, fields }) => ({ name, field: fields.map(describe) })),
    syntax: 'proto3',
  };
  return encodeMessage(fileSetTable, { file: [file] });
}

function collect(table: AnyTable, into: AnyTable[]): void {
  if (into.includes(table)) return;
  into.push(table);
  for (const { type } of table.fields) if (typeof type !== 'string') collect(type, into);
}

function describe({ name, number, type, repeated }: Field): FieldDescriptor {
  const isMessage = typeof type !== 'string';
  return {
    name: protoFieldName(name),
    number,
    label: repeated ? 3 : 1,
    type: isMessage ? 11 : typeNumbers[type],
    typeName: isMessage ? `.${protoPackage}.${type.name}` : '',
    jsonName: name,
  };
}
