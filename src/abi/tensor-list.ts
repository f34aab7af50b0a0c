// Tensors as they cross between agents and models: one flat, little-endian form, described in `docs/formats/abi.md`.
// Whatever the bytes are, reading them ends in a list or in a text that says what is wrong.

import { concatBytes, decodeUtf8, encodeUtf8 } from '../base/encoding.ts';
import { copyWords, shortBytes, wordsOf } from '../base/words.ts';

/** Types of elements, by the numbers of ONNX. Those that no runtime takes are not there. */
export const ElementType = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  uint4: 21,
  int4: 22,
} as const;
export type ElementTypeName = keyof typeof ElementType;
export type ElementType = (typeof ElementType)[ElementTypeName];

const typeNames = new Map<number, ElementTypeName>(
  Object.entries(ElementType).map(([name, number]) => [number, name as ElementTypeName]),
);

/** The name of a type of elements; undefined where no runtime takes it. */
export function elementTypeName(type: number): ElementTypeName | undefined {
  return typeNames.get(type);
}

/** What became of a request. Numbers are part of the contract and are never reused. */
export const InferenceStatus = {
  ok: 0,
  /** The request's bytes are no list of tensors. */
  badTensors: 1,
  /** The tensors are not what the model takes. */
  wrongInputs: 2,
  /** The model was run, and failed. */
  modelFailed: 3,
  /** The results are larger than the model may give. */
  tooLarge: 4,
  /** The model did not answer within its time; never of a portable one. */
  timedOut: 5,
  /** The model cannot be run on this host; never of a portable one. */
  unavailable: 6,
} as const;
export type InferenceStatus = (typeof InferenceStatus)[keyof typeof InferenceStatus];

/** One tensor. Data is little-endian, in row-major order; of strings, each with its length (u32) before it. */
export interface FlatTensor {
  /** Empty: the input at the same place. */
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

const headBytes = 8;
const tensorHeadBytes = 16;
export const tensorsMax = 256;
export const rankMax = 16;
const elementsMax = 2 ** 31 - 1;
/** Of all tensors of a list together, with what is said of them: places in it have 31 bits. */
export const listBytesMax: number = 2 ** 31 - 2 ** 20;
/**
 * Of a tensor without elements, the product of its other dimensions. No bytes stand for them, and yet they are what an
 * operator may count to.
 */
const emptyProductMax = 2 ** 24;

const bitsOf: Readonly<Record<ElementType, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  8: 0,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  21: 4,
  22: 4,
};

/** Bytes of so many elements; 0 for strings, whose sizes differ. */
export function bytesOfElements(type: ElementType, count: number): number {
  return Math.ceil((count * bitsOf[type]) / 8);
}

export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** Why no tensor has these dimensions, if none has. */
export function dimsProblem(dims: readonly number[]): string | undefined {
  if (dims.length > rankMax) return `it has ${dims.length} dimensions, wanted at most ${rankMax}`;
  const besidesZero = elementCount(dims.filter((dim) => dim !== 0));
  const isEmpty = dims.includes(0);
  if (besidesZero <= (isEmpty ? emptyProductMax : elementsMax)) return undefined;
  if (!isEmpty) return `it has ${besidesZero} elements, wanted at most ${elementsMax}`;
  return `it has no elements, and ${besidesZero} without its dimensions of 0, wanted at most ${emptyProductMax}`;
}

function align8(value: number): number {
  return (value + 7) & ~7;
}

function tensorBytes({ dims, data }: FlatTensor, nameBytes: number): number {
  return align8(tensorHeadBytes + dims.length * 4 + nameBytes) + align8(data.length);
}

/** Memory for so many bytes; it begins at a multiple of 8, and may hold anything. */
export type Allocate = (size: number) => Uint8Array<ArrayBuffer>;

const newBytes: Allocate = (size) => new Uint8Array(size);

/** Zeroes up to the next multiple of 8, and answers that. */
function padded(bytes: Uint8Array, at: number): number {
  const end = align8(at);
  for (let i = at; i < end; i++) bytes[i] = 0;
  return end;
}

/** The bytes of a list: a request, or the answer of a model that ran. */
export function encodeTensorList(
  tensors: readonly FlatTensor[],
  allocate: Allocate = newBytes,
): Uint8Array<ArrayBuffer> {
  const names = tensors.map(({ name }) => encodeUtf8(name));
  const size = tensors.reduce((sum, tensor, i) => sum + tensorBytes(tensor, names[i]!.length), headBytes);
  const bytes = allocate(size);
  // Everything begins at a multiple of 8.
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, size / 4);
  words[0] = 0;
  words[1] = tensors.length;
  let at = headBytes;
  tensors.forEach(({ type, dims, data }, i) => {
    const name = names[i]!;
    const first = at >>> 2;
    words[first] = type;
    words[first + 1] = dims.length;
    words[first + 2] = name.length;
    words[first + 3] = data.length;
    for (let d = 0; d < dims.length; d++) words[first + 4 + d] = dims[d]!;
    const nameAt = at + tensorHeadBytes + dims.length * 4;
    bytes.set(name, nameAt);
    at = padded(bytes, nameAt + name.length);
    bytes.set(data, at);
    at = padded(bytes, at + data.length);
  });
  return bytes;
}

