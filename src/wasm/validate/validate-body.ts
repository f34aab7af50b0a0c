// Types of one function's code: every operand, label and index, through code that is never reached too (section 3.3 and
// appendix A.3 of the specification). Takes exactly the instructions of `opcodes.ts`.
import { bulkBase, op, prefixBulk, prefixSimd, simdBase } from '../binary/opcodes.ts';
import { refusedOpcodeText } from '../binary/refused-opcodes.ts';
import type { FunctionBody } from '../parse/parsed-module.ts';
import type { BodyContext } from './body-context.ts';
import { control } from './control.ts';
import { alignments, gives, laneCounts, Shape, shapes, takes } from './instruction-types.ts';
import { bulkOperation, parametric, variable, vectorImmediate } from './operations.ts';

/** @throws EngineError `module-refused` */
export function validateBody(context: BodyContext, index: number, body: FunctionBody): void {
  context.index = index;
  context.signature = context.facts.functionTypes[index]!;
  context.setLocals(body);
  const cursor = context.cursor;
  cursor.at = body.start;
  cursor.end = body.end;
  const stack = context.stack;
  stack.begin(context.signature);
  const passes = context.module.memory !== undefined;
  while (stack.depth > 0) {
    if (passes)
      cursor.at = stack.passSimple(cursor.bytes, cursor.at, cursor.end, context.locals, context.localCount);
    step(context);
  }
  if (cursor.at < cursor.end) {
    throw cursor.refuse(
      `function ${index} goes on for ${cursor.end - cursor.at} bytes after its end`,
      cursor.at,
    );
  }
}

function step(context: BodyContext): void {
  const cursor = context.cursor;
  context.start = cursor.at;
  const code = readOpcode(context);
  context.code = code;
  switch (shapes[code]) {
    case Shape.plain:
      break;
    case Shape.memory:
    case Shape.memoryLane:
      memoryImmediate(context, code);
      break;
    case Shape.lane:
      lane(context, code);
      break;
    default:
      special(context, code);
      return;
  }
  context.stack.apply(takes[code]!, gives[code]!);
}

function readOpcode(context: BodyContext): number {
  const byte = context.cursor.byte('an instruction');
  if (byte !== prefixBulk && byte !== prefixSimd) {
    if (shapes[byte] !== Shape.refused) return byte;
    throw refuseOpcode(context, byte);
  }
  const number = context.cursor.u32('an opcode');
  const code = number + (byte === prefixBulk ? bulkBase : simdBase);
  if (number <= 0xff && shapes[code] !== Shape.refused) return code;
  throw refuseOpcode(context, byte, number);
}

function refuseOpcode(context: BodyContext, byte: number, number?: number): Error {
  return context.cursor.refuse(`it has ${refusedOpcodeText(byte, number)}`, context.start);
}

function memoryImmediate(context: BodyContext, code: number): void {
  const alignment = context.cursor.u32('an alignment');
  if (alignment >= 0x40) throw context.refuse('it uses a second memory (multi-memory), which is not taken');
  if (alignment > alignments[code]!) {
    throw context.refuse(`found the alignment 2^${alignment}, at most 2^${alignments[code]} is natural`);
  }
  context.cursor.u32('an offset');
  context.needMemory();
  if (shapes[code] === Shape.memoryLane) lane(context, code);
}

function lane(context: BodyContext, code: number): void {
  const lane = context.cursor.byte('a lane');
  if (lane >= laneCounts[code]!) {
    throw context.refuse(`it names the lane ${lane}, there are ${laneCounts[code]}`);
  }
}

function special(context: BodyContext, code: number): void {
  if (code >= bulkBase) {
    if (code >= simdBase) vectorImmediate(context, code);
    else bulkOperation(context, code - bulkBase);
    return;
  }
  if (code >= op.localGet && code <= 0x26) variable(context, code);
  else if (code <= op.returnCallIndirect) control(context, code);
  else parametric(context, code);
}
