// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, 2011): random words that are a function of a key and a counter, with no
// state between them. In 32-bit integer arithmetic only.

const [multiplier0, multiplier1] = [0xd2511f53, 0xcd9e8d57];
const [weyl0, weyl1] = [0x9e3779b9, 0xbb67ae85];

export type Words4 = readonly [number, number, number, number];

/** Four words of a counter under a key of two. */
export function philox(counter: Words4, key: readonly [number, number]): Words4 {
  let [a, b, c, d] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(multiplier0, a);
    const high1 = multiplyHigh(multiplier1, c);
    [a, b, c, d] = [
      (high1 ^ b ^ k0) >>> 0,
      Math.imul(multiplier1, c) >>> 0,
      (high0 ^ d ^ k1) >>> 0,
      Math.imul(multiplier0, a) >>> 0,
    ];
    k0 = (k0 + weyl0) >>> 0;
    k1 = (k1 + weyl1) >>> 0;
  }
  return [a, b, c, d];
}

/** The upper 32 bits of a product, in parts of 16. */
function multiplyHigh(x: number, y: number): number {
  const [x0, x1, y0, y1] = [x & 0xffff, x >>> 16, y & 0xffff, y >>> 16];
  const middle = x1 * y0 + ((x0 * y0) >>> 16);
  const carry = x0 * y1 + (middle & 0xffff);
  return (x1 * y1 + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/** A fraction from 0 up to, not including, 1: 53 bits of the first two words. */
export function fractionOf([a, b]: Words4): number {
  return ((a >>> 5) * 67108864 + (b >>> 6)) / 9007199254740992;
}
