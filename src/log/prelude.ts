// The beginning of a segment, taken apart: magic, header, schemas, channels. It may be of another version of the
// engine, so it is read, not compared; the chain covers its bytes.

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

/** What each record holds: bytes of fixed size, then parts with their length before them. */
const shapes: ReadonlyMap<number, { readonly fixed: number; readonly parts: number }> = new Map([
  [Opcode.header, { fixed: 0, parts: 2 }],
  [Opcode.schema, { fixed: 2, parts: 3 }],
  [Opcode.channel, { fixed: 4, parts: 3 }],
]);

const torn: PreludeFault = { torn: true };

function wrong(what: string, offset: number): PreludeFault {
  return { torn: false, what, offset };
}

/**
 * Takes the beginning of a segment apart, which ends where the first chunk begins. Without a chunk it counts as cut
 * off: nothing of value is in it.
 */
export function parsePrelude(bytes: Uint8Array): Prelude | PreludeFault {
  for (let i = 0; i < mcapMagic.length; i++) {
    if (i >= bytes.length) return torn;
    if (bytes[i] !== mcapMagic[i]) return wrong('the file does not begin as MCAP does', i);
  }
  const names: (string | undefined)[] = [];
  /** Where the records of each kind begin, and how many there are. */
  const starts = new Map<number, number>();
  const counts = new Map<number, number>();
  let position = mcapMagic.length;
  let last = 0;
  for (;;) {
    if (position >= bytes.length) return torn;
    const opcode = bytes[position]!;
    if (last === Opcode.channel && opcode !== Opcode.channel) break;
    const repeats = opcode === last && (last === Opcode.schema || last === Opcode.channel);
    if (!repeats && opcode !== nextOf(last)) return wrong(`record ${opcode} does not belong here`, position);
    const end = recordEnd(bytes, position, opcode);
    if (typeof end !== 'number') return end;
    if (opcode === Opcode.channel) {
      const named = channelName(bytes.subarray(position + recordHeadSize, end));
      if (named === undefined) return wrong('a channel is malformed', position);
      names[named.id] = named.name;
    }
    if (!repeats) starts.set(opcode, position);
    counts.set(opcode, (counts.get(opcode) ?? 0) + 1);
    last = opcode;
    position = end;
  }
  const channelStart = starts.get(Opcode.channel)!;
  return {
    bytes: bytes.slice(0, position),
    schemas: bytes.slice(starts.get(Opcode.schema), channelStart),
    channels: bytes.slice(channelStart, position),
    schemaCount: counts.get(Opcode.schema)!,
    channelCount: counts.get(Opcode.channel)!,
    channelIdMax: names.length - 1,
    names,
  };
}

function nextOf(opcode: number): number {
  if (opcode === 0) return Opcode.header;
  return opcode === Opcode.header ? Opcode.schema : Opcode.channel;
}

/** Where a record ends. Its length must be that of its parts, so that a changed one is not taken for a cut. */
function recordEnd(bytes: Uint8Array, position: number, opcode: number): number | PreludeFault {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = position + recordHeadSize;
  if (start > bytes.length) return torn;
  const size = view.getUint32(position + 1, true);
  if (view.getUint32(position + 5, true) !== 0 || size > preludeRecordMax) {
    return wrong('a record of the beginning is too long', position + 1);
  }
  const { fixed, parts } = shapes.get(opcode)!;
  let at = start + fixed;
  for (let part = 0; part < parts && at <= start + size; part++) {
    if (at + 4 > bytes.length) return torn;
    at += 4 + view.getUint32(at, true);
  }
  if (at !== start + size) return wrong('the sizes of a record do not agree', position + 1);
  return at > bytes.length ? torn : at;
}

function channelName(content: Uint8Array): { id: number; name: string } | undefined {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const id = view.getUint16(0, true);
  if (id > 4096) return undefined;
  return { id, name: decodeUtf8(content.subarray(8, 8 + view.getUint32(4, true))) ?? '' };
}
