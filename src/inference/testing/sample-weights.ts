// Random weights for sample models, always the same ones, in both float types.

import { ElementType } from '../../abi/tensor-list.ts';
import { prngFromBytes, prngNext } from '../../base/prng.ts';
import { tensorProto } from '../onnx/write-model.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Bits of the half-precision number next to a value of a moderate size. */
export function halfBits(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
  let exponent = 0;
  while (size >= 2 ** (exponent + 1)) exponent++;
  while (size < 2 ** exponent) exponent--;
  return sign + ((exponent + 15) << 10) + Math.round((size / 2 ** exponent - 1) * 1024);
}

export class SampleWeights {
  readonly #state = prngFromBytes(Uint8Array.from({ length: 16 }, (_, i) => i * 17));
  readonly #type: 'float32' | 'float16';
  readonly all: Bytes[] = [];

  constructor(type: 'float32' | 'float16') {
    this.#type = type;
  }

  /** A tensor of numbers around 0; answers its name. */
  random(name: string, dims: readonly number[], size: number): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const values = Array.from({ length: count }, () => (prngNext(this.#state) / 2 ** 31 - 1) * size);
    return this.floats(name, dims, values);
  }

  floats(name: string, dims: readonly number[], values: readonly number[]): string {
    const data = this.#type === 'float32' ? Float32Array.from(values) : Uint16Array.from(values, halfBits);
    this.all.push(tensorProto(name, ElementType[this.#type], dims, data));
    return name;
  }

  /** Whole numbers, int64. */
  wholes(name: string, values: readonly number[], dims: readonly number[] = [values.length]): string {
    this.all.push(tensorProto(name, ElementType.int64, dims, BigInt64Array.from(values, BigInt)));
    return name;
  }
}
