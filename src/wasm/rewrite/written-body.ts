// A rewritten function whose code stands in the common buffers: what its entry and exit still need, in few words, since
// a module has very many. Never looks at instructions.
import { Status } from '../../abi/guest-exports.ts';
import { type Additions, emitKill } from '../append/additions.ts';
import { shapeTypes } from '../append/canonical-nan.ts';
import type { ByteSource, ByteWriter } from '../binary/byte-writer.ts';
import { op } from '../binary/opcodes.ts';
import { refusal } from '../binary/refusal.ts';
import { type FunctionType, valueType } from '../binary/types.ts';
import { moduleLimits } from '../parse/limits.ts';
import type { FunctionBody } from '../parse/parsed-module.ts';
import type { CodeBuffers } from './code-buffers.ts';
import { frameBytesUnchecked, leafBytesUnchecked } from './frame-size.ts';
import type { Charge } from './fuel-charges.ts';

/** What a function's code says of the frame around it. */
export interface WrittenFacts {
  /** The charge at its entry. */
  readonly entry: Charge;
  /** Whether it calls anything, and whether it does by tail calls. */
  readonly calls: boolean;
  readonly tailCalls: boolean;
  /** The shapes that its temporary locals are for, in their order. */
  readonly temporaries: readonly number[];
}

const none: readonly number[] = [];

/** Puts the fuel that is left where others see it. */
export function emitFlush(code: ByteWriter, additions: Additions, fuelLocal: number): void {
  if (additions.protections.fuel) code.localGet(fuelLocal).globalSet(additions.fuel);
}

/**
 * Leaves where the fuel on the stack, a copy of the local's, does not reach for what is tested. What else was
 * subtracted here is no part of that, and is given back then.
 */
export function emitFuelTest(code: ByteWriter, fuelLocal: number, beyond: number, label: number): void {
  code.i64Const(-beyond).plain(op.i64LtS);
  if (beyond === 0) {
    code.plain(op.brIf).u32(label);
    return;
  }
  code.if().localGet(fuelLocal).i64Const(beyond).u8(op.i64Add).localSet(fuelLocal);
  code
    .u8(op.br)
    .u32(label + 1)
    .end();
}

export class WrittenBody implements ByteSource {
  readonly type: FunctionType;
  readonly original: FunctionBody;
  /** Where pieces of the module's code stand in the function's, in the buffer of these: see `CodeEdits.write`. */
  readonly piecesStart: number;
  readonly piecesEnd: number;
  readonly #additions: Additions;
  readonly #buffers: CodeBuffers;
  readonly #codeStart: number;
  readonly #codeEnd: number;
  readonly #entryTotal: number;
  readonly #entryBeyond: number;
  readonly #entryLabel: number;
  /** Whether it keeps how much stack is left below it, and how much was at its entry. */
  readonly #keepsLeft: boolean;
  readonly #keepsAtEntry: boolean;
  readonly #temporaries: readonly number[];
  /** Where entry and exit stand in the buffer of what is around functions. */
  #around = 0;
  #entryEnd = 0;
  #exitEnd = 0;

  /** Its code and pieces are what their buffers got since they had the given sizes. */
  constructor(
    additions: Additions,
    buffers: CodeBuffers,
    type: FunctionType,
    original: FunctionBody,
    codeStart: number,
    piecesStart: number,
    { entry, calls, tailCalls, temporaries }: WrittenFacts,
  ) {
    const { code, pieces } = buffers;
    const { stack } = additions.protections;
    this.type = type;
    this.original = original;
    this.piecesStart = piecesStart;
    this.piecesEnd = pieces.size;
    this.#additions = additions;
    this.#buffers = buffers;
    this.#codeStart = codeStart;
    this.#codeEnd = code.size;
    this.#entryTotal = entry.total;
    this.#entryBeyond = entry.total - entry.tested!;
    this.#entryLabel = entry.label;
    this.#keepsLeft = calls && stack;
    this.#keepsAtEntry = tailCalls && stack;
    this.#temporaries = temporaries.length === 0 ? none : [...temporaries];
  }

  /** Locals and code of the function, without its size. */
  get size(): number {
    return this.#exitEnd - this.#around + this.#codeEnd - this.#codeStart;
  }

  /** Where the function's own code begins in it. */
  get codeStart(): number {
    return this.#entryEnd - this.#around;
  }

