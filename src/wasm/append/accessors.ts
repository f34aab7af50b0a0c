// Appended exports through which the host reads and writes an instance's state, as integers only: JavaScript would lose
// the bits of a NaN, and cannot hold a v128 at all.
import { engineExport } from '../../abi/guest-exports.ts';
import { ByteWriter } from '../binary/byte-writer.ts';
import { op, simd } from '../binary/opcodes.ts';
import { type NumberTypeName, valueTypeName } from '../binary/types.ts';
import type { Limits } from '../parse/parsed-module.ts';
import { type Additions, emitLane, functionType } from './additions.ts';

/** A mutable global that the module defines. */
export interface MutableGlobal {
  /** Its index in the module. */
  readonly index: number;
  readonly type: NumberTypeName;
  /** How many 32-bit words its value has, the lowest first. */
  readonly words: number;
}

const wordCounts: Readonly<Record<NumberTypeName, number>> = { i32: 1, i64: 2, f32: 1, f64: 2, v128: 4 };

export function mutableGlobals(additions: Additions): MutableGlobal[] {
  const found: MutableGlobal[] = [];
  for (const [index, global] of additions.module.globals.entries()) {
    if (!global.mutable) continue;
    const type = valueTypeName(global.type) as NumberTypeName;
    found.push({ index, type, words: wordCounts[type] });
  }
  return found;
}

/** Appends the accessors of fuel, status and limit of growth. */
export function addScalarAccessors(additions: Additions, memory: Limits): void {
  const fuelSet = new ByteWriter(16).locals().localGet(0).u8(0xfc, 0x06).globalSet(additions.fuel).end();
  const fuelGet = new ByteWriter(16).locals().globalGet(additions.fuel).u8(op.f64ConvertI64S).end();
  const status = new ByteWriter(16).locals().globalGet(additions.status).end();
  const limitSet = new ByteWriter(32).locals().localGet(0).i32Const(memory.max!);
  limitSet.localGet(0).i32Const(memory.max!).u8(op.i32LtU, op.select).globalSet(additions.pagesMax).end();
  const add = (name: string, params: string, results: string, code: ByteWriter) =>
    additions.addExport(name, additions.addFunction(functionType(params, results), code));
  add(engineExport.fuelSet, 'f64', '', fuelSet);
  add(engineExport.fuelGet, '', 'f64', fuelGet);
  add(engineExport.status, '', 'i32', status);
  add(engineExport.memoryPagesMaxSet, 'i32', '', limitSet);
}

/** Appends `globalGet` and `globalSet`; a position or word that does not exist traps. */
export function addGlobalAccessors(additions: Additions, globals: readonly MutableGlobal[]): void {
  const get = new ByteWriter().locals();
  emitSwitch(get, globals, (global) => emitGetWord(get, global));
  additions.addExport(engineExport.globalGet, additions.addFunction(functionType('i32 i32', 'i32'), get));
  const set = new ByteWriter().locals();
  emitSwitch(set, globals, (global) => emitSetWord(set, global));
  additions.addExport(engineExport.globalSet, additions.addFunction(functionType('i32 i32 i32', ''), set));
}

/** The parameters of the accessors. */
const [position, word, value] = [0, 1, 2];

/** One arm a global, each for the words that it has. */
function emitSwitch(
  code: ByteWriter,
  globals: readonly MutableGlobal[],
  emitArm: (global: MutableGlobal) => void,
): void {
  emitArms(code, globals, (global) => {
    code.localGet(word).i32Const(global.words).u8(op.i32GeU).if().u8(op.unreachable).end();
    emitArm(global);
  });
}

/** One arm an item, chosen by the first parameter; each leaves the function. A position that does not exist traps. */
export function emitArms<T>(code: ByteWriter, items: readonly T[], emitArm: (item: T) => void): void {
  for (let arm = 0; arm <= items.length; arm++) code.u8(op.block, op.emptyBlock);
  code.localGet(position).u8(op.brTable).u32(items.length);
  for (let arm = 0; arm <= items.length; arm++) code.u32(arm);
  code.end();
  for (const item of items) {
    emitArm(item);
    code.u8(op.return).end();
  }
  code.u8(op.unreachable).end();
}

/** How far a word lies above the lowest bit of 64. */
function emitShift(code: ByteWriter): void {
  code.localGet(word).u8(op.i64ExtendI32U).i64Const(5).u8(op.i64Shl);
}

function emitGetWord(code: ByteWriter, { index, type }: MutableGlobal): void {
  switch (type) {
    case 'i32':
      code.globalGet(index);
      return;
    case 'f32':
      code.globalGet(index).u8(op.i32ReinterpretF32);
      return;
    case 'i64':
    case 'f64':
      code.globalGet(index);
      if (type === 'f64') code.u8(op.i64ReinterpretF64);
      emitShift(code);
      code.u8(op.i64ShrU, op.i32WrapI64);
      return;
    case 'v128':
      for (let lane = 0; lane < 4; lane++) {
        code.localGet(word).i32Const(lane).u8(op.i32Eq).if().globalGet(index);
        emitLane(code, simd.i32x4ExtractLane, lane);
        code.u8(op.return).end();
      }
      code.u8(op.unreachable);
  }
}

function emitSetWord(code: ByteWriter, { index, type }: MutableGlobal): void {
  switch (type) {
    case 'i32':
      code.localGet(value).globalSet(index);
      return;
    case 'f32':
      code.localGet(value).u8(op.f32ReinterpretI32).globalSet(index);
      return;
    case 'i64':
    case 'f64':
      code.globalGet(index);
      if (type === 'f64') code.u8(op.i64ReinterpretF64);
      // Clears the word: all ones but for 32 zeros at its place.
      code.i64Const(0xffff_ffff);
      emitShift(code);
      code.u8(op.i64Shl).i64Const(-1).u8(op.i64Xor, op.i64And);
      code.localGet(value).u8(op.i64ExtendI32U);
      emitShift(code);
      code.u8(op.i64Shl, op.i64Or);
      if (type === 'f64') code.u8(op.f64ReinterpretI64);
      code.globalSet(index);
      return;
    case 'v128':
      for (let lane = 0; lane < 4; lane++) {
        code.localGet(word).i32Const(lane).u8(op.i32Eq).if().globalGet(index).localGet(value);
        emitLane(code, simd.i32x4ReplaceLane, lane);
        code.globalSet(index).u8(op.return).end();
      }
  }
}
