// How much stack a call may take: one number a function, above what any tier of V8 uses, so that ours is always the
// first limit. Found by experiment (the test beside this file); never the true size, which differs between runs. Any
// change needs a new `costTableVersion`.

/** What of a function its frame depends on; collected while it is read. */
export class FrameShape {
  params = 0;
  locals = 0;
  /** The most operands that are on the stack at once. */
  operandsMax = 0;
  /** The most parameters and results together that one of its calls passes. */
  passedMax = 0;
  /** Instructions without effect: an optimiser may keep each result that is computed twice until its second use. */
  pureCount = 0;
  /** Whether any value may be a v128. */
  wide = false;
  /** Size of the instrumented code, by which an optimiser decides what to inline. */
  codeBytes = 0;
  /** The function's own type, by the same numbering as `calleeTypes`. */
  type = 0;
  /** Indices of functions called directly, and types of those called through tables. */
  readonly callees: number[] = [];
  readonly calleeTypes: number[] = [];

  /** Begins a function anew. */
  reset(params: number, locals: number, type: number): void {
    this.params = params;
    this.locals = locals;
    this.type = type;
    this.operandsMax = 0;
    this.passedMax = 0;
    this.pureCount = 0;
    this.wide = false;
    this.codeBytes = 0;
    this.callees.length = 0;
    this.calleeTypes.length = 0;
  }

  /** Notes a function that is called directly. Neighbours are often the same. */
  noteCallee(index: number): void {
    if (this.callees[this.callees.length - 1] !== index) this.callees.push(index);
  }

  /** Notes the type of a function that is called through a table. */
  noteCalleeType(type: number): void {
    if (this.calleeTypes[this.calleeTypes.length - 1] !== type) this.calleeTypes.push(type);
  }
}

/**
 * The default budget of one call from the host. The main thread of Node has 984 KB by default; 200 KB of these belong
 * to the host's own frames, and the rest leaves room for one frame that is checked only once it is there.
 */
export const stackBytesDefault = 524_288;

/** A frame above this is checked before it is entered, by a small function in front of it. */
export const frameBytesUnchecked = 32_768;

/** A function that calls nothing needs no check up to here: the reserve holds it. */
export const leafBytesUnchecked = 2048;

/** Return address, links, spilled instance and the locals that instrumentation appends. */
const fixedBytes = 128;

/** Inlining puts the frames of callees into the caller's. V8 does so up to 500 bytes of code, 7 levels deep. */
const inlinedCodeBytesMax = 1000;
const inlinedLevelsMax = 7;
/** It grows a function at most threefold; live values take at most this many bytes of stack per byte of its code. */
const inlinedPerCodeByte = 1.25;

function ownBytes(shape: FrameShape): number {
  const slots = shape.params + shape.locals + shape.operandsMax + shape.passedMax + (shape.pureCount >> 1);
  return fixedBytes + slots * (shape.wide ? 16 : 8);
}

/** The frames of all functions that a module defines, in columns: there may be very many of them. */
export class Frames {
  readonly #importCount: number;
  readonly #own: Float64Array;
  readonly #codeBytes: Int32Array;
  readonly #types: Int32Array;
  /** Ends of each function's stretch of the two lists. */
  readonly #calleesEnd: Int32Array;
  readonly #calleeTypesEnd: Int32Array;
  readonly #callees: number[] = [];
  readonly #calleeTypes: number[] = [];
  #wide = false;
  #count = 0;

  constructor(functionCount: number, importCount: number) {
    this.#importCount = importCount;
    this.#own = new Float64Array(functionCount);
    this.#codeBytes = new Int32Array(functionCount);
    this.#types = new Int32Array(functionCount);
    this.#calleesEnd = new Int32Array(functionCount);
    this.#calleeTypesEnd = new Int32Array(functionCount);
  }

  /** Adds the next function. */
  add(shape: FrameShape): void {
    const index = this.#count++;
    this.#own[index] = ownBytes(shape);
    this.#codeBytes[index] = shape.codeBytes;
    this.#types[index] = shape.type;
    if (shape.wide) this.#wide = true;
    for (let at = 0; at < shape.callees.length; at++) {
      const callee = shape.callees[at]! - this.#importCount;
      // Imports are never inlined.
      if (callee >= 0) this.#callees.push(callee);
    }
    for (let at = 0; at < shape.calleeTypes.length; at++) this.#calleeTypes.push(shape.calleeTypes[at]!);
    this.#calleesEnd[index] = this.#callees.length;
    this.#calleeTypesEnd[index] = this.#calleeTypes.length;
  }

  /** The bytes to charge for each function. Call it once, when all are added. */
  sizes(): Float64Array {
    const perCodeByte = inlinedPerCodeByte * (this.#wide ? 2 : 1);
    const own = this.#own;
    let inlined = new Float64Array(own.length);
    for (let level = 0; level < inlinedLevelsMax; level++) inlined = this.#inlineOnce(inlined);
    return own.map((bytes, index) => {
      return bytes + Math.min(inlined[index]!, Math.ceil(this.#codeBytes[index]! * perCodeByte));
    });
  }

  /** The most that one more level of inlining adds to each function, where `below` is what its callees carry already. */
  #inlineOnce(below: Float64Array): Float64Array<ArrayBuffer> {
    const count = below.length;
    const carried = new Float64Array(count);
    const byType: number[] = [];
    for (let index = 0; index < count; index++) {
      const bytes = this.#codeBytes[index]! > inlinedCodeBytesMax ? 0 : this.#own[index]! + below[index]!;
      carried[index] = bytes;
      const type = this.#types[index]!;
      byType[type] = Math.max(byType[type] ?? 0, bytes);
    }
    const inlined = new Float64Array(count);
    const [callees, calleeTypes] = [this.#callees, this.#calleeTypes];
    let [callee, calleeType] = [0, 0];
    for (let index = 0; index < count; index++) {
      let most = 0;
      for (const end = this.#calleesEnd[index]!; callee < end; callee++) {
        const bytes = carried[callees[callee]!]!;
        if (bytes > most) most = bytes;
      }
      for (const end = this.#calleeTypesEnd[index]!; calleeType < end; calleeType++) {
        most = Math.max(most, byType[calleeTypes[calleeType]!] ?? 0);
      }
      inlined[index] = most;
    }
    return inlined;
  }
}
