// Reads the binary format as far as the generator of these tests writes it, and lays the fuel of each block down at its
// head. Shares no code with the pass; trusts its input, which must be valid.
import { endsBlock, entryFuel, instructionFuel, stopsCode } from './fuel-costs.ts';
import type { Value } from './scalar-operations.ts';

export interface FunctionType {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

export interface Instruction {
  readonly code: number;
  /** Immediates: indices, offset of an access, lane, labels. */
  readonly a: number;
  readonly b: number;
  readonly labels: readonly number[];
  readonly value: Value | undefined;
  readonly type: FunctionType | undefined;
  /** Of a block, loop or if: where its `end` stands, and its `else` (or -1). */
  end: number;
  else: number;
  /** Fuel of the block that begins here; tested where it is the head of a loop. */
  charge: number;
  test: boolean;
}

export interface ReadFunction {
  readonly type: FunctionType;
  readonly locals: readonly number[];
  readonly code: readonly Instruction[];
  readonly entryFuel: number;
}

export interface ReadModule {
  readonly types: FunctionType[];
  readonly imports: { readonly name: string; readonly type: FunctionType }[];
  readonly functions: ReadFunction[];
  readonly tables: { readonly min: number; readonly max: number }[];
  memoryPagesMin: number;
  memoryPagesMax: number;
  readonly globals: { readonly type: number; readonly value: Value }[];
  readonly exports: Map<string, { readonly kind: number; readonly index: number }>;
  start: number;
  readonly elements: {
    readonly active: boolean;
    readonly offset: number;
    readonly items: readonly number[];
  }[];
  readonly data: { readonly active: boolean; readonly offset: number; readonly bytes: Uint8Array }[];
}

class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++]!;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return byte & 0x40 ? value - (1n << (shift + 7n)) : value;
    }
  }

  take(size: number): Uint8Array {
    this.at += size;
    return this.bytes.slice(this.at - size, this.at);
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.u32() }, read);
  }
}

export function readModule(bytes: Uint8Array): ReadModule {
  const module: ReadModule = {
    types: [],
    imports: [],
    functions: [],
    tables: [],
    memoryPagesMin: 0,
    memoryPagesMax: 65_536,
    globals: [],
    exports: new Map(),
    start: -1,
    elements: [],
    data: [],
  };
  const cursor = new Cursor(bytes, 8);
  const functionTypes: FunctionType[] = [];
  while (cursor.at < bytes.length) {
    const id = cursor.byte();
    const end = cursor.u32() + cursor.at;
    readSection(id, cursor, module, functionTypes);
    cursor.at = end;
  }
  return module;
}

function readSection(id: number, cursor: Cursor, module: ReadModule, functionTypes: FunctionType[]): void {
  const text = () => new TextDecoder().decode(cursor.take(cursor.u32()));
  const limits = () => {
    const flags = cursor.byte();
    return { min: cursor.u32(), max: flags === 1 ? cursor.u32() : Number.POSITIVE_INFINITY };
  };
  switch (id) {
    case 1:
      cursor.list(() => {
        cursor.byte();
        const params = cursor.list(() => cursor.byte());
        module.types.push({ params, results: cursor.list(() => cursor.byte()) });
      });
      return;
    case 2:
      cursor.list(() => {
        text();
        const name = text();
        cursor.byte();
        module.imports.push({ name, type: module.types[cursor.u32()]! });
      });
      return;
    case 3:
      cursor.list(() => functionTypes.push(module.types[cursor.u32()]!));
      return;
    case 4:
      cursor.list(() => {
        cursor.byte();
        module.tables.push(limits());
      });
      return;
    case 5:
      cursor.list(() => {
        const { min, max } = limits();
        module.memoryPagesMin = min;
        module.memoryPagesMax = Math.min(max, 65_536);
      });
      return;
    case 6:
      cursor.list(() => {
        const type = cursor.byte();
        cursor.byte();
        module.globals.push({ type, value: readConstant(cursor) });
      });
      return;
    case 7:
      cursor.list(() => {
        const name = text();
        module.exports.set(name, { kind: cursor.byte(), index: cursor.u32() });
      });
      return;
    case 8:
      module.start = cursor.u32();
      return;
    default:
      readContents(id, cursor, module, functionTypes);
  }
}

function readContents(id: number, cursor: Cursor, module: ReadModule, functionTypes: FunctionType[]): void {
  switch (id) {
    case 9:
      cursor.list(() => {
        const active = cursor.u32() === 0;
        const offset = active ? Number(readConstant(cursor)) >>> 0 : cursor.byte();
        module.elements.push({ active, offset, items: cursor.list(() => cursor.u32()) });
      });
      return;
    case 10:
      cursor.list(() => {
        const end = cursor.u32() + cursor.at;
        module.functions.push(readFunction(cursor, end, module, functionTypes[module.functions.length]!));
      });
      return;
    case 11:
      cursor.list(() => {
        const active = cursor.u32() === 0;
        const offset = active ? Number(readConstant(cursor)) >>> 0 : 0;
        module.data.push({ active, offset, bytes: cursor.take(cursor.u32()) });
      });
  }
}

