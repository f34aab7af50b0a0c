// Explains a trap in the author's terms: which of his functions it was in, and at which offset of his module.

import { type CodePlace, type OffsetMap, originalPlace } from './offset-map.ts';
import { moduleNames } from './parse/module-names.ts';
import { trapOffsets } from './trap-offsets.ts';

export interface TrapFrame extends CodePlace {
  /** From the section of names; where the bytes are the author's, from an export too. */
  readonly name: string | undefined;
}

/** Those of these places in an instrumented module that are the author's, in his module, in the same order. */
export function authorPlaces(map: OffsetMap, offsets: Iterable<number>): CodePlace[] {
  return Array.from(offsets, (offset) => originalPlace(map, offset) ?? []).flat();
}

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
  return authorPlaces(module.offsets, trapOffsets(stack)).map((place) => ({
    ...place,
    name: names.get(place.functionIndex),
  }));
}
