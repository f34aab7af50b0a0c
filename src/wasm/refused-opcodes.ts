// The names of what is refused, so that an author learns which feature to turn off.
import { prefixBulk, prefixSimd } from './opcodes.ts';

const single: readonly (readonly [number, number, string])[] = [
  [0x06, 0x0a, 'exceptions'],
  [0x18, 0x19, 'exceptions'],
  [0x1f, 0x1f, 'exceptions'],
  [0x14, 0x15, 'typed function references'],
  [0xd3, 0xd6, 'garbage collection'],
  [0xfb, 0xfb, 'garbage collection'],
  [0xfe, 0xfe, 'threads and atomics'],
];

/** What a refused instruction is, for the error. `number` follows the prefix, where there is one. */
export function refusedOpcodeText(first: number, number?: number): string {
  const shown = number === undefined ? hex(first) : `${hex(first)} ${hex(number)}`;
  if (first === prefixSimd && number !== undefined && number >= 0x100) {
    return `the instruction ${shown} (relaxed SIMD), which is not taken`;
  }
  if (first === prefixBulk) return `the unknown instruction ${shown}`;
  const feature = single.find(([from, to]) => first >= from && first <= to)?.[2];
  if (feature !== undefined) return `the instruction ${shown} (${feature}), which is not taken`;
  return `the unknown instruction ${shown}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
