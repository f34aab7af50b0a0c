// Tensors between the flat form and the runtimes. What a model gives is made the same everywhere: NaN has one pattern.

import {
  decodeStrings,
  dimsProblem,
  ElementType,
  type ElementTypeName,
  elementTypeName,
  encodeStrings,
  type FlatTensor,
} from '../abi/tensor-list.ts';
import { assert } from '../base/errors.ts';
import type { Tensor, TensorConstructor } from './runtime-types.ts';

export type Viewer = new (
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
) => ArrayBufferView & Iterable<number | bigint>;

/** How elements of each type are seen, and how many bytes one view element has. */
export const elementViewers: Readonly<Record<Exclude<ElementTypeName, 'string'>, readonly [Viewer, number]>> =
  {
    float32: [Float32Array, 4],
    uint8: [Uint8Array, 1],
    int8: [Int8Array, 1],
    uint16: [Uint16Array, 2],
    int16: [Int16Array, 2],
    int32: [Int32Array, 4],
    int64: [BigInt64Array, 8],
    bool: [Uint8Array, 1],
    float16: [Uint16Array, 2],
    float64: [Float64Array, 8],
    uint32: [Uint32Array, 4],
    uint64: [BigUint64Array, 8],
    uint4: [Uint8Array, 1],
    int4: [Uint8Array, 1],
  };

/** Numbers as their type has them; of halves of two and of four bits, the bits. */
export function elementsOf(type: ElementType, data: Uint8Array): (number | bigint)[] {
  const name = elementTypeName(type);
  assert(name !== undefined && name !== 'string', 'the elements are numbers');
  const [Viewer, bytes] = elementViewers[name];
  return [...new Viewer(data.slice().buffer, 0, data.length / bytes)];
}

/** A tensor of a runtime. It is a view of the data where that lies well; nobody may write it until the run is over. */
export function toRuntime(Tensor: TensorConstructor, { type, dims, data }: FlatTensor): Tensor {
  const name = elementTypeName(type);
  assert(name !== undefined, 'the tensors of a list have types that runtimes take');
  if (name === 'string') return new Tensor(name, decodeStrings(data), dims);
  const [Viewer, bytes] = elementViewers[name];
  const own = data.byteOffset % bytes === 0 ? data : data.slice();
  return new Tensor(name, new Viewer(own.buffer, own.byteOffset, own.length / bytes), dims);
}

/** What a runtime gave, in the flat form: a view of it, or a copy where a NaN in it had to be made the same. */
export function fromRuntime(name: string, tensor: Tensor): FlatTensor {
  const type = ElementType[tensor.type as ElementTypeName];
  assert(type !== undefined, `a runtime gives known types, found "${tensor.type}"`);
  const { data, dims } = tensor;
  // What no list can hold is a failure of the model: sizes there have 32 bits.
  const problem = dimsProblem(dims);
  if (problem !== undefined) throw new Error(`output "${name}": ${problem}`);
  if (type === ElementType.string)
    return { name, type, dims, data: encodeStrings(data as readonly string[]) };
  const view = data as ArrayBufferView;
  const bytes = new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
  return { name, type, dims, data: withOneNan(type, bytes) };
}

/** The same bytes, or a copy where a NaN in them had to be made the same. They begin at a multiple of an element. */
export function withOneNan(type: ElementType, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (!hasNan(type, bytes)) return bytes;
  const own = bytes.slice();
  canonicalNan(type, own);
  return own;
}

function hasNan(type: ElementType, { buffer, byteOffset, byteLength }: ArrayBufferView): boolean {
  switch (type) {
    case ElementType.float32:
      return hasNanAmong(new Float32Array(buffer, byteOffset, byteLength / 4));
    case ElementType.float64:
      return hasNanAmong(new Float64Array(buffer, byteOffset, byteLength / 8));
    case ElementType.float16: {
      const halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
      for (let i = 0; i < halves.length; i++) if ((halves[i]! & 0x7fff) > 0x7c00) return true;
      return false;
    }
    default:
      return false;
  }
}

/** A sum with a NaN in it is one. So may others be; only then is each looked at. */
function hasNanAmong(values: Float32Array | Float64Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const end = values.length - (values.length % 4);
  for (let i = 0; i < end; i += 4) {
    a += values[i]!;
    b += values[i + 1]!;
    c += values[i + 2]!;
    d += values[i + 3]!;
  }
  for (let i = end; i < values.length; i++) a += values[i]!;
  return Number.isNaN(a + b + c + d) && values.includes(Number.NaN);
}

/** Bytes that a tensor of a runtime takes; of strings, at least so many. */
export function runtimeBytes({ data }: Tensor): number {
  if (ArrayBuffer.isView(data)) return data.byteLength;
  return data.reduce((sum, text) => sum + 4 + text.length, 0);
}

/** Which bits a NaN has depends on the processor and on how the runtime was compiled: each becomes the quiet one. */
export function canonicalNan(type: ElementType, bytes: Uint8Array<ArrayBuffer>): void {
  if (type === ElementType.float32) {
    const words = new Uint32Array(bytes.buffer);
    for (let i = 0; i < words.length; i++) if ((words[i]! & 0x7fffffff) > 0x7f800000) words[i] = 0x7fc00000;
  } else if (type === ElementType.float16) {
    const words = new Uint16Array(bytes.buffer);
    for (let i = 0; i < words.length; i++) if ((words[i]! & 0x7fff) > 0x7c00) words[i] = 0x7e00;
  } else if (type === ElementType.float64) {
    const words = new Float64Array(bytes.buffer);
    const bits = new BigUint64Array(bytes.buffer);
    for (let i = 0; i < words.length; i++) if (Number.isNaN(words[i])) bits[i] = 0x7ff8000000000000n;
  }
}
