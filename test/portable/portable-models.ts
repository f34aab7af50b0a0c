// The digest of what portable models answer: of the example's, and of one with operators whose bits are easily lost.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ElementType } from '../../src/abi/tensor-list.ts';
import { sampleInputs } from '../../src/inference/batching.ts';
import { modelProto, node, tensorProto, valueInfo } from '../../src/inference/onnx/write-model.ts';
import { hashModelFolder } from '../../src/inference/repository.ts';
import { ModelSession } from '../../src/inference/session.ts';

const { float32 } = ElementType;
const root = join(import.meta.dirname, '..', '..');

function weights(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (((i + seed) * 7919) % 2003) / 1013 - 0.97);
}

/** Products, a convolution, sums, exponentials, a recurrence, and NaN. */
function mixed(): Uint8Array<ArrayBuffer> {
  const size = 48;
  return modelProto({
    nodes: [
      node('MatMul', ['x', 'w'], ['m']),
      node('Erf', ['m'], ['e']),
      node('Softmax', ['m'], ['s'], { axis: { int: 1 } }),
      node('Unsqueeze', ['e', 'axis'], ['signal']),
      node('Conv', ['signal', 'kernel'], ['c'], { pads: { ints: [1, 1] } }),
      node('Squeeze', ['c', 'axis'], ['q']),
      node('LayerNormalization', ['q', 'scale'], ['l'], { axis: { int: 1 } }),
      node('Unsqueeze', ['l', 'first'], ['sequence']),
      node('LSTM', ['sequence', 'lw', 'lr'], ['all', 'last'], { hidden_size: { int: 8 } }),
      node('Sqrt', ['m'], ['roots']),
      node('Pow', ['s', 'third'], ['p']),
    ],
    inputs: [valueInfo('x', float32, [3, size])],
    outputs: [
      valueInfo('l', float32, [3, size]),
      valueInfo('last', float32, [1, 3, 8]),
      valueInfo('roots', float32, [3, size]),
      valueInfo('p', float32, [3, size]),
    ],
    initializers: [
      tensorProto('w', float32, [size, size], weights(size * size, 1)),
      tensorProto('axis', ElementType.int64, [1], new BigInt64Array([1n])),
      tensorProto('first', ElementType.int64, [1], new BigInt64Array([0n])),
      tensorProto('kernel', float32, [1, 1, 3], weights(3, 2)),
      tensorProto('scale', float32, [size], weights(size, 3)),
      tensorProto('lw', float32, [1, 32, size], weights(32 * size, 4)),
      tensorProto('lr', float32, [1, 32, 8], weights(32 * 8, 5)),
      tensorProto('third', float32, [], Float32Array.of(1 / 3)),
    ],
  });
}

/** @param folder an empty place for what is made */
export async function modelsDigest(folder: string): Promise<string> {
  const made = join(folder, 'mixed');
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, 'model.onnx'), mixed());
  const hash = createHash('sha256');
  for (const place of [made, join(root, 'examples', 'anomaly', 'models', 'employment', '1')]) {
    const { sha256 } = hashModelFolder(place);
    // In this process: an emulated Node cannot start another one.
    const choice = { folder: place, sha256, mode: 'portable', provider: 'wasm', batchMax: 4 } as const;
    const session = await ModelSession.open(choice);
    hash.update(JSON.stringify(session.batching));
    for (let seed = 0; seed < 4; seed++) {
      const outputs = await session.runTensors(sampleInputs(session.signature, seed));
      for (const { name, dims, data } of outputs.values()) hash.update(name).update(dims.join()).update(data);
    }
    await session.release();
  }
  return hash.digest('hex');
}