function readConstant(cursor: Cursor): Value {
  const code = cursor.byte();
  const value = readImmediate(code === 0xfd ? 0xfd00 + cursor.u32() : code, cursor) ?? -1;
  cursor.byte();
  return value;
}

function readImmediate(code: number, cursor: Cursor): Value | undefined {
  switch (code) {
    case 0x41:
      return Number(cursor.signed());
    case 0x42:
      return cursor.signed();
    case 0x43:
      return new DataView(cursor.take(4).buffer).getInt32(0, true);
    case 0x44:
      return new DataView(cursor.take(8).buffer).getBigInt64(0, true);
    case 0xfd0c:
    case 0xfd0d:
      return cursor.take(16);
    case 0xd0:
      cursor.byte();
      return -1;
    default:
      return undefined;
  }
}

function readFunction(cursor: Cursor, end: number, module: ReadModule, type: FunctionType): ReadFunction {
  const locals: number[] = [];
  cursor.list(() => {
    const count = cursor.u32();
    const local = cursor.byte();
    for (let index = 0; index < count; index++) locals.push(local);
  });
  const code: Instruction[] = [];
  while (cursor.at < end) code.push(readInstruction(cursor, module));
  matchEnds(code);
  const firstBlock = layFuel(code);
  return { type, locals, code, entryFuel: entryFuel(locals.length) + firstBlock };
}

/** Opcodes with one index; with two; accesses with alignment and offset. */
const oneIndex = new Set([
  0x0c, 0x0d, 0x10, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0xd2, 0xfc09, 0xfc0d, 0xfc0f, 0xfc10,
  0xfc11, 0x3f, 0x40, 0xfc0b,
]);
const twoIndices = new Set([0x11, 0x13, 0xfc08, 0xfc0a, 0xfc0c, 0xfc0e]);

function isAccess(code: number): boolean {
  if (code >= 0x28 && code <= 0x3e) return true;
  return (code >= 0xfd00 && code <= 0xfd0b) || (code >= 0xfd54 && code <= 0xfd5d);
}

function readInstruction(cursor: Cursor, module: ReadModule): Instruction {
  const first = cursor.byte();
  const code = first === 0xfc || first === 0xfd ? first * 256 + cursor.u32() : first;
  let [a, b] = [0, 0];
  let labels: number[] = [];
  let type: FunctionType | undefined;
  if (code >= 0x02 && code <= 0x04) {
    const number = Number(cursor.signed());
    if (number >= 0) type = module.types[number]!;
    else type = { params: [], results: number === -64 ? [] : [number & 0x7f] };
  } else if (oneIndex.has(code)) {
    a = cursor.u32();
  } else if (twoIndices.has(code)) {
    a = cursor.u32();
    b = cursor.u32();
  } else if (isAccess(code)) {
    cursor.u32();
    a = cursor.u32();
    if (code >= 0xfd54 && code <= 0xfd5b) b = cursor.byte();
  } else if (code >= 0xfd15 && code <= 0xfd22) {
    b = cursor.byte();
  } else if (code === 0x0e) {
    labels = cursor.list(() => cursor.u32());
    a = cursor.u32();
  } else if (code === 0x1c) {
    cursor.list(() => cursor.byte());
  }
  const value = readImmediate(code, cursor);
  return { code, a, b, labels, value, type, end: -1, else: -1, charge: 0, test: false };
}

function matchEnds(code: readonly Instruction[]): void {
  const open: Instruction[] = [];
  for (const [index, instruction] of code.entries()) {
    if (instruction.code >= 0x02 && instruction.code <= 0x04) open.push(instruction);
    else if (instruction.code === 0x05) {
      open.at(-1)!.else = index;
      open.push(instruction);
    } else if (instruction.code === 0x0b) {
      const closed = open.pop();
      if (closed === undefined) continue;
      closed.end = index;
      if (closed.code === 0x05) open.pop()!.end = index;
    }
  }
}

/** Charges stand on the first instruction of each block; answers the fuel of the function's first one. */
function layFuel(code: readonly Instruction[]): number {
  let firstBlock = 0;
  let live = true;
  const open: boolean[] = [true];
  let head: Instruction | undefined;
  for (const [index, instruction] of code.entries()) {
    if (live) {
      if (head === undefined) firstBlock += instructionFuel(instruction.code);
      else head.charge += instructionFuel(instruction.code);
    }
    if (instruction.code >= 0x02 && instruction.code <= 0x04) open.push(live);
    const wasLive = live;
    if (instruction.code === 0x05) live = open.at(-1)!;
    if (instruction.code === 0x0b) live = open.pop()!;
    if (wasLive && stopsCode(instruction.code)) live = false;
    const begins = endsBlock(instruction.code) && (wasLive || live);
    if (!begins) continue;
    head = code[index + 1];
    if (head !== undefined && instruction.code === 0x03 && live) head.test = true;
  }
  for (const instruction of code) if (instruction.test && instruction.charge === 0) instruction.charge = 1;
  return firstBlock;
}
