// Loads and stores of the reference interpreter (section 4.4.7 of the specification), lanes included.
import type { Instruction } from './reference-reader.ts';
import { operations, Trap, type Value } from './scalar-operations.ts';
import { replaceLane } from './vector-operations.ts';

interface Access {
  readonly bytes: number;
  load?(from: DataView, at: number): Value;
  store?(to: DataView, at: number, value: Value): void;
}

const accesses = new Map<number, Access>();

function load(code: number, bytes: number, read: (from: DataView, at: number) => Value): void {
  accesses.set(code, { bytes, load: read });
}

function store(code: number, bytes: number, write: (to: DataView, at: number, value: never) => void): void {
  accesses.set(code, { bytes, store: write as (to: DataView, at: number, value: Value) => void });
}

const readers: Readonly<Record<number, (from: DataView, at: number) => number>> = {
  8: (from, at) => from.getInt8(at),
  16: (from, at) => from.getInt16(at, true),
  32: (from, at) => from.getInt32(at, true),
};
const bigReader = (from: DataView, at: number): bigint => from.getBigInt64(at, true);

load(0x28, 4, readers[32]!);
load(0x29, 8, bigReader);
load(0x2a, 4, readers[32]!);
load(0x2b, 8, bigReader);
for (const [code, size] of [
  [0x2c, 8],
  [0x2e, 16],
] as const) {
  load(code, size / 8, readers[size]!);
  load(code + 1, size / 8, (from, at) => readers[size]!(from, at) & (2 ** size - 1));
}
for (const [code, size] of [
  [0x30, 8],
  [0x32, 16],
  [0x34, 32],
] as const) {
  load(code, size / 8, (from, at) => BigInt(readers[size]!(from, at)));
  load(code + 1, size / 8, (from, at) => BigInt.asUintN(size, BigInt(readers[size]!(from, at))));
}
store(0x36, 4, (to, at, value: number) => to.setInt32(at, value, true));
store(0x37, 8, (to, at, value: bigint) => to.setBigInt64(at, value, true));
store(0x38, 4, (to, at, value: number) => to.setInt32(at, value, true));
store(0x39, 8, (to, at, value: bigint) => to.setBigInt64(at, value, true));
store(0x3a, 1, (to, at, value: number) => to.setInt8(at, value));
store(0x3b, 2, (to, at, value: number) => to.setInt16(at, value, true));
store(0x3c, 1, (to, at, value: bigint) => to.setInt8(at, Number(BigInt.asIntN(8, value))));
store(0x3d, 2, (to, at, value: bigint) => to.setInt16(at, Number(BigInt.asIntN(16, value)), true));
store(0x3e, 4, (to, at, value: bigint) => to.setInt32(at, Number(BigInt.asIntN(32, value)), true));

const vectorBytes = (from: DataView, at: number): Uint8Array => new Uint8Array(from.buffer, at, 16).slice();
load(0xfd00, 16, vectorBytes);
store(0xfd0b, 16, (to, at, value: Uint8Array) => new Uint8Array(to.buffer).set(value, at));
/** Splats, by the splat instruction of their width. */
for (const [code, size] of [
  [0xfd07, 8],
  [0xfd08, 16],
  [0xfd09, 32],
] as const) {
  load(code, size / 8, (from, at) => operations.get(code + 8)!.run(readers[size]!(from, at)));
}
load(0xfd0a, 8, (from, at) => operations.get(0xfd12)!.run(bigReader(from, at)));
load(0xfd5c, 4, (from, at) => replaceLane('i32', new Uint8Array(16), 0, readers[32]!(from, at)));
load(0xfd5d, 8, (from, at) => replaceLane('i64', new Uint8Array(16), 0, bigReader(from, at)));

export function isLoad(code: number): boolean {
  return accesses.get(code)?.load !== undefined || (code >= 0xfd54 && code <= 0xfd57);
}

export function isStore(code: number): boolean {
  return accesses.get(code)?.store !== undefined || (code >= 0xfd58 && code <= 0xfd5b);
}

export function access(memory: Uint8Array, instruction: Instruction, stack: Value[]): void {
  const { code, a, b } = instruction;
  if (code >= 0xfd54 && code <= 0xfd5b) {
    accessLane(memory, code - 0xfd54, a, b, stack);
    return;
  }
  const { bytes, load: read, store: write } = accesses.get(code)!;
  const value = write === undefined ? 0 : stack.pop()!;
  const at = ((stack.pop() as number) >>> 0) + a;
  if (at + bytes > memory.length) throw new Trap('memory');
  const view = new DataView(memory.buffer);
  if (read === undefined) write!(view, at, value);
  else stack.push(read(view, at));
}

const laneNames = ['i8', 'i16', 'i32', 'i64'] as const;

/** load8_lane … load64_lane are 0 to 3, store8_lane … 4 to 7. */
function accessLane(memory: Uint8Array, number: number, offset: number, lane: number, stack: Value[]): void {
  const vector = stack.pop() as Uint8Array;
  const at = ((stack.pop() as number) >>> 0) + offset;
  const bytes = 1 << (number & 3);
  if (at + bytes > memory.length) throw new Trap('memory');
  if (number >= 4) {
    memory.set(vector.subarray(lane * bytes, (lane + 1) * bytes), at);
    return;
  }
  const read = new Uint8Array(16);
  read.set(memory.subarray(at, at + bytes));
  const view = new DataView(read.buffer);
  const value = bytes === 8 ? view.getBigInt64(0, true) : view.getInt32(0, true);
  stack.push(replaceLane(laneNames[number & 3]!, vector, lane, value));
}
