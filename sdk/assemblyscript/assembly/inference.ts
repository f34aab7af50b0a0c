// Models: what they are asked with, and what they answer. Lists of tensors have the form of the agent ABI.

import { keep } from "./codes";
import { encodeName, nameLength } from "./encoding";
import { EnvelopeOffset } from "./envelope";
import * as host from "./host";

/** Types of elements, by the numbers of ONNX. */
export enum ElementType {
  Float32 = 1,
  Uint8 = 2,
  Int8 = 3,
  Uint16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Float64 = 11,
  Uint32 = 12,
  Uint64 = 13,
  Uint4 = 21,
  Int4 = 22,
}

/** What became of a request. */
export enum AnswerStatus {
  /** The model ran. */
  Ok = 0,
  /** The request was no list of tensors. */
  BadTensors = 1,
  /** The tensors are not what the model takes. */
  WrongInputs = 2,
  ModelFailed = 3,
  /** The outputs are larger than the model may give. */
  TooLarge = 4,
  TimedOut = 5,
  Unavailable = 6,
}

const listHead: i32 = 8;
const tensorHead: i32 = 16;

function align8(value: i32): i32 {
  return (value + 7) & ~7;
}

/** One tensor: its elements as little-endian bytes, in row-major order. */
export class Tensor {
  /** @param name of the model's input; empty: the input at the same place */
  constructor(
    readonly name: string,
    readonly type: ElementType,
    readonly dims: i32[],
    readonly data: ArrayBuffer,
  ) {}

  static float32(name: string, dims: i32[], values: f32[]): Tensor {
    return new Tensor(name, ElementType.Float32, dims, copyOf<f32>(values));
  }

  static float64(name: string, dims: i32[], values: f64[]): Tensor {
    return new Tensor(name, ElementType.Float64, dims, copyOf<f64>(values));
  }

  static int32(name: string, dims: i32[], values: i32[]): Tensor {
    return new Tensor(name, ElementType.Int32, dims, copyOf<i32>(values));
  }

  static int64(name: string, dims: i32[], values: i64[]): Tensor {
    return new Tensor(name, ElementType.Int64, dims, copyOf<i64>(values));
  }

  /** Texts, each with its length before it. */
  static strings(name: string, dims: i32[], values: string[]): Tensor {
    let size = 0;
    for (let i = 0; i < values.length; i++) size += 4 + String.UTF8.byteLength(values[i]);
    const data = new ArrayBuffer(size);
    let at = changetype<usize>(data);
    for (let i = 0; i < values.length; i++) {
      const text = values[i];
      const length = <i32>(
        String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at + 4, false, String.UTF8.ErrorMode.REPLACE)
      );
      store<i32>(at, length);
      at += 4 + length;
    }
    return new Tensor(name, ElementType.String, dims, data);
  }

  /** How many elements the dimensions make. */
  get length(): i32 {
    let count = 1;
    for (let i = 0; i < this.dims.length; i++) count *= this.dims[i];
    return count;
  }

  /** The elements, where `T` has their size: `tensor.values<f32>()`. */
  values<T>(): T[] {
    const count = this.data.byteLength / sizeof<T>();
    const values = new Array<T>(<i32>count);
    memory.copy(values.dataStart, changetype<usize>(this.data), count * sizeof<T>());
    return values;
  }

  texts(): string[] {
    const values: string[] = [];
    let at = changetype<usize>(this.data);
    const end = at + this.data.byteLength;
    while (at < end) {
      const length = load<i32>(at);
      values.push(String.UTF8.decodeUnsafe(at + 4, length));
      at += 4 + length;
    }
    return values;
  }
}

function copyOf<T>(values: T[]): ArrayBuffer {
  const size = <usize>values.length * sizeof<T>();
  const data = new ArrayBuffer(<i32>size);
  memory.copy(changetype<usize>(data), values.dataStart, size);
  return data;
}

@lazy let request: ArrayBuffer = new ArrayBuffer(0);

/**
 * Asks a model of the system file; `onAnswer` gets what it says. Answers the number of the request, or a negative
 * `HostCode`. `tag` comes back with the answer.
 */
