// The CRC-32 of bytes that lie one behind the other, from those of both parts: what was summed once is not read again.
// Pure. Arithmetic of polynomials over two elements, modulo that of the CRC, lowest power in the highest bit.

const polynomial = 0xedb88320;
const one = 0x80000000;

/** x to the power of 2^i. */
const powers = new Uint32Array(32);
powers[0] = 0x40000000;
for (let i = 1; i < powers.length; i++) powers[i] = multiply(powers[i - 1]!, powers[i - 1]!);

function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let rest = a; rest !== 0; rest <<= 1) {
    if ((rest & one) !== 0) product ^= factor;
    factor = (factor & 1) !== 0 ? (factor >>> 1) ^ polynomial : factor >>> 1;
  }
  return product >>> 0;
}

/** @param size bytes of the second part, below 2^29 */
export function combineCrc(first: number, second: number, size: number): number {
  let shift = one;
  // Eight bits a byte: from the third power on.
  for (let rest = size, i = 3; rest > 0; rest >>>= 1, i++) {
    if ((rest & 1) !== 0) shift = multiply(powers[i]!, shift);
  }
  return (multiply(shift, first) ^ second) >>> 0;
}
