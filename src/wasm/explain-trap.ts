// Explains a trap in the author's terms: which of his functions it was in, and at which offset of his module.
import { moduleNames } from './module-names.ts';
import { type CodePlace, type OffsetMap, originalPlace } from './offset-map.ts';

export interface TrapFrame extends CodePlace {
  /** From the section of names; where the bytes are the author's, from an export too. */
  readonly name: string | undefined;
}

/** How V8 writes a frame of WebAssembly into a stack trace: the function, and the offset in the module. */
const framePattern = /wasm-function\[\d+\]:0x([0-9a-f]+)/g;

/**
 * The frames of a stack trace that are the author's, the innermost first.
 * @param module what `instrument` answered; in place of its bytes, those of the author's module name more
 * @param stack the `stack` of the error that the trap threw
 */
export function explainTrap(
  module: { readonly bytes: Uint8Array; readonly offsets: OffsetMap },
  stack: string,
): TrapFrame[] {
  const names = moduleNames(module.bytes).functions;
  const frames: TrapFrame[] = [];
  for (const [, offset] of stack.matchAll(framePattern)) {
    const place = originalPlace(module.offsets, Number.parseInt(offset!, 16));
    if (place !== undefined) frames.push({ ...place, name: names.get(place.functionIndex) });
  }
  return frames;
}