export function infer(model: string, tensors: Tensor[], tag: i32 = 0): i32 {
  let size = listHead;
  for (let i = 0; i < tensors.length; i++) {
    const tensor = tensors[i];
    size += align8(tensorHead + tensor.dims.length * 4 + String.UTF8.byteLength(tensor.name));
    size += align8(tensor.data.byteLength);
  }
  if (request.byteLength < size) request = new ArrayBuffer(size);
  const start = changetype<usize>(request);
  memory.fill(start, 0, size);
  store<i32>(start, tensors.length, 4);
  let at = start + listHead;
  for (let i = 0; i < tensors.length; i++) at = writeTensor(at, tensors[i]);
  const name = encodeName(model);
  return keep(host.infer(name, nameLength, start, size, tag));
}

function writeTensor(at: usize, tensor: Tensor): usize {
  const rank = tensor.dims.length;
  const nameAt = at + tensorHead + rank * 4;
  const nameBytes = <i32>(
    String.UTF8.encodeUnsafe(
      changetype<usize>(tensor.name),
      tensor.name.length,
      nameAt,
      false,
      String.UTF8.ErrorMode.REPLACE,
    )
  );
  store<i32>(at, tensor.type, 0);
  store<i32>(at, rank, 4);
  store<i32>(at, nameBytes, 8);
  store<i32>(at, tensor.data.byteLength, 12);
  for (let i = 0; i < rank; i++) store<i32>(at + i * 4, tensor.dims[i], tensorHead);
  const dataAt = at + align8(tensorHead + rank * 4 + nameBytes);
  memory.copy(dataAt, changetype<usize>(tensor.data), tensor.data.byteLength);
  return dataAt + align8(tensor.data.byteLength);
}

/** What became of a request, as it came. */
export class ModelMessage {
  /** What `infer` or `generate` answered. */
  readonly request: i32;
  /** What it was given. */
  readonly tag: i32;
  protected readonly payload: ArrayBuffer;

  constructor(envelope: usize) {
    this.request = load<i32>(envelope, EnvelopeOffset.detail);
    this.tag = load<i32>(envelope, EnvelopeOffset.tag);
    const length = load<i32>(envelope, EnvelopeOffset.payloadLength);
    const copy = new ArrayBuffer(length);
    memory.copy(changetype<usize>(copy), load<u32>(envelope, EnvelopeOffset.payloadPointer), length);
    this.payload = copy;
  }

  get status(): AnswerStatus {
    return load<i32>(changetype<usize>(this.payload));
  }

  /** Why there is nothing, where the status is not `Ok`. */
  protected problem(): string {
    const start = changetype<usize>(this.payload);
    return String.UTF8.decodeUnsafe(start + listHead, load<i32>(start, 4));
  }
}

/** What a model answered. */
export class Answer extends ModelMessage {
  /** Why there is no result; empty where there is one. */
  get text(): string {
    return this.status == AnswerStatus.Ok ? "" : this.problem();
  }

  /** The outputs of the model, in its order; none where there is no result. */
  tensors(): Tensor[] {
    const tensors: Tensor[] = [];
    if (this.status != AnswerStatus.Ok) return tensors;
    const start = changetype<usize>(this.payload);
    let at = start + listHead;
    for (let left = load<i32>(start, 4); left > 0; left--) {
      const rank = load<i32>(at, 4);
      const nameBytes = load<i32>(at, 8);
      const dataBytes = load<i32>(at, 12);
      const dims = new Array<i32>(rank);
      for (let i = 0; i < rank; i++) dims[i] = load<i32>(at + i * 4, tensorHead);
      const name = String.UTF8.decodeUnsafe(at + tensorHead + rank * 4, nameBytes);
      const dataAt = at + align8(tensorHead + rank * 4 + nameBytes);
      const data = new ArrayBuffer(dataBytes);
      memory.copy(changetype<usize>(data), dataAt, dataBytes);
      tensors.push(new Tensor(name, load<i32>(at), dims, data));
      at = dataAt + align8(dataBytes);
    }
    return tensors;
  }

  /** The output of this name; the task fails where there is none. */
  tensor(name: string): Tensor {
    const tensors = this.tensors();
    for (let i = 0; i < tensors.length; i++) if (tensors[i].name == name) return tensors[i];
    throw new Error("No such output: " + name);
  }
}
