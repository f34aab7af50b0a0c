// The names of what is refused, so that an author learns which feature to turn off.
import { prefixBulk, prefixSimd } from './opcodes.ts';

const exceptions = 'exceptions';
const references = 'typed function references';

/** Name and feature by opcode. Where the name is left out, the opcode is the prefix of many. */
const refused: ReadonlyMap<number, readonly [name: string | undefined, feature: string]> = new Map([
  [0x06, ['try', exceptions]],
  [0x07, ['catch', exceptions]],
  [0x08, ['throw', exceptions]],
  [0x09, ['rethrow', exceptions]],
  [0x0a, ['throw_ref', exceptions]],
  [0x14, ['call_ref', references]],
  [0x15, ['return_call_ref', references]],
  [0x18, ['delegate', exceptions]],
  [0x19, ['catch_all', exceptions]],
  [0x1f, ['try_table', exceptions]],
  [0xd3, ['ref.eq', 'garbage collection']],
  [0xd4, ['ref.as_non_null', references]],
  [0xd5, ['br_on_null', references]],
  [0xd6, ['br_on_non_null', references]],
  [0xfb, [undefined, 'garbage collection']],
  [0xfe, [undefined, 'threads and atomics']],
]);

/** What a refused instruction is, for the error. `number` follows the prefix, where there is one. */
export function refusedOpcodeText(first: number, number?: number): string {
  const shown = number === undefined ? hex(first) : `${hex(first)} ${hex(number)}`;
  if (first === prefixSimd && number !== undefined && number >= 0x100) {
    return `the instruction ${shown} (relaxed SIMD), which is not taken`;
  }
  if (first === prefixBulk) return `the unknown instruction ${shown}`;
  const [name, feature] = refused.get(first) ?? [];
  if (feature !== undefined) return `the instruction ${name ?? shown} (${feature}), which is not taken`;
  return `the unknown instruction ${shown}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
