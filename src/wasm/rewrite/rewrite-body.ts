// Rewrites one function's code: charges fuel at the head of each block before its effects, checks the stack at entry,
// calls helpers for what must be metered by length, and marks where NaN must be made canonical. Everything else is
// copied as it is; dead code is only copied.
import type { Additions } from '../append/additions.ts';
import { bulkTarget, noteStateChange } from '../append/bulk-functions.ts';
import { callTarget } from '../append/call-wrappers.ts';
import { ByteReader } from '../binary/byte-reader.ts';
import type { ByteWriter } from '../binary/byte-writer.ts';
import { functionEntryCost, instructionCost } from '../binary/cost-table.ts';
import { bulkBase, isPure, op, simdBase } from '../binary/opcodes.ts';
import { type FunctionType, valueType } from '../binary/types.ts';
import { type Instruction, readInstruction } from '../parse/instruction.ts';
import { moduleLimits } from '../parse/limits.ts';
import { type FunctionBody, typeOfFunction } from '../parse/parsed-module.ts';
import { BodyWriter } from './body-writer.ts';
import { CodeBuffers } from './code-buffers.ts';
import { EditKind } from './code-edits.ts';
import { Frames } from './frame-size.ts';
import { FuelCharges } from './fuel-charges.ts';
import { NanTracker } from './nan-tracker.ts';
import { OperandStack, unknownOperand } from './operand-stack.ts';
import { Simple, SimpleForm, simpleFacts, skipImmediates } from './simple-instructions.ts';
import type { WrittenBody } from './written-body.ts';

/** Rewrites the functions of one module, one after the other. */
export class BodyRewriter {
  /** What was written of all functions so far, and what their frames depend on. */
  readonly buffers: CodeBuffers;
  readonly frames: Frames;
  readonly #additions: Additions;
  readonly #stack: OperandStack = new OperandStack();
  readonly #nan: NanTracker | undefined;
  #reader!: ByteReader;
  readonly #writer: BodyWriter;
  readonly #charges: FuelCharges;

