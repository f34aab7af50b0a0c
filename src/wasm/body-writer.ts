// Writes one rewritten function: its own code with the edits, entry and exit around it, and the locals they need.
import { Status } from '../abi/guest-exports.ts';
import { type Additions, emitKill } from './additions.ts';
import type { ByteSource, ByteWriter } from './byte-writer.ts';
import { emitCanonical, shapeTypes } from './canonical-nan.ts';
import { type CodeEdits, EditKind, type Scratch } from './code-edits.ts';
import { type FrameShape, frameBytesUnchecked, leafBytesUnchecked } from './frame-size.ts';
import { type Charge, entryCharge, type FuelCharges } from './fuel-charges.ts';
import { moduleLimits } from './limits.ts';
import type { Canonicalisation } from './nan-tracker.ts';
import { op } from './opcodes.ts';
import type { FunctionBody } from './parsed-module.ts';
import { refusal } from './refusal.ts';
import { type FunctionType, valueType } from './types.ts';

/** Bytes of entry and exit around a function's own code, at most. */
const codeBytesAround = 64;

/** A frame's shape while the function is read. */
type GrowingShape = { -readonly [Key in keyof FrameShape]: FrameShape[Key] } & {
  callees: number[];
  calleeTypes: number[];
};

/** Where nothing is added to. */
const none: number[] = [];

/** A part of one of the buffers that functions are written to. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

const nothing: Stretch = { start: 0, end: 0 };

/** A function whose code is written but for what depends on the size of its frame. */
export interface WrittenBody {
  readonly shape: FrameShape;
  finish(frameBytes: number): FinishedBody;
}

/** Locals and code of a function, without the size. */
export interface FinishedBody extends ByteSource {
  /** Where the function's own code begins in it. */
  readonly codeStart: number;
  /** Where pieces of the module's code stand in the function's: LEB128 numbers, see `CodeEdits.write`. */
  readonly pieces: Stretch;
  /** Whether it wants a function in front of it that checks the stack: its frame is too large to enter unchecked. */
  readonly guarded: boolean;
}

export class BodyWriter implements WrittenBody {
  readonly edits: CodeEdits;
  readonly shape: GrowingShape;
  #entry: Charge | undefined;
  #code: Stretch = nothing;
  #pieces: Stretch = nothing;
  readonly #additions: Additions;
  readonly #type: FunctionType;
  readonly #body: FunctionBody;
  readonly #scratch: Scratch;
  #call: Stretch | undefined;
  #tailCall: Stretch | undefined;
  #reload: Stretch | undefined;
  #calls = false;
  #tailCalls = false;
  /** Appended locals: fuel (i64); stack left below this frame, and at entry (i32, where needed); then temporary ones. */
  readonly #fuel: number;
  readonly #stackLeft: number;
  readonly #stackAtEntry: number;
  /** The shapes that temporary locals are for, in the order of these. */
  readonly #temporaries: number[] = [];

  constructor(additions: Additions, type: FunctionType, body: FunctionBody) {
    this.#additions = additions;
    this.#scratch = additions.scratch;
    this.#scratch.beginFunction();
    this.edits = this.#scratch.edits;
    this.#type = type;
    this.#body = body;
    this.#fuel = type.params.length + body.localCount;
    this.#stackLeft = this.#fuel + (additions.protections.fuel ? 1 : 0);
    this.#stackAtEntry = this.#stackLeft + 1;
    const wide =
      isWide(type.params) ||
      isWide(type.results) ||
      body.locals.some((group) => group.type === valueType.v128);
    this.shape = {
      params: type.params.length,
      locals: body.localCount,
      operandsMax: 0,
      passedMax: 0,
      pureCount: 0,
      wide,
      codeBytes: 0,
      callees: none,
      calleeTypes: none,
      type: additions.typeIndex(type),
    };
  }

  /** Notes a function that is called directly. Neighbours are often the same. */
  noteCallee(index: number): void {
    const { shape } = this;
    if (shape.callees === none) shape.callees = [];
    if (shape.callees[shape.callees.length - 1] !== index) shape.callees.push(index);
  }

  /** Notes the type of a function that is called through a table. */
  noteCalleeType(type: number): void {
    const { shape } = this;
    if (shape.calleeTypes === none) shape.calleeTypes = [];
    if (shape.calleeTypes[shape.calleeTypes.length - 1] !== type) shape.calleeTypes.push(type);
  }

  /** Adds an edit of bytes that are known already. */
  addText(place: number, replaced: number, write: (text: ByteWriter) => void): void {
    const { texts } = this.#scratch;
    const start = texts.size;
    write(texts);
    if (replaced > 0 || texts.size > start) {
      this.edits.add(place, replaced, EditKind.text, start, texts.size);
    }
  }

