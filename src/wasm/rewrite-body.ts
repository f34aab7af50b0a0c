// Rewrites one function's code: charges fuel at the head of each block before its effects, checks the stack at entry,
// and calls helpers for what must be metered by length. Everything else is copied as it is; dead code is only copied.
import { Status } from '../abi/guest-exports.ts';
import { type Additions, emitKill } from './additions.ts';
import { bulkTarget, noteStateChange } from './bulk-functions.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { callTarget } from './call-wrappers.ts';
import { functionEntryCost, instructionCost, loopIterationCostMin } from './cost-table.ts';
import { type FrameShape, frameBytesUnchecked, leafBytesUnchecked } from './frame-size.ts';
import { type Instruction, readInstruction } from './instruction.ts';
import { moduleLimits } from './limits.ts';
import { isPure, op, simdBase } from './opcodes.ts';
import { OperandStack } from './operand-stack.ts';
import { type FunctionBody, typeOfFunction } from './parsed-module.ts';
import { type FunctionType, valueType } from './types.ts';

/** Bytes of entry and exit around a function's own code, at most. */
const codeBytesAround = 64;

/** A function whose code is rewritten but for what depends on the size of its frame. */
export interface RewrittenBody {
  readonly shape: FrameShape;
  /**
   * The body (locals and code, without the size), and whether it wants a function in front of it that checks the
   * stack, since its frame is too large to be entered unchecked.
   */
  finish(frameBytes: number): { readonly body: ByteWriter; readonly guarded: boolean };
}

export function rewriteBody(additions: Additions, type: FunctionType, body: FunctionBody): RewrittenBody {
  return new BodyRewriter(additions, type, body).run();
}

class BodyRewriter implements RewrittenBody {
  readonly #additions: Additions;
  readonly #type: FunctionType;
  readonly #body: FunctionBody;
  readonly #reader: ByteReader;
  readonly #stack: OperandStack;
  /** Finished blocks, and the block at work, whose charge is known only at its end. */
  readonly #done = new ByteWriter();
  readonly #block = new ByteWriter(64);
  #blockKind: 'entry' | 'loop' | 'plain' = 'entry';
  #blockCost: number;
  #entryCost = 0;
  /** The label of the function at the head of the loop whose first block is at work. */
  #loopLabel = 0;
  /** Appended locals: fuel (i64); stack left below this frame, and at entry (i32, where needed). */
  readonly #fuel: number;
  readonly #stackLeft: number;
  readonly #stackAtEntry: number;
  #calls = false;
  #tailCalls = false;
  /** What the size of the frame depends on. */
  #wide: boolean;
  #pureCount = 0;
  #passedMax = 0;
  readonly #callees = new Set<number>();
  readonly #calleeTypes = new Set<number>();

  constructor(additions: Additions, type: FunctionType, body: FunctionBody) {
    this.#additions = additions;
    this.#type = type;
    this.#body = body;
    const { bytes, name } = additions.module;
    this.#reader = new ByteReader(bytes, name, 'code', body.start, body.end);
    this.#stack = new OperandStack(type);
    this.#blockCost = functionEntryCost(body.localCount);
    this.#fuel = type.params.length + body.localCount;
    this.#stackLeft = this.#fuel + 1;
    this.#stackAtEntry = this.#fuel + 2;
    this.#wide = isWide(type) || body.locals.some((group) => group.type === valueType.v128);
  }

