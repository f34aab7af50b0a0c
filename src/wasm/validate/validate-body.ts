// Types of one function's code: every operand, label and index, through code that is never reached too (section 3.3 and
// appendix A.3 of the specification). Takes exactly the instructions of `opcodes.ts`.
import { moduleLimits } from '../limits.ts';
import { bulk, bulkBase, op, prefixBulk, prefixSimd, simdBase } from '../opcodes.ts';
import type { FunctionBody, ParsedModule } from '../parsed-module.ts';
import { refusedOpcodeText } from '../refused-opcodes.ts';
import { type FunctionType, isValueType, listsEqual, valueType, valueTypeName } from '../types.ts';
import { CodeCursor } from './code-cursor.ts';
import {
  alignments,
  gives,
  laneCounts,
  opcodeText,
  Shape,
  shapes,
  takes,
  unknownType,
} from './instruction-types.ts';
import { Construct, TypeStack } from './type-stack.ts';

const { i32 } = valueType;
const noTypes: FunctionType = { params: [], results: [] };
const oneResult = new Map(
  Object.values(valueType).map((type) => [type as number, { params: [], results: [type] }]),
);

export interface ModuleFacts {
  readonly module: ParsedModule;
  /** Types by function index, imports first. */
  readonly functionTypes: readonly FunctionType[];
  /** Functions that stand outside of code, and so may be referred to in it. */
  readonly declared: ReadonlySet<number>;
}

export class BodyValidator {
  readonly #facts: ModuleFacts;
  readonly #module: ParsedModule;
  readonly #cursor: CodeCursor;
  readonly #stack: TypeStack;
  #locals = new Uint8Array(64);
  #localCount = 0;
  #index = 0;
  #signature: FunctionType = noTypes;
  /** Opcode and offset of the instruction at work. */
  #code = 0;
  #start = 0;

  constructor(facts: ModuleFacts) {
    this.#facts = facts;
    this.#module = facts.module;
    this.#cursor = new CodeCursor(facts.module.bytes, facts.module.name);
    this.#stack = new TypeStack((what) => this.#refuse(what));
  }

  validate(index: number, body: FunctionBody): void {
    this.#index = index;
    this.#signature = this.#facts.functionTypes[index]!;
    this.#setLocals(body);
    const cursor = this.#cursor;
    cursor.at = body.start;
    cursor.end = body.end;
    const stack = this.#stack;
    stack.begin(this.#signature);
    while (stack.depth > 0) this.#step();
    if (cursor.at < cursor.end) {
      throw cursor.refuse(
        `function ${index} goes on for ${cursor.end - cursor.at} bytes after its end`,
        cursor.at,
      );
    }
  }

  #setLocals({ locals, localCount }: FunctionBody): void {
    const { params } = this.#signature;
    this.#localCount = params.length + localCount;
    if (this.#localCount > this.#locals.length) this.#locals = new Uint8Array(this.#localCount * 2);
    this.#locals.set(params);
    let next = params.length;
    for (const { count, type } of locals) {
      this.#locals.fill(type, next, next + count);
      next += count;
    }
  }

  #refuse(what: string): Error {
    const text = `function ${this.#index}, instruction ${opcodeText(this.#code)}: ${what}`;
    return this.#cursor.refuse(text, this.#start);
  }

