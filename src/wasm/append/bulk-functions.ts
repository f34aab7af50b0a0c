// Appended functions that stand for bulk operations and growth: check bounds, charge by length, then do it.
// What is out of bounds reaches V8 uncharged, so that it traps as the specification says.
import { Status } from '../../abi/guest-exports.ts';
import { ByteWriter } from '../binary/byte-writer.ts';
import {
  bulkBytesPerFuelLog2,
  memoryGrowCost,
  memoryGrowCostPerPage,
  tableGrowCost,
} from '../binary/cost-table.ts';
import { bulk, bulkBase, op, prefixBulk } from '../binary/opcodes.ts';
import { valueType } from '../binary/types.ts';
import type { Instruction } from '../parse/instruction.ts';
import { moduleLimits } from '../parse/limits.ts';
import { type Additions, type DroppedSegment, emitKill, functionType } from './additions.ts';

/** Charges the i64 on the stack to the global and kills the instance below zero; `scratch` is an i64 local. */
export function emitCharge(code: ByteWriter, additions: Additions, scratch: number): void {
  code.localSet(scratch).globalGet(additions.fuel).localGet(scratch).u8(op.i64Sub);
  code.localTee(scratch).globalSet(additions.fuel);
  code.localGet(scratch).i64Const(0).u8(op.i64LtS).if();
  emitKill(code, additions, Status.outOfFuel);
  code.end();
}

/** Leaves whether `start + length`, two i32 locals, is at most the i64 that `emitSize` leaves. */
function emitFits(code: ByteWriter, start: number, length: number, emitSize: () => void): void {
  code.localGet(start).u8(op.i64ExtendI32U).localGet(length).u8(op.i64ExtendI32U).u8(op.i64Add);
  emitSize();
  code.u8(op.i64LeU);
}

/** The memory's size in bytes, as an i64. */
export function emitMemoryBytes(code: ByteWriter): void {
  code.u8(op.memorySize, 0).u8(op.i64ExtendI32U).i64Const(16).u8(op.i64Shl);
}

/** The table's size in elements, as an i64. */
export function emitTableSize(code: ByteWriter, table: number): void {
  code.u8(prefixBulk, bulk.tableSize).u32(table).u8(op.i64ExtendI32U);
}

/** The cost of as many bytes as an i32 local says, as an i64. */
function emitByteCost(code: ByteWriter, length: number): void {
  code
    .localGet(length)
    .u8(op.i64ExtendI32U)
    .i64Const(2 ** bulkBytesPerFuelLog2 - 1)
    .u8(op.i64Add);
  code.i64Const(bulkBytesPerFuelLog2).u8(op.i64ShrU);
}

const threeNumbers = functionType('i32 i32 i32', '');
/** The locals of the helpers with three parameters: destination, source or value, length, scratch. */
const [destination, source, length, scratch] = [0, 1, 2, 3];

function begin(): ByteWriter {
  return new ByteWriter(64).locals('i64');
}

function emitArguments(code: ByteWriter): void {
  code.localGet(destination).localGet(source).localGet(length);
}

export function memoryFillHelper(additions: Additions): number {
  return additions.once('memory.fill', () => {
    const code = begin();
    emitFits(code, destination, length, () => emitMemoryBytes(code));
    code.if();
    emitByteCost(code, length);
    emitCharge(code, additions, scratch);
    code.end();
    emitArguments(code);
    code.u8(prefixBulk, bulk.memoryFill, 0).end();
    return additions.addFunction(threeNumbers, code);
  });
}

export function memoryCopyHelper(additions: Additions): number {
  return additions.once('memory.copy', () => {
    const code = begin();
    emitFits(code, destination, length, () => emitMemoryBytes(code));
    emitFits(code, source, length, () => emitMemoryBytes(code));
    code.u8(op.i32And).if();
    emitByteCost(code, length);
    emitCharge(code, additions, scratch);
    code.end();
    emitArguments(code);
    code.u8(prefixBulk, bulk.memoryCopy, 0, 0).end();
    return additions.addFunction(threeNumbers, code);
  });
}

/**
 * A global that holds what is left of a segment: its size, or 0 once dropped. Active ones are dropped from the
 * start.
 */