  run(): RewrittenBody {
    while (this.#stack.constructs.length > 0) this.#step();
    this.#reader.expectDone('a function body');
    return this;
  }

  get shape(): FrameShape {
    return {
      params: this.#type.params.length,
      locals: this.#body.localCount,
      operandsMax: this.#stack.heightMax,
      passedMax: this.#passedMax,
      pureCount: this.#pureCount,
      wide: this.#wide,
      codeBytes: this.#done.size + codeBytesAround,
      callees: this.#callees,
      calleeTypes: this.#calleeTypes,
      type: this.#additions.typeIndex(this.#type),
    };
  }

  finish(frameBytes: number): { body: ByteWriter; guarded: boolean } {
    const guarded = frameBytes > frameBytesUnchecked;
    const code = new ByteWriter(this.#done.size + 128);
    this.#emitLocals(code);
    if (guarded) this.#emitStackGuarded(code, frameBytes);
    else if (this.#calls || frameBytes > leafBytesUnchecked) this.#emitStackCheck(code, frameBytes);
    this.#emitEntry(code);
    code.append(this.#done);
    this.#emitExit(code);
    if (code.size > moduleLimits.functionBytesMax) {
      const what = `a function has ${code.size} bytes after instrumentation, at most ${moduleLimits.functionBytesMax} are taken`;
      throw this.#reader.refuse(what, this.#body.start);
    }
    return { body: code, guarded };
  }

  #emitLocals(code: ByteWriter): void {
    const added: number[] = [valueType.i64];
    if (this.#calls) added.push(valueType.i32);
    if (this.#tailCalls) added.push(valueType.i32);
    code.u32(this.#body.locals.length + added.length);
    for (const { count, type } of this.#body.locals) code.u32(count).u8(type);
    for (const type of added) code.u32(1).u8(type);
  }

  #emitStackCheck(code: ByteWriter, frameBytes: number): void {
    code.globalGet(this.#additions.stackLeft);
    if (this.#tailCalls) code.localTee(this.#stackAtEntry);
    code.i32Const(frameBytes).u8(op.i32Sub);
    if (this.#calls) code.localTee(this.#stackLeft);
    code.i32Const(0).u8(op.i32LtS).if();
    emitKill(code, this.#additions, Status.stackExhausted);
    code.end();
  }

  /** The function in front of this one has checked, and left in the global what is below this frame. */
  #emitStackGuarded(code: ByteWriter, frameBytes: number): void {
    if (!this.#calls) return;
    code.globalGet(this.#additions.stackLeft).localSet(this.#stackLeft);
    if (!this.#tailCalls) return;
    code.localGet(this.#stackLeft).i32Const(frameBytes).u8(op.i32Add).localSet(this.#stackAtEntry);
  }

  /** Checks fuel; opens the block that exhaustion leaves, and the one that stands for the function's label. */
  #emitEntry(code: ByteWriter): void {
    code.u8(op.block, op.emptyBlock);
    code.globalGet(this.#additions.fuel).i64Const(this.#entryCost).u8(op.i64Sub).localTee(this.#fuel);
    code.i64Const(0).u8(op.i64LtS, op.brIf, 0);
    code.u8(op.block);
    const { results } = this.#type;
    if (results.length === 0) code.u8(op.emptyBlock);
    else if (results.length === 1) code.u8(results[0]!);
    else code.signed(this.#additions.typeIndex({ params: [], results }));
  }

  /** The one place where the function returns, and the one where it runs out of fuel. */
  #emitExit(code: ByteWriter): void {
    this.#emitFlush(code);
    code.u8(op.return).end();
    this.#emitFlush(code);
    emitKill(code, this.#additions, Status.outOfFuel);
    code.end();
  }

  #emitFlush(code: ByteWriter): void {
    code.localGet(this.#fuel).globalSet(this.#additions.fuel);
  }

  #emitReload(code: ByteWriter): void {
    code.globalGet(this.#additions.fuel).localSet(this.#fuel);
  }

  /** Writes the block at work behind its charge, and begins another one. */
  #endBlock(next: 'loop' | 'plain' = 'plain'): void {
    const cost = this.#blockCost;
    const done = this.#done;
    if (this.#blockKind === 'entry') this.#entryCost = cost;
    else if (this.#blockKind === 'loop' || cost > 0) {
      const charged = this.#blockKind === 'loop' ? Math.max(cost, loopIterationCostMin) : cost;
      done.localGet(this.#fuel).i64Const(charged).u8(op.i64Sub);
      if (this.#blockKind === 'loop') {
        done.localTee(this.#fuel).i64Const(0).u8(op.i64LtS);
        done.u8(op.brIf).u32(this.#loopLabel + 1);
      } else done.localSet(this.#fuel);
    }
    done.append(this.#block);
    this.#block.clear();
    this.#blockCost = 0;
    this.#blockKind = next;
    if (next === 'loop') this.#loopLabel = this.#functionLabel();
  }

  /** The label of the function as seen from here. */
  #functionLabel(): number {
    return this.#stack.constructs.length - 1;
  }

  #step(): void {
    const instruction = readInstruction(this.#reader, this.#additions.module.types);
    const { code, info } = instruction;
    if (code >= simdBase) this.#wide = true;
    if (isPure(code)) this.#pureCount++;
    if (this.#stack.live) this.#blockCost += instructionCost(code);
    switch (code) {
      case op.block:
      case op.loop:
      case op.if:
        this.#open(instruction);
        break;
      case op.else:
      case op.end:
        this.#close(instruction);
        break;
      case op.br:
      case op.brIf:
      case op.brTable:
      case op.return:
      case op.unreachable:
        this.#branch(instruction);
        break;
      case op.call:
      case op.callIndirect:
      case op.returnCall:
      case op.returnCallIndirect:
        this.#call(instruction);
        break;
      default:
        this.#take(instruction, info.takes.length);
        this.#stack.give(info.gives.length);
        this.#plain(instruction);
    }
  }

  #take(instruction: Instruction, count: number): void {
    if (!this.#stack.take(count)) throw this.#tooFewOperands(instruction);
  }

  #tooFewOperands(instruction: Instruction): Error {
    return this.#reader.refuse('an instruction has too few operands', instruction.start);
  }

  /** Where the code goes that needs no charge of its own. */
  #out(): ByteWriter {
    return this.#stack.live ? this.#block : this.#done;
  }

  #copy(instruction: Instruction, to: ByteWriter = this.#out()): void {
    to.bytes(this.#reader.bytes.subarray(instruction.start, this.#reader.offset));
  }

  #open(instruction: Instruction): void {
    const { code, blockType } = instruction;
    const kind = code === op.loop ? 'loop' : code === op.if ? 'if' : 'block';
    this.#copy(instruction);
    if (kind === 'if') this.#take(instruction, 1);
    if (!this.#stack.open(kind, blockType)) throw this.#tooFewOperands(instruction);
    if (this.#stack.constructs.length > moduleLimits.nestingMax) {
      throw this.#reader.refuse(
        `blocks are nested more than ${moduleLimits.nestingMax} deep`,
        instruction.start,
      );
    }
    if (this.#stack.live && kind !== 'block') this.#endBlock(kind === 'loop' ? 'loop' : 'plain');
  }

  #close(instruction: Instruction): void {
    if (this.#stack.live) this.#endBlock();
    if (instruction.code === op.end) this.#stack.close();
    else if (!this.#stack.turn()) throw this.#reader.refuse('an else has no if', instruction.start);
    this.#copy(instruction, this.#done);
  }

  #branch(instruction: Instruction): void {
    const { code } = instruction;
    const { live } = this.#stack;
    if (code === op.brIf || code === op.brTable) this.#take(instruction, 1);
    if (code === op.return) this.#out().u8(op.br).u32(this.#functionLabel());
    else this.#copy(instruction);
    if (live) this.#endBlock();
    if (code !== op.brIf) this.#stack.stop();
  }

  #call(instruction: Instruction): void {
    const { code, first, start } = instruction;
    const { module } = this.#additions;
    const indirect = code === op.callIndirect || code === op.returnCallIndirect;
    const tail = code === op.returnCall || code === op.returnCallIndirect;
    const type = indirect ? module.types[first] : typeOfFunction(module, first);
    if (type === undefined) {
      throw this.#reader.refuse(
        `it calls by the ${indirect ? 'type' : 'function'} ${first}, which does not exist`,
        start,
      );
    }
    this.#take(instruction, type.params.length + (indirect ? 1 : 0));
    if (isWide(type)) this.#wide = true;
    this.#passedMax = Math.max(this.#passedMax, type.params.length + type.results.length);
    if (indirect) this.#calleeTypes.add(this.#additions.typeIndex(type));
    else this.#callees.add(first);
    if (!this.#stack.live) {
      this.#copy(instruction);
    } else {
      this.#emitFlush(this.#block);
      this.#emitStackLeft(tail);
      if (indirect) this.#copy(instruction);
      else this.#block.u8(code).u32(callTarget(this.#additions, first));
      if (!tail) this.#emitReload(this.#block);
      this.#endBlock();
    }
    if (tail) this.#stack.stop();
    else this.#stack.give(type.results.length);
  }

  /** Tells the callee how much stack is left: below this frame, or below the caller's where this one gives way. */
  #emitStackLeft(tail: boolean): void {
    this.#calls = true;
    if (tail) this.#tailCalls = true;
    this.#block.localGet(tail ? this.#stackAtEntry : this.#stackLeft).globalSet(this.#additions.stackLeft);
  }

  #plain(instruction: Instruction): void {
    const { code, first } = instruction;
    if (code === op.refFunc) {
      const target = callTarget(this.#additions, first);
      this.#additions.referenced.add(target);
      this.#out().u8(op.refFunc).u32(target);
      return;
    }
    if (code === op.globalGet) {
      const global = this.#additions.module.globals[first];
      if (global?.type === valueType.v128) this.#wide = true;
      if (global?.mutable === false) this.#pureCount++;
    }
    const helper = this.#stack.live ? bulkTarget(this.#additions, instruction) : undefined;
    if (helper === undefined) {
      this.#copy(instruction);
      if (this.#stack.live) noteStateChange(this.#additions, instruction, this.#block);
      return;
    }
    noteStateChange(this.#additions, instruction, this.#block);
    this.#emitFlush(this.#block);
    this.#block.call(helper);
    this.#emitReload(this.#block);
    this.#endBlock();
  }
}

function isWide(type: FunctionType): boolean {
  return type.params.includes(valueType.v128) || type.results.includes(valueType.v128);
}