  /** An index of one of the module's lists. */
  #below(count: number, what: string): number {
    const index = this.#cursor.u32('an index');
    if (index < count) return index;
    throw this.#refuse(`it names the ${what} ${index}, which does not exist`);
  }

  #step(): void {
    const cursor = this.#cursor;
    this.#start = cursor.at;
    const code = this.#readOpcode();
    this.#code = code;
    switch (shapes[code]) {
      case Shape.plain:
        break;
      case Shape.memory:
      case Shape.memoryLane:
        this.#memoryImmediate(code);
        break;
      case Shape.lane:
        this.#lane(code);
        break;
      default:
        this.#special(code);
        return;
    }
    const stack = this.#stack;
    for (let types = takes[code]!; types !== 0; types >>>= 8) stack.pop(types & 0xff);
    if (gives[code] !== 0) stack.push(gives[code]!);
  }

  #readOpcode(): number {
    const byte = this.#cursor.byte('an instruction');
    if (byte !== prefixBulk && byte !== prefixSimd) {
      if (shapes[byte] !== Shape.refused) return byte;
      throw this.#refuseOpcode(byte);
    }
    const number = this.#cursor.u32('an opcode');
    const code = number + (byte === prefixBulk ? bulkBase : simdBase);
    if (number <= 0xff && shapes[code] !== Shape.refused) return code;
    throw this.#refuseOpcode(byte, number);
  }

  #refuseOpcode(byte: number, number?: number): Error {
    return this.#cursor.refuse(`it has ${refusedOpcodeText(byte, number)}`, this.#start);
  }

  #memoryImmediate(code: number): void {
    const alignment = this.#cursor.u32('an alignment');
    if (alignment >= 0x40) throw this.#refuse('it uses a second memory (multi-memory), which is not taken');
    if (alignment > alignments[code]!) {
      throw this.#refuse(`found the alignment 2^${alignment}, at most 2^${alignments[code]} is natural`);
    }
    this.#cursor.u32('an offset');
    this.#needMemory();
    if (shapes[code] === Shape.memoryLane) this.#lane(code);
  }

  #needMemory(): void {
    if (this.#module.memory === undefined) throw this.#refuse('the module has no memory');
  }

  #zeroMemory(): void {
    if (this.#cursor.byte('a memory index') !== 0) {
      throw this.#refuse('it uses a second memory (multi-memory), which is not taken');
    }
    this.#needMemory();
  }

  #lane(code: number): void {
    const lane = this.#cursor.byte('a lane');
    if (lane >= laneCounts[code]!) {
      throw this.#refuse(`it names the lane ${lane}, there are ${laneCounts[code]}`);
    }
  }

  #special(code: number): void {
    if (code >= bulkBase) {
      if (code >= simdBase) this.#vectorImmediate(code);
      else this.#bulk(code - bulkBase);
      return;
    }
    if (code >= op.localGet && code <= 0x26) this.#variable(code);
    else if (code <= op.returnCallIndirect) this.#control(code);
    else this.#parametric(code);
  }

  #variable(code: number): void {
    const stack = this.#stack;
    if (code <= op.localTee) {
      const index = this.#cursor.u32('a local index');
      if (index >= this.#localCount) {
        throw this.#refuse(`it names the local ${index}, the function has ${this.#localCount}`);
      }
      const type = this.#locals[index]!;
      if (code !== op.localGet) stack.pop(type);
      if (code !== op.localSet) stack.push(type);
      return;
    }
    if (code <= op.globalSet) {
      const global = this.#module.globals[this.#below(this.#module.globals.length, 'global')]!;
      if (code === op.globalGet) stack.push(global.type);
      else if (global.mutable) stack.pop(global.type);
      else throw this.#refuse('it sets a global that is not mutable');
      return;
    }
    this.#below(this.#module.tables.length, 'table');
    if (code === 0x26) stack.pop(valueType.funcref);
    stack.pop(i32);
    if (code === 0x25) stack.push(valueType.funcref);
  }

  #control(code: number): void {
    const stack = this.#stack;
    switch (code) {
      case op.unreachable:
        stack.stop();
        return;
      case op.nop:
        return;
      case op.block:
      case op.loop:
      case op.if:
        this.#open(code);
        return;
      case op.else:
        if (stack.kind !== Construct.if) throw this.#refuse('an else has no if');
        stack.turn();
        return;
      case op.end:
        if (stack.kind === Construct.if && !listsEqual(stack.innermost.params, stack.innermost.results)) {
          throw this.#refuse('an if without an else gives what it does not take');
        }
        stack.close();
        return;
      case op.br:
        stack.popAll(stack.carried(this.#cursor.u32('a label')));
        stack.stop();
        return;
      case op.brIf: {
        stack.pop(i32);
        const carried = stack.carried(this.#cursor.u32('a label'));
        stack.popAll(carried);
        stack.pushAll(carried);
        return;
      }
      case op.brTable:
        this.#branchTable();
        return;
      case op.return:
        stack.popAll(this.#signature.results);
        stack.stop();
        return;
      default:
        this.#call(code);
    }
  }

  #open(code: number): void {
    const signature = this.#blockType();
    if (code === op.if) this.#stack.pop(i32);
    this.#stack.open(
      code === op.loop ? Construct.loop : code === op.if ? Construct.if : Construct.block,
      signature,
    );
    if (this.#stack.depth > moduleLimits.nestingMax) {
      throw this.#refuse(
        `blocks are nested ${this.#stack.depth} deep, at most ${moduleLimits.nestingMax} are taken`,
      );
    }
  }

  #blockType(): FunctionType {
    const cursor = this.#cursor;
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
    if (next > 0x40 && next < 0x80) throw this.#refuseType(next);
    const index = cursor.signed(33, 'a block type');
    const signature = index < 0 ? undefined : this.#module.types[index];
    if (signature === undefined) throw this.#refuse(`it names the block type ${index}, which does not exist`);
    return signature;
  }

  #refuseType(code: number): Error {
    return this.#refuse(
      `found the type ${valueTypeName(code)}, only i32, i64, f32, f64, v128 and funcref are taken`,
    );
  }

  #branchTable(): void {
    const stack = this.#stack;
    stack.pop(i32);
    const count = this.#cursor.u32('the number of labels');
    if (count > moduleLimits.branchTargetsMax) {
      throw this.#refuse(`it has ${count} labels, at most ${moduleLimits.branchTargetsMax} are taken`);
    }
    let arity = -1;
    let carried: readonly number[] = [];
    for (let index = 0; index <= count; index++) {
      carried = stack.carried(this.#cursor.u32('a label'));
      if (arity >= 0 && carried.length !== arity) {
        throw this.#refuse(`its labels carry ${arity} and ${carried.length} operands`);
      }
      arity = carried.length;
      stack.check(carried);
    }
    stack.popAll(carried);
    stack.stop();
  }

  #call(code: number): void {
    const stack = this.#stack;
    const { types, tables } = this.#module;
    const tail = code === op.returnCall || code === op.returnCallIndirect;
    let signature: FunctionType;
    if (code === op.call || code === op.returnCall) {
      const { functionTypes } = this.#facts;
      signature = functionTypes[this.#below(functionTypes.length, 'function')]!;
    } else {
      signature = types[this.#below(types.length, 'type')]!;
      this.#below(tables.length, 'table');
      stack.pop(i32);
    }
    stack.popAll(signature.params);
    if (!tail) {
      stack.pushAll(signature.results);
      return;
    }
    if (!listsEqual(signature.results, this.#signature.results)) {
      throw this.#refuse('a tail call gives other results than its function');
    }
    stack.stop();
  }

  #parametric(code: number): void {
    const stack = this.#stack;
    const cursor = this.#cursor;
    switch (code) {
      case op.drop:
        stack.popAny();
        return;
      case op.select:
        this.#select();
        return;
      case op.selectTyped: {
        const count = cursor.u32('the number of types of a select');
        if (count !== 1) throw this.#refuse(`it has ${count} types, wanted 1`);
        const type = this.#readType();
        stack.pop(i32);
        stack.pop(type);
        stack.pop(type);
        stack.push(type);
        return;
      }
      case op.memorySize:
        this.#zeroMemory();
        stack.push(i32);
        return;
      case op.memoryGrow:
        this.#zeroMemory();
        stack.pop(i32);
        stack.push(i32);
        return;
      default:
        this.#constant(code);
    }
  }

  #constant(code: number): void {
    const cursor = this.#cursor;
    if (code === op.i32Const) cursor.signed(32, 'an i32 constant');
    else if (code === op.i64Const) cursor.signed(64, 'an i64 constant');
    else if (code === 0x43) cursor.skip(4, 'an f32 constant');
    else if (code === 0x44) cursor.skip(8, 'an f64 constant');
    else if (code === op.refNull) {
      const type = this.#readType();
      if (type !== valueType.funcref) throw this.#refuse(`found ${valueTypeName(type)}, wanted funcref`);
    } else {
      const index = this.#below(this.#facts.functionTypes.length, 'function');
      if (!this.#facts.declared.has(index)) {
        throw this.#refuse(`it refers to function ${index}, which no segment, export or global declares`);
      }
    }
    this.#stack.push(gives[code]!);
  }

  #readType(): number {
    const type = this.#cursor.byte('a type');
    if (!isValueType(type)) throw this.#refuseType(type);
    return type;
  }

  /** Without a type it takes numbers and vectors only. */
  #select(): void {
    const stack = this.#stack;
    stack.pop(i32);
    const [second, first] = [stack.popAny(), stack.popAny()];
    if (first === valueType.funcref || second === valueType.funcref) {
      throw this.#refuse('a select of references needs a type');
    }
    if (first !== second && first !== unknownType && second !== unknownType) {
      throw this.#refuse(`it chooses between ${valueTypeName(first)} and ${valueTypeName(second)}`);
    }
    stack.push(first === unknownType ? second : first);
  }

  #vectorImmediate(code: number): void {
    const cursor = this.#cursor;
    cursor.skip(16, 'a v128 immediate');
    const shuffle = code === simdBase + 13;
    for (let index = cursor.at - 16; shuffle && index < cursor.at; index++) {
      if (cursor.bytes[index]! >= 32)
        throw this.#refuse(`it names the lane ${cursor.bytes[index]}, there are 32`);
    }
    if (shuffle) this.#stack.popAll([valueType.v128, valueType.v128]);
    this.#stack.push(valueType.v128);
  }

  #needDataCount(): void {
    if (this.#module.dataCount === undefined) throw this.#refuse('the module has no data count section');
  }

  #bulk(number: number): void {
    const { tables, elements, dataCount } = this.#module;
    switch (number) {
      case bulk.memoryInit:
        this.#needDataCount();
        this.#below(dataCount ?? 0, 'data segment');
        this.#zeroMemory();
        break;
      case bulk.dataDrop:
        this.#needDataCount();
        this.#below(dataCount ?? 0, 'data segment');
        break;
      case bulk.memoryCopy:
        this.#zeroMemory();
        this.#zeroMemory();
        break;
      case bulk.memoryFill:
        this.#zeroMemory();
        break;
      case bulk.tableInit:
        this.#below(elements.length, 'element segment');
        this.#below(tables.length, 'table');
        break;
      case bulk.elemDrop:
        this.#below(elements.length, 'element segment');
        break;
      case bulk.tableCopy:
        this.#below(tables.length, 'table');
        this.#below(tables.length, 'table');
        break;
      default:
        this.#below(tables.length, 'table');
    }
    const code = bulkBase + number;
    for (let types = takes[code]!; types !== 0; types >>>= 8) this.#stack.pop(types & 0xff);
    if (gives[code] !== 0) this.#stack.push(gives[code]!);
  }
}