export function dataSizeGlobal(additions: Additions, segment: number): number {
  const data = additions.module.data[segment]!;
  const size = data.mode === 'passive' ? data.bytes.length : 0;
  return additions.once(`size of data ${segment}`, () => additions.addGlobal('i32', size));
}

export function elementSizeGlobal(additions: Additions, segment: number): number {
  const element = additions.module.elements[segment]!;
  const size = element.mode === 'passive' ? element.items.length : 0;
  return additions.once(`size of elements ${segment}`, () => additions.addGlobal('i32', size));
}

export function memoryInitHelper(additions: Additions, segment: number): number {
  return additions.once(`memory.init ${segment}`, () => {
    const size = dataSizeGlobal(additions, segment);
    const code = begin();
    emitFits(code, destination, length, () => emitMemoryBytes(code));
    emitFits(code, source, length, () => code.globalGet(size).u8(op.i64ExtendI32U));
    code.u8(op.i32And).if();
    emitByteCost(code, length);
    emitCharge(code, additions, scratch);
    code.end();
    emitArguments(code);
    code.u8(prefixBulk, bulk.memoryInit).u32(segment).u8(0).end();
    return additions.addFunction(threeNumbers, code);
  });
}

export function tableInitHelper(additions: Additions, segment: number, table: number): number {
  return additions.once(`table.init ${segment} ${table}`, () => {
    const size = elementSizeGlobal(additions, segment);
    const code = begin();
    emitFits(code, destination, length, () => emitTableSize(code, table));
    emitFits(code, source, length, () => code.globalGet(size).u8(op.i64ExtendI32U));
    code.u8(op.i32And).if().localGet(length).u8(op.i64ExtendI32U);
    emitCharge(code, additions, scratch);
    code.end();
    emitArguments(code);
    code.u8(prefixBulk, bulk.tableInit).u32(segment).u32(table).end();
    return additions.addFunction(threeNumbers, code);
  });
}

export function tableCopyHelper(additions: Additions, to: number, from: number): number {
  return additions.once(`table.copy ${to} ${from}`, () => {
    const code = begin();
    emitFits(code, destination, length, () => emitTableSize(code, to));
    emitFits(code, source, length, () => emitTableSize(code, from));
    code.u8(op.i32And).if().localGet(length).u8(op.i64ExtendI32U);
    emitCharge(code, additions, scratch);
    code.end();
    emitArguments(code);
    code.u8(prefixBulk, bulk.tableCopy).u32(to).u32(from).end();
    return additions.addFunction(threeNumbers, code);
  });
}

export function tableFillHelper(additions: Additions, table: number): number {
  return additions.once(`table.fill ${table}`, () => {
    const code = begin();
    emitFits(code, destination, length, () => emitTableSize(code, table));
    code.if().localGet(length).u8(op.i64ExtendI32U);
    emitCharge(code, additions, scratch);
    code.end();
    emitArguments(code);
    code.u8(prefixBulk, bulk.tableFill).u32(table).end();
    return additions.addFunction(functionType('i32 funcref i32', ''), code);
  });
}

/** What V8 answered is the answer, and a failure kills: it would come on some machines only. */
function emitGrowthAnswer(code: ByteWriter, additions: Additions, answer: number): void {
  if (additions.protections.growth) {
    code.localTee(answer).i32Const(-1).u8(op.i32Eq).if();
    emitKill(code, additions, Status.growthFailed);
    code.end().localGet(answer);
  }
  code.end();
}

/**
 * Growth that answers -1 exactly at the limit. By 0 and past the limit it never reaches V8; a failure of V8 below the
 * limit kills the instance, so the guest never sees it.
 */
export function memoryGrowHelper(additions: Additions): number {
  return additions.once('memory.grow', () => {
    const [delta, cost, answer] = [0, 1, 2];
    const code = new ByteWriter(96).locals('i64', 'i32');
    if (additions.protections.growth) {
      code.localGet(delta).u8(op.i32Eqz).if().u8(op.memorySize, 0, op.return).end();
      code.u8(op.memorySize, 0, op.i64ExtendI32U).localGet(delta).u8(op.i64ExtendI32U, op.i64Add);
      code.globalGet(additions.pagesMax).u8(op.i64ExtendI32U, op.i64GtU);
      code.if().i32Const(-1).u8(op.return).end();
    }
    code.localGet(delta).u8(op.i64ExtendI32U).i64Const(memoryGrowCostPerPage).u8(op.i64Mul);
    code.i64Const(memoryGrowCost).u8(op.i64Add);
    emitCharge(code, additions, cost);
    code.localGet(delta).u8(op.memoryGrow, 0);
    emitGrowthAnswer(code, additions, answer);
    return additions.addFunction(functionType('i32', 'i32'), code);
  });
}

