// e to the power of x by additions, multiplications and one division alone, since `Math.exp` may give other bits in
// another runtime. Never change a bit of it: the sampler's version covers it.

const log2e = Math.LOG2E;
/** ln 2 as the sum of two: products of the first with small whole numbers are exact. */
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;
/** Below, the result is 0. */
const smallest = -708;

/** 1/n! for n from 13 down to 0. */
const coefficients = [
  1 / 6227020800,
  1 / 479001600,
  1 / 39916800,
  1 / 3628800,
  1 / 362880,
  1 / 40320,
  1 / 5040,
  1 / 720,
  1 / 120,
  1 / 24,
  1 / 6,
  1 / 2,
  1,
  1,
];

/** Powers of two from -1022 to 0, each made by halving, which is exact. */
const powers: Float64Array = new Float64Array(1023);
powers[0] = 1;
for (let i = 1; i < powers.length; i++) powers[i] = powers[i - 1]! / 2;

/** For x of at most 0; 0 where x is below -708. The error is a few units in the last place. */
export function exponential(x: number): number {
  if (!(x >= smallest)) return 0;
  const halvings = Math.floor(0.5 - x * log2e);
  const rest = x + halvings * ln2High + halvings * ln2Low;
  let sum = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) sum = sum * rest + coefficients[i]!;
  return sum * powers[halvings]!;
}
