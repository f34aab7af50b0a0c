// How much stack a call may take: one number a function, above what any tier of V8 uses, so that ours is always the
// first limit. Found by experiment (the test beside this file); never the true size, which differs between runs.

/** What of a function its frame depends on. */
export interface FrameShape {
  readonly params: number;
  readonly locals: number;
  /** The most operands that are on the stack at once. */
  readonly operandsMax: number;
  /** The most parameters and results together that one of its calls passes. */
  readonly passedMax: number;
  /** Instructions without effect: an optimiser may keep each result that is computed twice until its second use. */
  readonly pureCount: number;
  /** Whether any value may be a v128. */
  readonly wide: boolean;
  /** Size of the instrumented code, by which an optimiser decides what to inline. */
  readonly codeBytes: number;
  /** Indices of functions called directly, and types of those called through tables. */
  readonly callees: readonly number[];
  readonly calleeTypes: readonly number[];
  /** The function's own type, by the same numbering as `calleeTypes`. */
  readonly type: number;
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

/** The bytes to charge for each function; `shapes` are those of the functions that the module defines, in order. */
export function frameSizes(shapes: readonly FrameShape[], importCount: number): number[] {
  const own = new Float64Array(shapes.length);
  for (let index = 0; index < shapes.length; index++) own[index] = ownBytes(shapes[index]!);
  const perCodeByte = inlinedPerCodeByte * (shapes.some((shape) => shape.wide) ? 2 : 1);
  let inlined = new Float64Array(shapes.length);
  for (let level = 0; level < inlinedLevelsMax; level++)
    inlined = inlineOnce(shapes, importCount, own, inlined);
  return shapes.map((shape, index) => {
    const extra = Math.min(inlined[index]!, Math.ceil(shape.codeBytes * perCodeByte));
    return own[index]! + extra;
  });
}

/** The most that one more level of inlining adds to each function, where `below` is what its callees carry already. */
function inlineOnce(
  shapes: readonly FrameShape[],
  importCount: number,
  own: Float64Array,
  below: Float64Array,
): Float64Array<ArrayBuffer> {
  const carried = new Float64Array(shapes.length);
  const byType: number[] = [];
  for (let index = 0; index < shapes.length; index++) {
    const { codeBytes, type } = shapes[index]!;
    const bytes = codeBytes > inlinedCodeBytesMax ? 0 : own[index]! + below[index]!;
    carried[index] = bytes;
    byType[type] = Math.max(byType[type] ?? 0, bytes);
  }
  const inlined = new Float64Array(shapes.length);
  for (let index = 0; index < shapes.length; index++) {
    const { callees, calleeTypes } = shapes[index]!;
    let most = 0;
    for (let at = 0; at < callees.length; at++) {
      const callee = callees[at]! - importCount;
      // Imports carry nothing.
      if (callee >= 0 && carried[callee]! > most) most = carried[callee]!;
    }
    for (let at = 0; at < calleeTypes.length; at++) most = Math.max(most, byType[calleeTypes[at]!] ?? 0);
    inlined[index] = most;
  }
  return inlined;
}
