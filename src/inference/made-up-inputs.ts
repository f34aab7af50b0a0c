// Inputs that a model is tried with when nobody has asked it anything yet.

import { elementCount } from '../abi/tensor-list.ts';
import { sampleInputs, type Tensors } from './batching.ts';
import { looksLikeDecoder, readDecoderShape, samplePrompt } from './generate/decoder-shape.ts';
import type { Signature } from './signature.ts';

/** What is larger is not made up. */
const elementsMax = 2 ** 24;

/** A decoder takes only what belongs together. Undefined where they would be too large. */
export function madeUpInputs(signature: Signature): Tensors | undefined {
  const read = looksLikeDecoder(signature) ? readDecoderShape(signature) : undefined;
  if (read?.ok === true) return samplePrompt(read.shape);
  const elements = signature.inputs.reduce((sum, { dims }) => {
    const fixed = (dims ?? []).map((dim) => (typeof dim === 'number' ? dim : 1));
    return sum + elementCount(fixed);
  }, 0);
  return elements <= elementsMax ? sampleInputs(signature, 1) : undefined;
}
