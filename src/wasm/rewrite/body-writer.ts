// Writes the code of one function after the other, with the edits: charges, flushes around calls, canonical NaN.
import type { Additions } from '../append/additions.ts';
import { emitCanonical } from '../append/canonical-nan.ts';
import { ByteWriter } from '../binary/byte-writer.ts';
import { op } from '../binary/opcodes.ts';
import { type FunctionType, valueType } from '../binary/types.ts';
import type { FunctionBody } from '../parse/parsed-module.ts';
import type { CodeBuffers } from './code-buffers.ts';
import { CodeEdits, EditKind } from './code-edits.ts';
import { FrameShape } from './frame-size.ts';
import { type Charge, entryCharge, type FuelCharges } from './fuel-charges.ts';
import type { Canonicalisation } from './nan-tracker.ts';
import { emitFlush, emitFuelTest, WrittenBody } from './written-body.ts';

/** Bytes of entry and exit around a function's own code, at most. */
const codeBytesAround = 64;

/** A part of a buffer that functions are written to. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Serves one function after the other. */
export class BodyWriter {
  readonly shape: FrameShape = new FrameShape();
  /** The edits of the function at work, and the bytes of those that are known already. */
  readonly edits: CodeEdits = new CodeEdits();
  readonly #texts = new ByteWriter();
  readonly #additions: Additions;
  readonly #buffers: CodeBuffers;
  #type!: FunctionType;
  #body!: FunctionBody;
  #call: Stretch | undefined;
  #tailCall: Stretch | undefined;
  #reload: Stretch | undefined;
  #calls = false;
  #tailCalls = false;
  /** Indices of appended locals: fuel; what is left of the stack below this frame, and at entry. Then temporary ones. */
  #fuel = 0;
  #stackLeft = 0;
  #stackAtEntry = 0;
  /** The shapes that temporary locals are for, in the order of these. */
  readonly #temporaries: number[] = [];

  constructor(additions: Additions, buffers: CodeBuffers) {
    this.#additions = additions;
    this.#buffers = buffers;
  }

  /** Begins a function anew. */
  begin(type: FunctionType, body: FunctionBody): void {
    this.edits.clear();
    this.#texts.clear();
    this.#type = type;
    this.#body = body;
    this.#call = undefined;
    this.#tailCall = undefined;
    this.#reload = undefined;
    this.#calls = false;
    this.#tailCalls = false;
    this.#temporaries.length = 0;
    this.#fuel = type.params.length + body.localCount;
    this.#stackLeft = this.#fuel + (this.#additions.protections.fuel ? 1 : 0);
    this.#stackAtEntry = this.#stackLeft + 1;
    this.shape.reset(type.params.length, body.localCount, this.#additions.typeIndex(type));
    this.shape.wide =
      isWide(type.params) ||
      isWide(type.results) ||
      body.locals.some((group) => group.type === valueType.v128);
  }

  /** Adds an edit of bytes that are known already. */
  addText(place: number, replaced: number, write: (text: ByteWriter) => void): void {
    const texts = this.#texts;
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
    const texts = this.#texts;
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
      const texts = this.#texts;
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
    emitFlush(code, this.#additions, this.#fuel);
  }

  writeReload(code: ByteWriter): void {
    if (this.#additions.protections.fuel) code.globalGet(this.#additions.fuel).localSet(this.#fuel);
  }

  /** Call it once, when the function is read and every charge is set. */
  end(
    operandsMax: number,
    charges: FuelCharges,
    canonicalAt: ((site: number) => Canonicalisation | undefined) | undefined,
  ): WrittenBody {
    const { start, end } = this.#body;
    const texts = this.#texts;
    const { code, pieces } = this.#buffers;
    const { bytes } = this.#additions.module;
    const codeStart = code.size;
    const piecesStart = pieces.size;
    this.edits.write(bytes, start, end, code, pieces, (kind, first, second) => {
      if (kind === EditKind.text) code.append(texts, first, second);
      else if (kind === EditKind.charge) this.#writeCharge(code, charges.at(first));
      else this.#writeCanonical(code, canonicalAt?.(first));
    });
    this.shape.operandsMax = operandsMax;
    this.shape.codeBytes = code.size - codeStart + codeBytesAround;
    return new WrittenBody(this.#additions, this.#buffers, this.#type, this.#body, codeStart, piecesStart, {
      entry: charges.at(entryCharge),
      calls: this.#calls,
      tailCalls: this.#tailCalls,
      temporaries: this.#temporaries,
    });
  }

  #writeCharge(code: ByteWriter, { total, tested, label, paid }: Charge): void {
    if (!this.#additions.protections.fuel) return;
    if (tested === undefined && total === 0) return;
    code.localGet(this.#fuel);
    if (!paid) code.i64Const(total).plain(op.i64Sub);
    if (tested === undefined) code.localSet(this.#fuel);
    else {
      if (!paid) code.localTee(this.#fuel);
      emitFuelTest(code, this.#fuel, total - tested, label);
    }
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
    const { stack } = this.#additions.protections;
    const kept = stack ? (this.#calls ? 1 : 0) + (this.#tailCalls ? 1 : 0) : 0;
    return this.#stackLeft + kept + position;
  }
}

function isWide(types: readonly number[]): boolean {
  return types.includes(valueType.v128);
}
