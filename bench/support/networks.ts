// Models to be measured: products of matrices, of any size.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ElementType } from '../../src/abi/tensor-list.ts';
import type { HostedModel } from '../../src/inference/hosted-model.ts';
import { modelProto, node, tensorProto, valueInfo } from '../../src/inference/onnx/write-model.ts';
import { hashModelFolder } from '../../src/inference/repository.ts';
import type { Mode } from '../../src/inference/runtime.ts';

const { float32 } = ElementType;

/** `layers` products of `size` by `size`, each with weights of its own, and tanh. */
function network(size: number, layers: number): Uint8Array {
  const numbers = Array.from({ length: layers }, (_, i) => i);
  const weights = (layer: number): Float32Array =>
    Float32Array.from({ length: size * size }, (_, i) => (((i + layer) * 7919) % 2003) / (1013 * size));
  return modelProto({
    nodes: numbers.flatMap((i) => [
      node('MatMul', [i === 0 ? 'x' : `a${i}`, `w${i}`], [`m${i}`]),
      node('Tanh', [`m${i}`], [i === layers - 1 ? 'y' : `a${i + 1}`]),
    ]),
    inputs: [valueInfo('x', float32, ['n', size])],
    outputs: [valueInfo('y', float32, ['n', size])],
    initializers: numbers.map((i) => tensorProto(`w${i}`, float32, [size, size], weights(i))),
  });
}

/** A model of `[n, size]` to `[n, size]` in a folder of its own. */
export function placeNetwork(folder: string, mode: Mode, size: number, layers: number): HostedModel {
  mkdirSync(folder);
  writeFileSync(join(folder, 'model.onnx'), network(size, layers));
  const { sha256 } = hashModelFolder(folder);
  const shared = { folder, sha256, mode, outputBytesMax: 2 ** 24, batchMax: 64 };
  return { id: 'm', version: '1', ...shared };
}
