// Decodes one instruction at a time: its opcode in the one numbering, its immediates, and where it stands.
import type { ByteReader } from '../binary/byte-reader.ts';
import {
  bulkBase,
  type OpcodeInfo,
  op,
  opcodeInfo,
  prefixBulk,
  prefixSimd,
  simdBase,
} from '../binary/opcodes.ts';
import { refusedOpcodeText } from '../binary/refused-opcodes.ts';
import { type FunctionType, isValueType } from '../binary/types.ts';
import { parseReferenceType, parseValueType } from './parse-constant.ts';

export interface Instruction {
  readonly code: number;
  readonly info: OpcodeInfo;
  /** Offset in the module of the first byte. */
  readonly start: number;
  /** The first two indices among the immediates, in binary order; 0 where there is none. */
  readonly first: number;
  readonly second: number;
  /** The type of a block; of anything else the empty one. */
  readonly blockType: FunctionType;
  /** The labels of a branch table, the default one last; of anything else those of an earlier one. */
  readonly labels: readonly number[];
}

const emptyType: FunctionType = { params: [], results: [] };

/** The one instruction that there is at a time: making one for each would take longer than reading it. */
const last: { -readonly [Key in keyof Instruction]: Instruction[Key] } & { labels: number[] } = {
  code: 0,
  info: opcodeInfo(op.nop)!,
  start: 0,
  first: 0,
  second: 0,
  blockType: emptyType,
  labels: [],
};

/** Reads one instruction; what it answers is valid until it is called again. */
export function readInstruction(reader: ByteReader, types: readonly FunctionType[]): Instruction {
  const start = reader.offset;
  const byte = reader.u8('an instruction');
  let code = byte;
  if (byte === prefixBulk || byte === prefixSimd) {
    const number = reader.u32('an opcode');
    if (number > 0xff) throw reader.refuse(`it has ${refusedOpcodeText(byte, number)}`, start);
    code = number + (byte === prefixBulk ? bulkBase : simdBase);
  }
  const info = opcodeInfo(code);
  if (info === undefined) {
    const number = code === byte ? undefined : code & 0xff;
    throw reader.refuse(`it has ${refusedOpcodeText(byte, number)}`, start);
  }
  let first = 0;
  let second = 0;
  let blockType = emptyType;
  if (info.immediate === 'blockType') blockType = readBlockType(reader, types);
  else if (info.immediate === 'index') first = reader.u32('an index');
  else if (info.immediate === 'index2') {
    first = reader.u32('an index');
    second = reader.u32('an index');
  } else if (info.immediate === 'dataIndexZero') {
    first = reader.u32('an index');
    readZeroByte(reader);
  } else skipImmediate(reader, info, start);
  last.code = code;
  last.info = info;
  last.start = start;
  last.first = first;
  last.second = second;
  last.blockType = blockType;
  return last;
}

function readBlockType(reader: ByteReader, types: readonly FunctionType[]): FunctionType {
  const at = reader.offset;
  const next = reader.bytes[at] ?? 0;
  if (at < reader.end && next === op.emptyBlock) {
    reader.offset++;
    return emptyType;
  }
  if (at < reader.end && (isValueType(next) || (next >= 0x60 && next < 0x80))) {
    return { params: [], results: [parseValueType(reader)] };
  }
  const index = reader.signed(33, 'a block type');
  const type = index < 0 ? undefined : types[index];
  if (type === undefined) throw reader.refuse(`found the block type ${index}, which does not exist`, at);
  return type;
}

function readZeroByte(reader: ByteReader): void {
  const at = reader.offset;
  if (reader.u8('a memory index') !== 0) throw reader.refuse('it uses a second memory (multi-memory)', at);
}

function skipImmediate(reader: ByteReader, info: OpcodeInfo, start: number): void {
  switch (info.immediate) {
    case 'i32':
      reader.signed(32, 'an i32 constant');
      return;
    case 'i64':
      reader.signed(64, 'an i64 constant');
      return;
    case 'f32':
      reader.skip(4, 'an f32 constant');
      return;
    case 'f64':
      reader.skip(8, 'an f64 constant');
      return;
    case 'bytes16':
      reader.skip(16, 'a v128 immediate');
      return;
    case 'lane':
      reader.skip(1, 'a lane index');
      return;
    case 'zeroByte':
      readZeroByte(reader);
      return;
    case 'zeroBytes2':
      readZeroByte(reader);
      readZeroByte(reader);
      return;
    case 'memarg':
      skipMemarg(reader, start);
      return;
    case 'memargLane':
      skipMemarg(reader, start);
      reader.skip(1, 'a lane index');
      return;
    case 'referenceType':
      parseReferenceType(reader);
      return;
    case 'typeList': {
      const count = reader.count('types of a select', 1);
      for (let index = 0; index < count; index++) parseValueType(reader);
      return;
    }
    case 'labels': {
      const count = reader.count('labels', 65_520);
      last.labels = [];
      for (let index = 0; index <= count; index++) last.labels.push(reader.u32('a label'));
    }
  }
}

function skipMemarg(reader: ByteReader, start: number): void {
  const alignment = reader.u32('an alignment');
  if (alignment >= 0x40) throw reader.refuse('it uses a second memory (multi-memory)', start);
  reader.u32('an offset');
}
