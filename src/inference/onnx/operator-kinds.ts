// What is known of single operators that a signature does not tell, and trying a model may not show.

/**
 * Their results depend on random numbers of the runtime. These come from a clock, or, where the model gives a seed,
 * from how often the operator ran before: in either case not from what was asked alone.
 */
const random: ReadonlySet<string> = new Set([
  ':RandomNormal',
  ':RandomNormalLike',
  ':RandomUniform',
  ':RandomUniformLike',
  ':Multinomial',
  ':Bernoulli',
  'com.microsoft:Sampling',
]);

/** They scale all elements by the largest of all: what one row comes to depends on the others. */
const mixing: ReadonlySet<string> = new Set([
  ':DynamicQuantizeLinear',
  'com.microsoft:DynamicQuantizeMatMul',
  'com.microsoft:DynamicQuantizeLSTM',
]);

export function mixesRows(operator: string): boolean {
  return mixing.has(operator);
}

/** By operator, the input that makes it one in training, and only there. */
const trainingInputs: ReadonlyMap<string, number> = new Map([
  [':Dropout', 2],
  ['com.microsoft:BitmaskDropout', 2],
  ['com.microsoft:BiasDropout', 4],
  ['com.microsoft:BitmaskBiasDropout', 4],
]);

/** @param constants values of what never changes; a bool is 0 or 1 */
export function isRandom(
  operator: string,
  inputs: readonly string[],
  constants: ReadonlyMap<string, bigint>,
): boolean {
  if (random.has(operator)) return true;
  const place = trainingInputs.get(operator);
  const training = place === undefined ? '' : (inputs[place] ?? '');
  return training !== '' && constants.get(training) !== 0n;
}