  constructor(additions: Additions) {
    this.#additions = additions;
    const { module } = additions;
    this.buffers = new CodeBuffers(module.bytes.length);
    this.frames = new Frames(module.bodies.length, module.imports.length);
    this.#writer = new BodyWriter(additions, this.buffers);
    const { edits } = this.#writer;
    this.#charges = new FuelCharges((charge) => {
      edits.add(this.#reader.offset, 0, EditKind.charge, charge);
    });
    if (!additions.protections.nan) return;
    this.#nan = new NanTracker(this.#stack, (site) => {
      edits.add(this.#reader.offset, 0, EditKind.site, site);
    });
  }

  /** Reads a function's code once, and answers it rewritten but for what depends on the size of its frame. */
  rewrite(type: FunctionType, body: FunctionBody): WrittenBody {
    const { bytes, name } = this.#additions.module;
    this.#reader = new ByteReader(bytes, name, 'code', body.start, body.end);
    this.#writer.begin(type, body);
    this.#stack.reset(type);
    this.#nan?.reset(type, body);
    this.#charges.reset(functionEntryCost(body.localCount));
    while (this.#stack.constructs.length > 0) {
      this.#passSimple();
      this.#step();
    }
    this.#reader.expectDone('a function body');
    const written = this.#writer.end(this.#stack.heightMax, this.#charges, this.#nan?.resolve());
    this.frames.add(this.#writer.shape);
    return written;
  }

  /** The label of the function as seen from here. */
  #functionLabel(): number {
    return this.#stack.constructs.length - 1;
  }

  /** Follows simple instructions up to one that is not; the code was validated before. */
  #passSimple(): void {
    const reader = this.#reader;
    const { bytes } = reader;
    const stack = this.#stack;
    const { live, notes } = stack;
    const nan = live ? this.#nan : undefined;
    const { base } = stack.constructs[stack.constructs.length - 1]!;
    let { height, heightMax } = stack;
    let at = reader.offset;
    let cost = 0;
    let pure = 0;
    for (;;) {
      const code = bytes[at]!;
      const facts = simpleFacts[code]!;
      if (facts === 0) break;
      const start = at++;
      const form = facts & Simple.form;
      let index = -1;
      if (form <= SimpleForm.local) {
        index = bytes[at++]!;
        if (index >= 0x80) {
          reader.offset = at - 1;
          index = reader.u32('an index');
          at = reader.offset;
        }
        if (code === op.globalGet) this.#noteGlobal(index);
      } else if (form !== SimpleForm.none) at = skipImmediates(bytes, at, form);
      cost += (facts >> Simple.costShift) & Simple.costMask;
      if ((facts & Simple.pure) !== 0) pure++;
      height -= (facts >> Simple.takesShift) & Simple.takesMask;
      if (height < base) {
        if (live) throw this.#tooFewOperands(start);
        height = base;
      }
      let note = unknownOperand;
      if (
        nan !== undefined &&
        (form === SimpleForm.local ? nan.holdsFloat(index) : (facts & Simple.floats) !== 0)
      ) {
        stack.height = height;
        reader.offset = at;
        note = nan.step(code, index, (facts >> Simple.takesShift) & Simple.takesMask, bytes, at);
      }
      if ((facts & Simple.gives) === 0) continue;
      notes[height++] = note;
      if (height > heightMax) heightMax = height;
    }
    reader.offset = at;
    stack.height = height;
    stack.heightMax = heightMax;
    if (live) this.#charges.cost += cost;
    this.#writer.shape.pureCount += pure;
  }

  #step(): void {
    const instruction = readInstruction(this.#reader, this.#additions.module.types);
    const { code, info } = instruction;
    const { shape } = this.#writer;
    if (code >= simdBase) shape.wide = true;
    if (isPure(code)) shape.pureCount++;
    if (this.#stack.live) this.#charges.cost += instructionCost(code);
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
        this.#plain(instruction, info.takes.length, info.gives.length);
    }
  }

  #take(instruction: Instruction, count: number): void {
    if (!this.#stack.take(count)) throw this.#tooFewOperands(instruction.start);
  }

  #tooFewOperands(start: number): Error {
    return this.#reader.refuse('an instruction has too few operands', start);
  }

  /** Puts an instruction's bytes in the stead of the one that was read. */
  #replace(instruction: Instruction, write: (text: ByteWriter) => void): void {
    this.#writer.addText(instruction.start, this.#reader.offset - instruction.start, write);
  }

  /** The same, with one that has an index. */
  #replaceIndexed(instruction: Instruction, code: number, index: number): void {
    this.#replace(instruction, (text) => text.u8(code).u32(index));
  }

  #open(instruction: Instruction): void {
    const { code, blockType } = instruction;
    const kind = code === op.loop ? 'loop' : code === op.if ? 'if' : 'block';
    const { live } = this.#stack;
    if (kind === 'if') this.#take(instruction, 1);
    if (live) this.#nan?.showTop(blockType.params.length);
    if (!this.#stack.open(kind, blockType)) throw this.#tooFewOperands(instruction.start);
    if (this.#stack.constructs.length > moduleLimits.nestingMax) {
      throw this.#reader.refuse(
        `blocks are nested more than ${moduleLimits.nestingMax} deep`,
        instruction.start,
      );
    }
    if (kind === 'loop' && this.#nan !== undefined) this.#nan.loopDepth++;
    if (kind === 'loop') this.#charges.openLoop(live, this.#functionLabel() + 1);
    else this.#charges.open(kind, live);
  }

  #close(instruction: Instruction): void {
    const { constructs, live } = this.#stack;
    if (live) this.#nan?.showTop(constructs[constructs.length - 1]!.type.results.length);
    if (instruction.code === op.end) {
      const { kind } = this.#stack.close();
      if (kind === 'loop' && this.#nan !== undefined) this.#nan.loopDepth--;
      this.#charges.close(this.#stack.live);
      return;
    }
    if (!this.#stack.turn()) throw this.#reader.refuse('an else has no if', instruction.start);
    this.#charges.next();
  }

  #branch(instruction: Instruction): void {
    const { code, first } = instruction;
    const { constructs, height, live } = this.#stack;
    if (code === op.brIf || code === op.brTable) this.#take(instruction, 1);
    if (live && this.#nan !== undefined) {
      if (code === op.brTable) this.#nan.showTop(height - constructs[constructs.length - 1]!.base);
      else if (code === op.return) this.#nan.showTop(constructs[0]!.type.results.length);
      else if (code !== op.unreachable) this.#nan.showTop(this.#stack.arityOf(first));
    }
    if (code === op.return && live && this.#additions.protections.fuel) {
      this.#replaceIndexed(instruction, op.br, this.#functionLabel());
    }
    if (live) this.#chargeBranch(instruction);
    if (code !== op.brIf) this.#stack.stop();
  }

  #chargeBranch({ code, first, labels }: Instruction): void {
    if (code === op.br || code === op.brIf) this.#charges.branch(first, code === op.brIf);
    else if (code === op.brTable) this.#charges.branchTable(labels);
    else if (code === op.return) this.#charges.leave();
    else this.#charges.next();
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
    this.#noteCall(type, indirect ? undefined : first);
    if (this.#stack.live) {
      this.#nan?.showTaken(type.params.length);
      this.#writer.addCall(start, tail);
      const target = indirect ? first : callTarget(this.#additions, first);
      if (target !== first) this.#replaceIndexed(instruction, code, target);
      if (!tail) this.#writer.addReload(this.#reader.offset);
      this.#charges.see();
    }
    if (tail) this.#stack.stop();
    else this.#stack.give(type.results.length);
  }

  #noteCall(type: FunctionType, callee: number | undefined): void {
    const { shape } = this.#writer;
    if (type.params.includes(valueType.v128) || type.results.includes(valueType.v128)) shape.wide = true;
    shape.passedMax = Math.max(shape.passedMax, type.params.length + type.results.length);
    if (callee === undefined) shape.noteCalleeType(this.#additions.typeIndex(type));
    else shape.noteCallee(callee);
  }

  #plain(instruction: Instruction, takes: number, gives: number): void {
    const { code, first } = instruction;
    this.#take(instruction, takes);
    const { live } = this.#stack;
    if (live && this.#nan !== undefined) {
      const { bytes, offset } = this.#reader;
      this.#stack.give(gives, this.#nan.step(code, first, takes, bytes, offset));
    } else this.#stack.give(gives);
    if (code === op.refFunc) this.#reference(instruction);
    if (code === op.globalGet) this.#noteGlobal(first);
    const isBulk = code >= bulkBase && code < simdBase;
    if (live && (isBulk || code === op.tableSet || code === op.memoryGrow)) this.#bulk(instruction);
  }

  #bulk(instruction: Instruction): void {
    const helper = bulkTarget(this.#additions, instruction);
    if (helper !== undefined) {
      this.#replace(instruction, (text) => {
        noteStateChange(this.#additions, instruction, text);
        this.#writer.writeFlush(text);
        this.#writer.writeReload(text.call(helper));
      });
      this.#charges.see();
      return;
    }
    const { offset } = this.#reader;
    this.#writer.addText(offset, 0, (text) => noteStateChange(this.#additions, instruction, text));
  }

  #reference(instruction: Instruction): void {
    const target = callTarget(this.#additions, instruction.first);
    this.#additions.referenced.add(target);
    if (target !== instruction.first) this.#replaceIndexed(instruction, op.refFunc, target);
  }

  #noteGlobal(index: number): void {
    const global = this.#additions.module.globals[index];
    if (global?.type === valueType.v128) this.#writer.shape.wide = true;
    if (global?.mutable === false) this.#writer.shape.pureCount++;
  }
}