/**
 * Lists of so many rows each, cut one after another from tensors of `rows` rows; undefined where these do not have so
 * many. Their bytes are those that `encodeTensorList` gives of each, in one piece of memory.
 */
export function encodeRowLists(
  tensors: readonly FlatTensor[],
  rows: number,
  counts: readonly number[],
  allocate: Allocate,
): Uint8Array<ArrayBuffer>[] | undefined {
  const rowBytes = tensors.map(({ data }) => data.length / rows);
  const isCut = ({ type, dims }: FlatTensor, i: number): boolean =>
    type !== ElementType.string && dims[0] === rows && Number.isInteger(rowBytes[i]);
  if (!tensors.every(isCut)) return undefined;
  /** By the number of rows. */
  const forms = new Map<number, RowForm>();
  for (const count of counts) if (!forms.has(count)) forms.set(count, rowForm(tensors, rowBytes, count));
  const bytes = allocate(counts.reduce((sum, count) => sum + forms.get(count)!.size, 0));
  const words = wordsOf(bytes);
  const sources = tensors.map(({ data }) => wordsOf(data));
  let [at, row] = [0, 0];
  return counts.map((count) => {
    const { size, parts } = forms.get(count)!;
    const first = (bytes.byteOffset + at) / 4;
    words[first] = 0;
    words[first + 1] = tensors.length;
    parts.forEach(({ head, headAt, dataAt }, i) => {
      copyWords(head, 0, words, first + headAt / 4, head.length);
      const { data } = tensors[i]!;
      const [from, length] = [row * rowBytes[i]!, count * rowBytes[i]!];
      const begin = data.byteOffset + from;
      if (length <= shortBytes && length % 4 === 0 && begin % 4 === 0)
        copyWords(sources[i]!, begin / 4, words, first + dataAt / 4, length / 4);
      else bytes.set(data.subarray(from, from + length), at + dataAt);
      padded(bytes, at + dataAt + length);
    });
    row += count;
    at += size;
    return bytes.subarray(at - size, at);
  });
}

/** What a list of so many rows looks like, but for the data. */
interface RowForm {
  readonly size: number;
  /** By tensor: its words before the data, and where they and the data begin. */
  readonly parts: readonly { readonly head: Uint32Array; readonly headAt: number; readonly dataAt: number }[];
}

function rowForm(tensors: readonly FlatTensor[], rowBytes: readonly number[], count: number): RowForm {
  const list = tensors.map(({ name, type, dims }, i) => {
    const data = new Uint8Array(count * rowBytes[i]!);
    return { name, type, dims: [count, ...dims.slice(1)], data };
  });
  const words = new Uint32Array(encodeTensorList(list).buffer);
  let at = headBytes;
  const parts = list.map(({ name, dims, data }) => {
    const headAt = at;
    const dataAt = headAt + align8(tensorHeadBytes + dims.length * 4 + encodeUtf8(name).length);
    at = dataAt + align8(data.length);
    return { head: words.subarray(headAt / 4, dataAt / 4), headAt, dataAt };
  });
  return { size: at, parts };
}

