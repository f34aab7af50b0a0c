// Instructions with immediates that are not control: variables, constants, select, tables, segments, memory.
import { bulk, bulkBase, op, simdBase } from '../binary/opcodes.ts';
import { valueType, valueTypeName } from '../binary/types.ts';
import type { BodyContext } from './body-context.ts';
import { gives, takes, unknownType } from './instruction-types.ts';

const { i32 } = valueType;

export function variable(context: BodyContext, code: number): void {
  const stack = context.stack;
  if (code <= op.localTee) {
    const index = context.cursor.u32('a local index');
    if (index >= context.localCount) {
      throw context.refuse(`it names the local ${index}, the function has ${context.localCount}`);
    }
    const type = context.locals[index]!;
    if (code !== op.localGet) stack.pop(type);
    if (code !== op.localSet) stack.push(type);
    return;
  }
  if (code <= op.globalSet) {
    const global = context.module.globals[context.below(context.module.globals.length, 'global')]!;
    if (code === op.globalGet) stack.push(global.type);
    else if (global.mutable) stack.pop(global.type);
    else throw context.refuse('it sets a global that is not mutable');
    return;
  }
  context.below(context.module.tables.length, 'table');
  if (code === 0x26) stack.pop(valueType.funcref);
  stack.pop(i32);
  if (code === 0x25) stack.push(valueType.funcref);
}

export function parametric(context: BodyContext, code: number): void {
  const stack = context.stack;
  const cursor = context.cursor;
  switch (code) {
    case op.drop:
      stack.popAny();
      return;
    case op.select:
      select(context);
      return;
    case op.selectTyped: {
      const count = cursor.u32('the number of types of a select');
      if (count !== 1) throw context.refuse(`it has ${count} types, wanted 1`);
      const type = context.readType();
      stack.pop(i32);
      stack.pop(type);
      stack.pop(type);
      stack.push(type);
      return;
    }
    case op.memorySize:
      context.zeroMemory();
      stack.push(i32);
      return;
    case op.memoryGrow:
      context.zeroMemory();
      stack.pop(i32);
      stack.push(i32);
      return;
    default:
      constant(context, code);
  }
}

function constant(context: BodyContext, code: number): void {
  const cursor = context.cursor;
  if (code === op.i32Const) cursor.signed(32, 'an i32 constant');
  else if (code === op.i64Const) cursor.signed(64, 'an i64 constant');
  else if (code === 0x43) cursor.skip(4, 'an f32 constant');
  else if (code === 0x44) cursor.skip(8, 'an f64 constant');
  else if (code === op.refNull) {
    const type = context.readType();
    if (type !== valueType.funcref) throw context.refuse(`found ${valueTypeName(type)}, wanted funcref`);
  } else {
    const index = context.below(context.facts.functionTypes.length, 'function');
    if (!context.facts.declared.has(index)) {
      throw context.refuse(`it refers to function ${index}, which no segment, export or global declares`);
    }
  }
  context.stack.push(gives[code]!);
}

/** Without a type it takes numbers and vectors only. */
function select(context: BodyContext): void {
  const stack = context.stack;
  stack.pop(i32);
  const [second, first] = [stack.popAny(), stack.popAny()];
  if (first === valueType.funcref || second === valueType.funcref) {
    throw context.refuse('a select of references needs a type');
  }
  if (first !== second && first !== unknownType && second !== unknownType) {
    throw context.refuse(`it chooses between ${valueTypeName(first)} and ${valueTypeName(second)}`);
  }
  stack.push(first === unknownType ? second : first);
}

export function vectorImmediate(context: BodyContext, code: number): void {
  const cursor = context.cursor;
  cursor.skip(16, 'a v128 immediate');
  const shuffle = code === simdBase + 13;
  for (let index = cursor.at - 16; shuffle && index < cursor.at; index++) {
    if (cursor.bytes[index]! >= 32)
      throw context.refuse(`it names the lane ${cursor.bytes[index]}, there are 32`);
  }
  if (shuffle) context.stack.popAll([valueType.v128, valueType.v128]);
  context.stack.push(valueType.v128);
}

function needDataCount(context: BodyContext): void {
  if (context.module.dataCount === undefined) throw context.refuse('the module has no data count section');
}

export function bulkOperation(context: BodyContext, number: number): void {
  const { tables, elements, dataCount } = context.module;
  switch (number) {
    case bulk.memoryInit:
      needDataCount(context);
      context.below(dataCount ?? 0, 'data segment');
      context.zeroMemory();
      break;
    case bulk.dataDrop:
      needDataCount(context);
      context.below(dataCount ?? 0, 'data segment');
      break;
    case bulk.memoryCopy:
      context.zeroMemory();
      context.zeroMemory();
      break;
    case bulk.memoryFill:
      context.zeroMemory();
      break;
    case bulk.tableInit:
      context.below(elements.length, 'element segment');
      context.below(tables.length, 'table');
      break;
    case bulk.elemDrop:
      context.below(elements.length, 'element segment');
      break;
    case bulk.tableCopy:
      context.below(tables.length, 'table');
      context.below(tables.length, 'table');
      break;
    default:
      context.below(tables.length, 'table');
  }
  const code = bulkBase + number;
  context.stack.apply(takes[code]!, gives[code]!);
}
