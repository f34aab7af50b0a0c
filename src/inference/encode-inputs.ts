// What a program gives a model, made into lists of tensors. Whatever it is, it becomes what it says, or one error that
// tells what was found and what was wanted; nothing is converted.

import {
  bytesOfElements,
  dimsProblem,
  ElementType,
  type ElementTypeName,
  elementCount,
  encodeStrings,
  encodeTensorList,
  type FlatTensor,
  listBytesMax,
} from '../abi/tensor-list.ts';
import { EngineError } from '../base/errors.ts';
import { elementViewers } from './host-tensor.ts';

/** @throws EngineError `input-invalid` */
export function encodeInputs(model: string, list: unknown): Uint8Array[] {
  if (!Array.isArray(list)) throw wrong(`inputs of model "${model}"`, kindOf(list), 'a list of inputs');
  return list.map((inputs: unknown) => {
    const what = `inputs of model "${model}"`;
    if (!isPlain(inputs)) throw wrong(what, kindOf(inputs), 'tensors by the names of inputs');
    const tensors = Object.entries(inputs).map(([name, tensor]) => encodeInput(name, tensor));
    checkSize(what, tensors);
    return encodeTensorList(tensors);
  });
}

/** Of a name and what is said of a tensor, more than the form takes. */
const headBytesMax = 128;

function checkSize(what: string, tensors: readonly FlatTensor[]): void {
  const bytes = tensors.reduce(
    (sum, { name, data }) => sum + data.length + name.length * 3 + headBytesMax,
    0,
  );
  if (bytes <= listBytesMax) return;
  const total = tensors.reduce((sum, { data }) => sum + data.length, 0);
  throw wrong(what, `tensors of ${total} bytes together`, `at most ${listBytesMax}`);
}

function encodeInput(name: string, tensor: unknown): FlatTensor {
  const what = `input ${JSON.stringify(name)}`;
  if (!isPlain(tensor)) throw wrong(what, kindOf(tensor), 'a tensor with type, dims and data');
  const { type, dims, data } = tensor;
  if (!isTypeName(type)) {
    const found = typeof type === 'string' ? `type ${JSON.stringify(type)}` : `${kindOf(type)} as its type`;
    throw wrong(what, found, Object.keys(ElementType).join(', '));
  }
  const sizes = checkedDims(what, dims);
  return { name, type: ElementType[type], dims: sizes, data: dataOf(what, type, sizes, data) };
}

function checkedDims(what: string, dims: unknown): readonly number[] {
  if (!Array.isArray(dims)) throw wrong(what, `${kindOf(dims)} as its dims`, 'a list of sizes');
  for (const dim of dims as unknown[]) {
    if (Number.isInteger(dim) && (dim as number) >= 0 && (dim as number) < 2 ** 32) continue;
    const found = typeof dim === 'number' ? String(dim) : kindOf(dim);
    throw wrong(what, `${found} among its dims`, 'whole numbers from 0 to 4294967295');
  }
  const problem = dimsProblem(dims as number[]);
  if (problem !== undefined) throw new EngineError('input-invalid', `Cannot take ${what}: ${problem}`);
  return dims as number[];
}

function dataOf(what: string, type: ElementTypeName, dims: readonly number[], data: unknown): Uint8Array {
  const count = elementCount(dims);
  if (type === 'string') {
    if (!Array.isArray(data))
      throw wrong(what, `${kindOf(data)} as data of type "string"`, 'a list of texts');
    const texts: unknown[] = data;
    for (const text of texts)
      if (typeof text !== 'string') throw wrong(what, `${kindOf(text)} in its data`, 'texts');
    checkCount(what, texts.length, count, 'texts', dims);
    for (const text of texts as string[]) checkText(what, text);
    return encodeStrings(texts as string[]);
  }
  const [Viewer] = elementViewers[type];
  // A view of another realm has another constructor, and the same name.
  const found = Object.prototype.toString.call(data).slice(8, -1);
  if (!ArrayBuffer.isView(data) || found !== Viewer.name)
    throw wrong(what, `${kindOf(data)} as data of type "${type}"`, Viewer.name);
  if ((data.buffer as ArrayBuffer).detached)
    throw wrong(what, 'data that were transferred away', 'a view of memory');
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  checkCount(what, bytes.length, bytesOfElements(ElementType[type], count), 'bytes', dims);
  return bytes;
}

function checkCount(
  what: string,
  found: number,
  wanted: number,
  unit: string,
  dims: readonly number[],
): void {
  if (found === wanted) return;
  throw wrong(what, `${found} ${unit} of data`, `${wanted} for dims ${JSON.stringify(dims)}`);
}

/** What UTF-8 or a runtime would change without a word. */
function checkText(what: string, text: string): void {
  if (!text.isWellFormed())
    throw wrong(what, 'a text with half a surrogate pair', 'texts of whole characters');
  if (text.includes('\0')) throw wrong(what, 'a text with a NUL', 'texts without');
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function isTypeName(value: unknown): value is ElementTypeName {
  return typeof value === 'string' && Object.hasOwn(ElementType, value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return name === 'Object' ? 'an object' : name;
}

function wrong(what: string, found: string, wanted: string): EngineError {
  return new EngineError('input-invalid', `Cannot take ${what}: found ${found}, wanted ${wanted}`);
}