  appendTo(out: ByteWriter): void {
    const { around, code } = this.#buffers;
    out.append(around, this.#around, this.#entryEnd);
    out.append(code, this.#codeStart, this.#codeEnd);
    out.append(around, this.#entryEnd, this.#exitEnd);
  }

  /**
   * Writes entry and exit. Answers whether the function wants another one in front of it that checks the stack: its
   * frame is too large to enter unchecked.
   */
  finish(frameBytes: number): boolean {
    const { fuel, stack } = this.#additions.protections;
    const { around } = this.#buffers;
    const guarded = stack && frameBytes > frameBytesUnchecked;
    this.#around = around.size;
    this.#writeLocals(around);
    if (guarded) this.#writeStackGuarded(around, frameBytes);
    else if (stack && (this.#keepsLeft || frameBytes > leafBytesUnchecked)) {
      this.#writeStackCheck(around, frameBytes);
    }
    if (fuel) this.#writeEntry(around);
    this.#entryEnd = around.size;
    if (fuel) this.#writeExit(around);
    this.#exitEnd = around.size;
    if (this.size > moduleLimits.functionBytesMax) {
      const what = `a function has ${this.size} bytes after instrumentation, at most ${moduleLimits.functionBytesMax} are taken`;
      throw refusal(this.#additions.module.name, what, 'code', this.original.start);
    }
    return guarded;
  }

  /** Indices of the appended locals, in their order. */
  get #fuel(): number {
    return this.type.params.length + this.original.localCount;
  }

  get #stackLeft(): number {
    return this.#fuel + (this.#additions.protections.fuel ? 1 : 0);
  }

  get #stackAtEntry(): number {
    return this.#stackLeft + 1;
  }

  #writeLocals(code: ByteWriter): void {
    const { fuel } = this.#additions.protections;
    const { locals } = this.original;
    const [left, atEntry] = [this.#keepsLeft ? 1 : 0, this.#keepsAtEntry ? 1 : 0];
    code.u32(locals.length + (fuel ? 1 : 0) + left + atEntry + this.#temporaries.length);
    for (let group = 0; group < locals.length; group++) {
      code.u32(locals[group]!.count).plain(locals[group]!.type);
    }
    if (fuel) code.plain(1).plain(valueType.i64);
    for (let index = 0; index < left + atEntry; index++) code.plain(1).plain(valueType.i32);
    for (const of of this.#temporaries) code.plain(1).plain(shapeTypes[of]!);
  }

  #writeStackCheck(code: ByteWriter, frameBytes: number): void {
    code.globalGet(this.#additions.stackLeft);
    if (this.#keepsAtEntry) code.localTee(this.#stackAtEntry);
    code.i32Const(frameBytes).plain(op.i32Sub);
    if (this.#keepsLeft) code.localTee(this.#stackLeft);
    code.i32Const(0).plain(op.i32LtS).if();
    emitKill(code, this.#additions, Status.stackExhausted);
    code.end();
  }

  /** The function in front of this one has checked, and left in the global what is below this frame. */
  #writeStackGuarded(code: ByteWriter, frameBytes: number): void {
    if (!this.#keepsLeft) return;
    code.globalGet(this.#additions.stackLeft).localSet(this.#stackLeft);
    if (!this.#keepsAtEntry) return;
    code.localGet(this.#stackLeft).i32Const(frameBytes).plain(op.i32Add).localSet(this.#stackAtEntry);
  }

  /** Checks fuel; opens the block that exhaustion leaves, and the one that stands for the function's label. */
  #writeEntry(code: ByteWriter): void {
    const fuel = this.#fuel;
    code.plain(op.block).plain(op.emptyBlock);
    code.globalGet(this.#additions.fuel).i64Const(this.#entryTotal).plain(op.i64Sub).localTee(fuel);
    emitFuelTest(code, fuel, this.#entryBeyond, this.#entryLabel);
    code.plain(op.block);
    const { results } = this.type;
    if (results.length === 0) code.plain(op.emptyBlock);
    else if (results.length === 1) code.plain(results[0]!);
    else code.signed(this.#additions.typeIndex({ params: [], results }));
  }

  /** The one place where the function returns, and the one where it runs out of fuel. */
  #writeExit(code: ByteWriter): void {
    const fuel = this.#fuel;
    emitFlush(code, this.#additions, fuel);
    code.plain(op.return).end();
    emitFlush(code, this.#additions, fuel);
    emitKill(code, this.#additions, Status.outOfFuel);
    code.end();
  }
}
