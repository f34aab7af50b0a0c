// Control instructions: blocks, branches and calls (sections 3.3.8 of the specification), through code that is never
// reached too.

import { op } from '../binary/opcodes.ts';
import { type FunctionType, listsEqual, valueType } from '../binary/types.ts';
import { moduleLimits } from '../parse/limits.ts';
import type { BodyContext } from './body-context.ts';
import { Construct } from './type-stack.ts';

const { i32 } = valueType;
const noTypes: FunctionType = { params: [], results: [] };
const oneResult = new Map(
  Object.values(valueType).map((type) => [type as number, { params: [], results: [type] }]),
);

export function control(context: BodyContext, code: number): void {
  const stack = context.stack;
  switch (code) {
    case op.unreachable:
      stack.stop();
      return;
    case op.nop:
      return;
    case op.block:
    case op.loop:
    case op.if:
      open(context, code);
      return;
    case op.else:
      if (stack.kind !== Construct.if) throw context.refuse('an else has no if');
      stack.turn();
      return;
    case op.end:
      if (stack.kind === Construct.if && !listsEqual(stack.innermost.params, stack.innermost.results)) {
        throw context.refuse('an if without an else gives what it does not take');
      }
      stack.close();
      return;
    case op.br:
      stack.popAll(stack.carried(context.cursor.u32('a label')));
      stack.stop();
      return;
    case op.brIf: {
      stack.pop(i32);
      const carried = stack.carried(context.cursor.u32('a label'));
      stack.popAll(carried);
      stack.pushAll(carried);
      return;
    }
    case op.brTable:
      branchTable(context);
      return;
    case op.return:
      stack.popAll(context.signature.results);
      stack.stop();
      return;
    default:
      call(context, code);
  }
}

function open(context: BodyContext, code: number): void {
  const signature = blockType(context);
  if (code === op.if) context.stack.pop(i32);
  context.stack.open(
    code === op.loop ? Construct.loop : code === op.if ? Construct.if : Construct.block,
    signature,
  );
  const { depth, loops } = context.stack;
  if (depth > moduleLimits.nestingMax) {
    throw context.refuse(`blocks are nested ${depth} deep, at most ${moduleLimits.nestingMax} are taken`);
  }
  if (loops > moduleLimits.loopNestingMax) {
    throw context.refuse(`loops are nested ${loops} deep, at most ${moduleLimits.loopNestingMax} are taken`);
  }
}

function blockType(context: BodyContext): FunctionType {
  const cursor = context.cursor;
  const next = cursor.at < cursor.end ? cursor.bytes[cursor.at]! : 0;
  if (next === op.emptyBlock) {
    cursor.at++;
    return noTypes;
  }
  const single = oneResult.get(next);
  if (single !== undefined) {
    cursor.at++;
    return single;
  }
  if (next > 0x40 && next < 0x80) throw context.refuseType(next);
  const index = cursor.signed(33, 'a block type');
  const signature = index < 0 ? undefined : context.module.types[index];
  if (signature === undefined) throw context.refuse(`it names the block type ${index}, which does not exist`);
  return signature;
}

function branchTable(context: BodyContext): void {
  const stack = context.stack;
  stack.pop(i32);
  const count = context.cursor.u32('the number of labels');
  if (count > moduleLimits.branchTargetsMax) {
    throw context.refuse(`it has ${count} labels, at most ${moduleLimits.branchTargetsMax} are taken`);
  }
  let arity = -1;
  let carried: readonly number[] = [];
  for (let index = 0; index <= count; index++) {
    carried = stack.carried(context.cursor.u32('a label'));
    if (arity >= 0 && carried.length !== arity) {
      throw context.refuse(`its labels carry ${arity} and ${carried.length} operands`);
    }
    arity = carried.length;
    stack.check(carried);
  }
  stack.popAll(carried);
  stack.stop();
}

function call(context: BodyContext, code: number): void {
  const stack = context.stack;
  const { types, tables } = context.module;
  const tail = code === op.returnCall || code === op.returnCallIndirect;
  let signature: FunctionType;
  if (code === op.call || code === op.returnCall) {
    const { functionTypes } = context.facts;
    signature = functionTypes[context.below(functionTypes.length, 'function')]!;
  } else {
    signature = types[context.below(types.length, 'type')]!;
    context.below(tables.length, 'table');
    stack.pop(i32);
  }
  stack.popAll(signature.params);
  if (!tail) {
    stack.pushAll(signature.results);
    return;
  }
  if (!listsEqual(signature.results, context.signature.results)) {
    throw context.refuse('a tail call gives other results than its function');
  }
  stack.stop();
}