/** The bytes of an answer that says why there is no result. */
export function encodeInferenceError(status: InferenceStatus, text: string): Uint8Array<ArrayBuffer> {
  const textBytes = encodeUtf8(text);
  const bytes = new Uint8Array(headBytes + align8(textBytes.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, status, true);
  view.setUint32(4, textBytes.length, true);
  bytes.set(textBytes, headBytes);
  return bytes;
}

export type TensorList =
  | { readonly ok: true; readonly tensors: readonly FlatTensor[] }
  | { readonly ok: false; readonly problem: string };

/** An answer: what a model gave, or why it gave nothing. */
export type InferenceAnswer =
  | { readonly status: 0; readonly tensors: readonly FlatTensor[] }
  | { readonly status: Exclude<InferenceStatus, 0>; readonly text: string };

/** What became of a request, by an answer of the engine's own making. */
export function inferenceStatus(answer: Uint8Array): InferenceStatus {
  // The numbers are small, and the first byte is the lowest.
  return answer[0] as InferenceStatus;
}

/** Reads an answer of the engine's own making; undefined where the bytes are none. */
export function decodeInferenceAnswer(bytes: Uint8Array): InferenceAnswer | undefined {
  if (bytes.length < headBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const status = view.getUint32(0, true);
  if (status === 0) {
    const list = decodeTensorList(bytes);
    return list.ok ? { status, tensors: list.tensors } : undefined;
  }
  const length = view.getUint32(4, true);
  const known = Object.values(InferenceStatus).some((value) => value === status);
  if (!known || headBytes + align8(length) !== bytes.length) return undefined;
  const text = decodeUtf8(bytes.subarray(headBytes, headBytes + length));
  return text === undefined ? undefined : { status: status as Exclude<InferenceStatus, 0>, text };
}

/** Reads a list. Data are views of `bytes`, at multiples of 8 from its beginning. */
export function decodeTensorList(bytes: Uint8Array): TensorList {
  try {
    return { ok: true, tensors: readList(bytes) };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, problem: error.message };
    throw error;
  }
}

class Malformed extends Error {}

function readList(bytes: Uint8Array): FlatTensor[] {
  if (bytes.length < headBytes) throw new Malformed(`found ${bytes.length} bytes, wanted at least 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const status = view.getUint32(0, true);
  if (status !== 0) throw new Malformed(`the first word is ${status}, wanted 0`);
  const count = view.getUint32(4, true);
  if (count > tensorsMax) throw new Malformed(`found ${count} tensors, wanted at most ${tensorsMax}`);
  const tensors: FlatTensor[] = [];
  let at = headBytes;
  for (let i = 0; i < count; i++) {
    const { tensor, end } = readTensor(bytes, view, at, i);
    tensors.push(tensor);
    at = end;
  }
  if (at !== bytes.length) throw new Malformed(`${bytes.length - at} bytes stand behind the last tensor`);
  return tensors;
}

function readTensor(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  index: number,
): { readonly tensor: FlatTensor; readonly end: number } {
  const fail = (what: string): never => {
    throw new Malformed(`tensor ${index}: ${what}`);
  };
  if (at + tensorHeadBytes > bytes.length) fail('its head is cut off');
  const type = view.getUint32(at, true);
  const rank = view.getUint32(at + 4, true);
  const nameBytes = view.getUint32(at + 8, true);
  const dataBytes = view.getUint32(at + 12, true);
  if (elementTypeName(type) === undefined) fail(`its type is ${type}, which is not one that models take`);
  // Before its dimensions are read: there may be billions.
  if (rank > rankMax) fail(`it has ${rank} dimensions, wanted at most ${rankMax}`);
  const head = tensorHeadBytes + rank * 4 + nameBytes;
  if (at + align8Safe(head) + align8Safe(dataBytes) > bytes.length) fail('it is cut off');
  const dims: number[] = [];
  for (let i = 0; i < rank; i++) dims.push(view.getUint32(at + tensorHeadBytes + i * 4, true));
  const problem = dimsProblem(dims);
  if (problem !== undefined) fail(problem);
  const elements = elementCount(dims);
  const nameAt = at + tensorHeadBytes + rank * 4;
  const name = decodeUtf8(bytes.subarray(nameAt, nameAt + nameBytes)) ?? fail('its name is not UTF-8');
  const dataAt = at + align8Safe(head);
  const data = bytes.subarray(dataAt, dataAt + dataBytes);
  if (type === ElementType.string) checkStrings(data, elements, fail);
  else {
    const wanted = bytesOfElements(type as ElementType, elements);
    if (dataBytes !== wanted) fail(`it has ${dataBytes} bytes of data, wanted ${wanted}`);
  }
  return { tensor: { name, type: type as ElementType, dims, data }, end: dataAt + align8Safe(dataBytes) };
}

/** Lengths from outside may use all 32 bits. */
function align8Safe(value: number): number {
  return Math.ceil(value / 8) * 8;
}

function checkStrings(data: Uint8Array, elements: number, fail: (what: string) => never): void {
  let count = 0;
  let at = 0;
  for (; at < data.length; count++) {
    const end = at + 4 > data.length ? Number.POSITIVE_INFINITY : at + 4 + lengthAt(data, at);
    if (end > data.length) fail('a string of it is cut off');
    const text = data.subarray(at + 4, end);
    if (decodeUtf8(text) === undefined) fail('a string of it is not UTF-8');
    // The runtimes would take what stands before it for the whole string.
    if (text.includes(0)) fail('a string of it has a NUL in it');
    at = end;
  }
  if (count !== elements) fail(`it holds ${count} strings, wanted ${elements}`);
}

function lengthAt(data: Uint8Array, at: number): number {
  return new DataView(data.buffer, data.byteOffset).getUint32(at, true);
}

/** The data of a tensor of strings. */
export function encodeStrings(values: readonly string[]): Uint8Array<ArrayBuffer> {
  return concatBytes(
    values.flatMap((value) => {
      const text = encodeUtf8(value);
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, text.length, true);
      return [length, text];
    }),
  );
}

/** The strings of a tensor that was read. */
export function decodeStrings(data: Uint8Array): string[] {
  const values: string[] = [];
  for (let at = 0; at < data.length; ) {
    const end = at + 4 + lengthAt(data, at);
    values.push(decodeUtf8(data.subarray(at + 4, end)) ?? '');
    at = end;
  }
  return values;
}
