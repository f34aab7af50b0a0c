// Explains a trap in the author's terms: which of his functions it was in, and at which offset of his module.
import { functionNames } from './function-names.ts';
import { type CodePlace, type OffsetMap, originalPlace } from './offset-map.ts';

export interface TrapFrame extends CodePlace {
  /** From the module's own section of names. */
  readonly name: string | undefined;
}

/** How V8 writes a frame of WebAssembly into a stack trace: the function, and the offset in the module. */
const framePattern = /wasm-function\[\d+\]:0x([0-9a-f]+)/g;

/**
 * The frames of a stack trace that are the author's, the innermost first.
 * @param module what `instrument` answered
 * @param stack the `stack` of the error that the trap threw
 */
export function explainTrap(
  module: { readonly bytes: Uint8Array; readonly offsets: OffsetMap },
  stack: string,
): TrapFrame[] {
  const names = functionNames(module.bytes);
  const frames: TrapFrame[] = [];
  for (const [, offset] of stack.matchAll(framePattern)) {
    const place = originalPlace(module.offsets, Number.parseInt(offset!, 16));
    if (place !== undefined) frames.push({ ...place, name: names.get(place.functionIndex) });
  }
  return frames;
}
