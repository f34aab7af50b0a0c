// Half-precision numbers as single-precision ones, exactly. Node 22 has no array of them.

let table: Float32Array | undefined;

/** The numbers of these bits. */
export function widenHalves(halves: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => widen(bits));
  const known = table;
  return Float32Array.from(halves, (bits) => known[bits]!);
}

function widen(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >>> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return (sign * fraction) / 16777216;
  return sign * (1 + fraction / 1024) * (exponent < 15 ? 1 / (1 << (15 - exponent)) : 1 << (exponent - 15));
}