  /** Adds what comes before a call: fuel flushed, and how much stack the callee has. */
  addCall(place: number, tail: boolean): void {
    this.#calls = true;
    if (tail) this.#tailCalls = true;
    // The same bytes stand before every call of the function.
    const text = (tail ? this.#tailCall : this.#call) ?? this.#writeCall(tail);
    this.#addStretch(place, text);
  }

  #writeCall(tail: boolean): Stretch {
    const { texts } = this.#scratch;
    const start = texts.size;
    this.writeFlush(texts);
    // Below this frame; or below the caller's, where this one gives way.
    const left = tail ? this.#stackAtEntry : this.#stackLeft;
    if (this.#additions.protections.stack) texts.localGet(left).globalSet(this.#additions.stackLeft);
    const text = { start, end: texts.size };
    if (tail) this.#tailCall = text;
    else this.#call = text;
    return text;
  }

  addReload(place: number): void {
    if (this.#reload === undefined) {
      const { texts } = this.#scratch;
      const start = texts.size;
      this.writeReload(texts);
      this.#reload = { start, end: texts.size };
    }
    this.#addStretch(place, this.#reload);
  }

  #addStretch(place: number, { start, end }: Stretch): void {
    if (end > start) this.edits.add(place, 0, EditKind.text, start, end);
  }