export function tableGrowHelper(additions: Additions, table: number): number {
  return additions.once(`table.grow ${table}`, () => {
    const [item, delta, cost, answer] = [0, 1, 2, 3];
    const { tables } = additions.module;
    const own = tables[table]?.max ?? moduleLimits.tableElementsMax;
    const code = new ByteWriter(96).locals('i64', 'i32');
    if (additions.protections.growth) {
      code.localGet(delta).u8(op.i32Eqz).if().u8(prefixBulk, bulk.tableSize).u32(table).u8(op.return).end();
      // A table lies in the host's heap, beside the memory that is reserved: all of a module share one bound.
      const bounds = [{ of: [table], max: own }];
      bounds.push({ of: [...tables.keys()], max: moduleLimits.tableElementsMax });
      for (const { of, max } of bounds) {
        code.localGet(delta).u8(op.i64ExtendI32U);
        for (const each of of) {
          emitTableSize(code, each);
          code.u8(op.i64Add);
        }
        code.i64Const(max).u8(op.i64GtU).if().i32Const(-1).u8(op.return).end();
      }
    }
    code.localGet(delta).u8(op.i64ExtendI32U).i64Const(tableGrowCost).u8(op.i64Add);
    emitCharge(code, additions, cost);
    code.localGet(item).localGet(delta).u8(prefixBulk, bulk.tableGrow).u32(table);
    emitGrowthAnswer(code, additions, answer);
    const type = { params: [valueType.funcref, valueType.i32], results: [valueType.i32] };
    return additions.addFunction(type, code);
  });
}

/** The helper that stands for an instruction, or undefined where it stays as it is. */
export function bulkTarget(additions: Additions, { code, first, second }: Instruction): number | undefined {
  switch (code) {
    case op.memoryGrow:
      return memoryGrowHelper(additions);
    case bulkBase + bulk.memoryFill:
      return memoryFillHelper(additions);
    case bulkBase + bulk.memoryCopy:
      return memoryCopyHelper(additions);
    case bulkBase + bulk.memoryInit:
      return first < additions.module.data.length ? memoryInitHelper(additions, first) : undefined;
    case bulkBase + bulk.tableInit:
      return first < additions.module.elements.length ? tableInitHelper(additions, first, second) : undefined;
    case bulkBase + bulk.tableCopy:
      return tableCopyHelper(additions, first, second);
    case bulkBase + bulk.tableFill:
      return tableFillHelper(additions, first);
    case bulkBase + bulk.tableGrow:
      return tableGrowHelper(additions, first);
    default:
      return undefined;
  }
}

/** Notes which tables code changes and which segments it drops, and in the code that a segment has nothing left. */
export function noteStateChange(
  additions: Additions,
  { code, first, second }: Instruction,
  to: ByteWriter,
): void {
  const { module } = additions;
  switch (code) {
    case bulkBase + bulk.dataDrop:
      if (module.data[first]?.mode === 'passive') {
        noteDrop(additions, { kind: 'data', index: first, size: dataSizeGlobal(additions, first) }, to);
      }
      return;
    case bulkBase + bulk.elemDrop:
      if (module.elements[first]?.mode === 'passive') {
        noteDrop(
          additions,
          { kind: 'elements', index: first, size: elementSizeGlobal(additions, first) },
          to,
        );
      }
      return;
    case bulkBase + bulk.tableInit:
      additions.changedTables.add(second);
      return;
    case op.tableSet:
    case bulkBase + bulk.tableCopy:
    case bulkBase + bulk.tableGrow:
    case bulkBase + bulk.tableFill:
      additions.changedTables.add(first);
  }
}

function noteDrop(additions: Additions, segment: DroppedSegment, to: ByteWriter): void {
  additions.droppedSegments.set(`${segment.kind} ${segment.index}`, segment);
  to.i32Const(0).globalSet(segment.size);
}
