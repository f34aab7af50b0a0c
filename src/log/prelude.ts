// The beginning of a segment, taken apart: magic, header, schemas, channels. It may be of another version of the engine,
// so it is read, not compared; the chain covers its bytes.

import { decodeUtf8 } from '../base/encoding.ts';
import { mcapMagic, Opcode, recordHeadSize } from './mcap-records.ts';

/** The beginning of a segment, taken apart. */
export interface Prelude {
  readonly bytes: Uint8Array;
  readonly schemas: Uint8Array;
  readonly channels: Uint8Array;
  readonly schemaCount: number;
  readonly channelCount: number;
  readonly channelIdMax: number;
  /** Names of channels by identity; undefined where there is none. */
  readonly names: readonly (string | undefined)[];
}

/** Why bytes are not the beginning of a segment: cut off, or wrong at an offset. */
export type PreludeFault =
  | { readonly torn: true }
  | { readonly torn: false; readonly what: string; readonly offset: number };

/** Longer records than this do not stand in a prelude. */
const preludeRecordMax = 65_536;

/**
 * Takes the beginning of a segment apart, which ends where the first chunk begins. Without a chunk it counts as cut off:
 * nothing of value is in it.
 */
export function parsePrelude(bytes: Uint8Array): Prelude | PreludeFault {
  for (let i = 0; i < mcapMagic.length; i++) {
    if (i >= bytes.length) return { torn: true };
    if (bytes[i] !== mcapMagic[i])
      return { torn: false, what: 'the file does not begin as MCAP does', offset: i };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names: (string | undefined)[] = [];
  const ranges = { [Opcode.header]: [0, 0, 0], [Opcode.schema]: [0, 0, 0], [Opcode.channel]: [0, 0, 0] };
  let position = mcapMagic.length;
  let last: number = 0;
  for (;;) {
    if (position >= bytes.length) return { torn: true };
    const opcode = bytes[position]!;
    if (last === Opcode.channel && opcode !== Opcode.channel) break;
    const range = ranges[opcode as keyof typeof ranges];
    const expected = opcode === last ? last !== Opcode.header : opcode === nextOf(last);
    if (range === undefined || !expected) {
      return { torn: false, what: `record ${opcode} does not belong here`, offset: position };
    }
    if (position + recordHeadSize > bytes.length) return { torn: true };
    const size = view.getUint32(position + 1, true);
    if (view.getUint32(position + 5, true) !== 0 || size > preludeRecordMax) {
      return { torn: false, what: 'a record of the beginning is too long', offset: position + 1 };
    }
    const end = position + recordHeadSize + size;
    if (end > bytes.length) return { torn: true };
    if (opcode === Opcode.channel) {
      const named = channelName(bytes.subarray(position + recordHeadSize, end));
      if (named === undefined) return { torn: false, what: 'a channel is malformed', offset: position };
      names[named.id] = named.name;
    }
    if (range[2] === 0) range[0] = position;
    range[1] = end;
    range[2]!++;
    last = opcode;
    position = end;
  }
  const schemas = ranges[Opcode.schema];
  const channels = ranges[Opcode.channel];
  return {
    bytes: bytes.slice(0, position),
    schemas: bytes.slice(schemas[0], schemas[1]),
    channels: bytes.slice(channels[0], channels[1]),
    schemaCount: schemas[2]!,
    channelCount: channels[2]!,
    channelIdMax: names.length - 1,
    names,
  };
}

function nextOf(opcode: number): number {
  if (opcode === 0) return Opcode.header;
  return opcode === Opcode.header ? Opcode.schema : Opcode.channel;
}

function channelName(content: Uint8Array): { id: number; name: string } | undefined {
  if (content.length < 8) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const size = view.getUint32(4, true);
  const id = view.getUint16(0, true);
  if (size > content.length - 8 || id > 4096) return undefined;
  return { id, name: decodeUtf8(content.subarray(8, 8 + size)) ?? '' };
}