  writeFlush(code: ByteWriter): void {
    if (this.#additions.protections.fuel) code.localGet(this.#fuel).globalSet(this.#additions.fuel);
  }

  writeReload(code: ByteWriter): void {
    if (this.#additions.protections.fuel) code.globalGet(this.#additions.fuel).localSet(this.#fuel);
  }

  /** Call it once, when the function is read and every charge is set. */
  end(
    operandsMax: number,
    charges: FuelCharges,
    canonicalAt: (site: number) => Canonicalisation | undefined = () => undefined,
  ): WrittenBody {
    const { start, end } = this.#body;
    const { shape } = this;
    const { texts, code, pieces } = this.#scratch;
    const { bytes } = this.#additions.module;
    const codeStart = code.size;
    const piecesStart = pieces.size;
    this.edits.write(bytes, start, end, code, pieces, (kind, first, second) => {
      if (kind === EditKind.text) code.append(texts, first, second);
      else if (kind === EditKind.charge) this.#writeCharge(code, charges.at(first));
      else this.#writeCanonical(code, canonicalAt(first));
    });
    this.#entry = { ...charges.at(entryCharge) };
    this.#code = { start: codeStart, end: code.size };
    this.#pieces = { start: piecesStart, end: pieces.size };
    shape.operandsMax = operandsMax;
    shape.codeBytes = code.size - codeStart + codeBytesAround;
    return this;
  }

  #writeCharge(code: ByteWriter, charge: Charge): void {
    if (!this.#additions.protections.fuel) return;
    const { total, tested, paid } = charge;
    if (tested === undefined && total === 0) return;
    code.localGet(this.#fuel);
    if (!paid) code.i64Const(total).plain(op.i64Sub);
    if (tested === undefined) code.localSet(this.#fuel);
    else {
      if (!paid) code.localTee(this.#fuel);
      this.#writeTest(code, charge);
    }
  }

  /**
   * Leaves where the fuel on the stack, a copy of the local's, does not reach for what is tested. What else was
   * subtracted here is no part of that, and is given back then.
   */
  #writeTest(code: ByteWriter, { total, tested, label }: Charge): void {
    const beyond = total - tested!;
    code.i64Const(-beyond).plain(op.i64LtS);
    if (beyond === 0) {
      code.plain(op.brIf).u32(label);
      return;
    }
    code.if().localGet(this.#fuel).i64Const(beyond).u8(op.i64Add).localSet(this.#fuel);
    code
      .u8(op.br)
      .u32(label + 1)
      .end();
  }

  #writeCanonical(code: ByteWriter, found: Canonicalisation | undefined): void {
    if (found === undefined) return;
    const { shape } = this;
    shape.pureCount++;
    if (found.local >= 0) {
      emitCanonical(code, found.shape, found.local);
      return;
    }
    const local = this.#temporary(found.shape);
    emitCanonical(code.localTee(local), found.shape, local);
  }

  #temporary(of: number): number {
    let position = this.#temporaries.indexOf(of);
    if (position < 0) {
      position = this.#temporaries.push(of) - 1;
      this.shape.locals++;
    }
    const [calls, tails] = [this.#keepsStackLeft(), this.#keepsStackAtEntry()];
    return this.#stackLeft + (calls ? 1 : 0) + (tails ? 1 : 0) + position;
  }

  #keepsStackLeft(): boolean {
    return this.#calls && this.#additions.protections.stack;
  }

  #keepsStackAtEntry(): boolean {
    return this.#tailCalls && this.#additions.protections.stack;
  }

  finish(frameBytes: number): FinishedBody {
    const { fuel, stack } = this.#additions.protections;
    const guarded = stack && frameBytes > frameBytesUnchecked;
    const { around } = this.#scratch;
    const { size: start } = around;
    this.#writeLocals(around);
    if (guarded) this.#writeStackGuarded(around, frameBytes);
    else if (stack && (this.#calls || frameBytes > leafBytesUnchecked)) {
      this.#writeStackCheck(around, frameBytes);
    }
    if (fuel) this.#writeEntry(around);
    const entry = { start, end: around.size };
    if (fuel) this.#writeExit(around);
    const exit = { start: entry.end, end: around.size };
    const size = exit.end - start + this.#code.end - this.#code.start;
    if (size > moduleLimits.functionBytesMax) {
      const what = `a function has ${size} bytes after instrumentation, at most ${moduleLimits.functionBytesMax} are taken`;
      throw refusal(this.#additions.module.name, what, 'code', this.#body.start);
    }
    return new WholeBody(this.#scratch, entry, this.#code, exit, this.#pieces, guarded);
  }

  #writeLocals(code: ByteWriter): void {
    const added: number[] = [];
    if (this.#additions.protections.fuel) added.push(valueType.i64);
    if (this.#keepsStackLeft()) added.push(valueType.i32);
    if (this.#keepsStackAtEntry()) added.push(valueType.i32);
    for (const of of this.#temporaries) added.push(shapeTypes[of]!);
    code.u32(this.#body.locals.length + added.length);
    for (const { count, type } of this.#body.locals) code.u32(count).u8(type);
    for (const type of added) code.u32(1).u8(type);
  }

  #writeStackCheck(code: ByteWriter, frameBytes: number): void {
    code.globalGet(this.#additions.stackLeft);
    if (this.#tailCalls) code.localTee(this.#stackAtEntry);
    code.i32Const(frameBytes).plain(op.i32Sub);
    if (this.#calls) code.localTee(this.#stackLeft);
    code.i32Const(0).u8(op.i32LtS).if();
    emitKill(code, this.#additions, Status.stackExhausted);
    code.end();
  }

  /** The function in front of this one has checked, and left in the global what is below this frame. */
  #writeStackGuarded(code: ByteWriter, frameBytes: number): void {
    if (!this.#calls) return;
    code.globalGet(this.#additions.stackLeft).localSet(this.#stackLeft);
    if (!this.#tailCalls) return;
    code.localGet(this.#stackLeft).i32Const(frameBytes).u8(op.i32Add).localSet(this.#stackAtEntry);
  }

  /** Checks fuel; opens the block that exhaustion leaves, and the one that stands for the function's label. */
  #writeEntry(code: ByteWriter): void {
    code.u8(op.block, op.emptyBlock);
    const entry = this.#entry!;
    code.globalGet(this.#additions.fuel).i64Const(entry.total).plain(op.i64Sub).localTee(this.#fuel);
    this.#writeTest(code, entry);
    code.u8(op.block);
    const { results } = this.#type;
    if (results.length === 0) code.u8(op.emptyBlock);
    else if (results.length === 1) code.u8(results[0]!);
    else code.signed(this.#additions.typeIndex({ params: [], results }));
  }

  /** The one place where the function returns, and the one where it runs out of fuel. */
  #writeExit(code: ByteWriter): void {
    this.writeFlush(code);
    code.u8(op.return).end();
    this.writeFlush(code);
    emitKill(code, this.#additions, Status.outOfFuel);
    code.end();
  }
}

/** What was written at three places, put together. */
class WholeBody implements FinishedBody {
  readonly size: number;
  readonly codeStart: number;
  readonly pieces: Stretch;
  readonly guarded: boolean;
  readonly #scratch: Scratch;
  readonly #entry: Stretch;
  readonly #code: Stretch;
  readonly #exit: Stretch;

  constructor(
    scratch: Scratch,
    entry: Stretch,
    code: Stretch,
    exit: Stretch,
    pieces: Stretch,
    guarded: boolean,
  ) {
    this.#scratch = scratch;
    this.#entry = entry;
    this.#code = code;
    this.#exit = exit;
    this.codeStart = entry.end - entry.start;
    this.size = this.codeStart + code.end - code.start + exit.end - exit.start;
    this.pieces = pieces;
    this.guarded = guarded;
  }

  appendTo(out: ByteWriter): void {
    const { around, code } = this.#scratch;
    out.append(around, this.#entry.start, this.#entry.end);
    out.append(code, this.#code.start, this.#code.end);
    out.append(around, this.#exit.start, this.#exit.end);
  }
}

function isWide(types: readonly number[]): boolean {
  return types.includes(valueType.v128);
}
