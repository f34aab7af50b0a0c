// Running requests together, as far as that changes no bit of any answer. What a model allows is found out when it is
// loaded, by running it: the answer is the same wherever the same runtime runs it.

import {
  type Allocate,
  bytesOfElements,
  ElementType,
  elementCount,
  encodeStrings,
  type FlatTensor,
} from '../abi/tensor-list.ts';
import { bytesEqual } from '../base/encoding.ts';
import type { Signature, TensorSpec } from './signature.ts';
import { newBytes } from './wire.ts';

/**
 * single: one request at a time. any: the rows of several requests together. padded: the rows always fill up a batch of
 * one size, alone or together.
 */
export type Batching =
  | { readonly kind: 'single' }
  | { readonly kind: 'any'; readonly rowsMax: number }
  | { readonly kind: 'padded'; readonly rows: number };

/** Tensors by the names of inputs or outputs. */
export type Tensors = ReadonlyMap<string, FlatTensor>;
export type RunTensors = (inputs: Tensors) => Promise<Tensors>;

const single: Batching = { kind: 'single' };
/** Of rows that the test makes up; larger batches hold them several times. */
const rowsDistinct = 8;
/** Sizes that the test runs, up to the largest wanted. */
const sizesTested = [2, 3, 4, 5, 7, 8, 16, 32, 64, 128, 256, 512, 1024];
/** Of rows with wide free sizes, which cost more. */
const wideSizesTested = [2, 3, 8];
/** Free sizes of rows are 1, and then this: short sums have one order, long ones may have another in each batch. */
const wideSize = 19;
/** A row that would have more elements with wide sizes is not made up. */
const wideElementsMax = 2 ** 16;

/** Whether every input and output has rows: the same size, that of the batch, comes first in all. */
export function hasRows({ inputs, outputs }: Signature): boolean {
  const [first] = inputs;
  const rows = first?.dims?.[0];
  if (rows === undefined || typeof rows === 'number') return false;
  const isBatched = ({ dims, type }: TensorSpec): boolean =>
    dims !== undefined && dims.length > 0 && type !== ElementType.string && typeof dims[0] !== 'number';
  if (![...inputs, ...outputs].every(isBatched)) return false;
  return inputs.every(({ dims }) => dims![0] === rows);
}

/**
 * Runs rows alone and together, and compares every bit.
 * @param isOver whether it takes too long, so that rows run singly; left out, only what costs little is tried
 */
export async function findBatching(
  signature: Signature,
  rowsMax: number,
  runTensors: RunTensors,
  isOver?: () => boolean,
): Promise<Batching> {
  const run: RunTensors = (inputs) => {
    if (isOver?.() === true) throw new Error('it takes too long');
    return runTensors(inputs);
  };
  if (rowsMax < 2 || !hasRows(signature)) return single;
  try {
    const sizes = [rowsMax, ...sizesTested.filter((each) => each < rowsMax)];
    const count = Math.min(rowsMax, rowsDistinct);
    if (await isInvariant(await sampleRows(signature, count, run), sizes, run)) {
      const wide = await wideRows(signature, count, run);
      const wideSizes = wideSizesTested.filter((each) => each <= rowsMax);
      if (await isInvariant(wide, wideSizes, run)) return { kind: 'any', rowsMax };
    }
    if (!(await isInvariantPadded(signature, rowsMax, run))) return single;
    const isTried = isOver !== undefined && (await wideRows(signature, 1, run)).length > 0;
    if (isTried && !(await isInvariantPadded(signature, rowsMax, run, wideSize))) return single;
    return { kind: 'padded', rows: rowsMax };
  } catch {
    // It does not run on what was made up for it; nothing is known.
    return single;
  }
}

/**
 * Whether rows have the same answers in batches of these sizes as alone.
 * @param sizes the largest first: where that does not fit, nothing else needs to be tried
 */
async function isInvariant(
  rows: readonly SampleRow[],
  sizes: readonly number[],
  run: RunTensors,
): Promise<boolean> {
  if (rows.length === 0) return true;
  for (const size of sizes) {
    const batch = Array.from({ length: size }, (_, i) => rows[i % rows.length]!);
    const outputs = splitRows(await run(joinRows(batch.map(({ inputs }) => inputs))), size);
    if (outputs === undefined || batch.some(({ alone }, i) => !sameTensors(alone, outputs[i]!))) return false;
  }
  return true;
}

/** Whether a row has the same answer at each place of a full batch, whatever is beside it. */
async function isInvariantPadded(
  signature: Signature,
  rowsMax: number,
  run: RunTensors,
  freeSize = 1,
): Promise<boolean> {
  const rows = Array.from({ length: rowsMax }, (_, seed) => sampleInputs(signature, seed, freeSize));
  const batches = [rows, rows.toReversed(), rows.map((row, i) => (i === 0 ? row : rows[0]!))];
  const outputs: (Tensors[] | undefined)[] = [];
  for (const batch of batches) outputs.push(splitRows(await run(joinRows(batch)), rowsMax));
  const [straight, reversed, alike] = outputs;
  if (straight === undefined || reversed === undefined || alike === undefined) return false;
  const isSame = (i: number): boolean => sameTensors(straight[i]!, reversed[rowsMax - 1 - i]!);
  return rows.every((_, i) => isSame(i)) && alike.every((row) => sameTensors(row, straight[0]!));
}

interface SampleRow {
  readonly inputs: Tensors;
  readonly alone: Tensors;
}

/** None where there are no free sizes but the number of rows, or where the model takes none of this size. */
async function wideRows(signature: Signature, count: number, run: RunTensors): Promise<SampleRow[]> {
  const elementsOf = (freeSize: number): number =>
    signature.inputs.reduce((sum, { dims }) => {
      return sum + elementCount(sampleDims(signature, dims, freeSize));
    }, 0);
  const elements = elementsOf(wideSize);
  if (elements === elementsOf(1) || elements > wideElementsMax) return [];
  try {
    return await sampleRows(signature, count, run, wideSize);
  } catch {
    return [];
  }
}

function sampleDims({ inputs }: Signature, dims: TensorSpec['dims'], freeSize: number): number[] {
  const rows = inputs[0]?.dims?.[0];
  return (dims ?? [1]).map((dim, i) => {
    if (typeof dim === 'number') return dim;
    return i === 0 || (dim !== null && dim === rows) ? 1 : freeSize;
  });
}

async function sampleRows(
  signature: Signature,
  count: number,
  run: RunTensors,
  freeSize = 1,
): Promise<SampleRow[]> {
  const rows: SampleRow[] = [];
  for (let seed = 0; seed < count; seed++) {
    const inputs = sampleInputs(signature, seed, freeSize);
    rows.push({ inputs, alone: await run(inputs) });
  }
  return rows;
}

/**
 * Made-up inputs of one row: numbers of modest size that differ from row to row.
 * @param freeSize of what is free beside the number of rows
 */
export function sampleInputs(signature: Signature, seed: number, freeSize = 1): Tensors {
  return new Map(
    signature.inputs.map(({ name, type, dims }, place) => {
      const shape = sampleDims(signature, dims, freeSize);
      return [
        name,
        { name, type, dims: shape, data: sampleData(type, elementCount(shape), seed * 31 + place) },
      ];
    }),
  );
}

function sampleData(type: ElementType, count: number, seed: number): Uint8Array {
  // Fractions that no format holds exactly, so that another order of sums shows.
  const value = (i: number): number => (((i + 1) * (seed + 3) * 7919) % 2003) / 1013 - 0.97;
  // Whole numbers stay small, since they may be indices; rows have more and fewer of each.
  const bit = (i: number): number => mixed(i * 31_337 + seed) & 1;
  switch (type) {
    case ElementType.float32:
      return bytesOf(Float32Array.from({ length: count }, (_, i) => value(i)));
    case ElementType.float64:
      return bytesOf(Float64Array.from({ length: count }, (_, i) => value(i)));
    case ElementType.float16:
      // Halves between 1 and 2.
      return bytesOf(Uint16Array.from({ length: count }, (_, i) => 0x3c00 | ((i * 37 + seed * 11) & 0x3ff)));
    case ElementType.int64:
    case ElementType.uint64:
      return bytesOf(BigInt64Array.from({ length: count }, (_, i) => BigInt(bit(i))));
    case ElementType.string:
      return encodeStrings(Array.from({ length: count }, (_, i) => `sample ${i + seed}`));
    default: {
      const bytes = new Uint8Array(bytesOfElements(type, count));
      const width = Math.max(1, Math.floor(bytes.length / Math.max(count, 1)));
      for (let i = 0; i < bytes.length; i += width) bytes[i] = bit(i / width);
      return bytes;
    }
  }
}

/** Whatever is alike in numbers is not in these. */
function mixed(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  const twice = Math.imul(once ^ (once >>> 16), 0x45d9f3b);
  return (twice ^ (twice >>> 16)) >>> 0;
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

export function sameTensors(a: Tensors, b: Tensors): boolean {
  if (a.size !== b.size) return false;
  for (const [name, { type, dims, data }] of a) {
    const other = b.get(name);
    if (other === undefined || other.type !== type || other.dims.join() !== dims.join()) return false;
    if (!bytesEqual(data, other.data)) return false;
  }
  return true;
}

/** Puts the rows of several lists of one shape behind one another. */
export function joinRows(lists: readonly Tensors[], allocate: Allocate = newBytes): Tensors {
  const [first] = lists;
  return new Map(
    [...(first ?? [])].map(([name, { type, dims }]) => {
      const parts = lists.map((list) => list.get(name)!);
      const rows = parts.reduce((sum, part) => sum + part.dims[0]!, 0);
      return [name, { name, type, dims: [rows, ...dims.slice(1)], data: joined(parts, allocate) }];
    }),
  );
}

function joined(parts: readonly FlatTensor[], allocate: Allocate): Uint8Array {
  const size = parts.reduce((sum, { data }) => sum + data.length, 0);
  const bytes = allocate(size);
  let at = 0;
  for (const { data } of parts) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}

/** Cuts tensors into rows; undefined where they do not have so many. */
export function splitRows(tensors: Tensors, rows: number): Tensors[] | undefined {
  const lists: Map<string, FlatTensor>[] = Array.from({ length: rows }, () => new Map());
  for (const [name, { type, dims, data }] of tensors) {
    if (dims[0] !== rows) return undefined;
    const rowBytes = data.length / rows;
    if (!Number.isInteger(rowBytes)) return undefined;
    lists.forEach((list, row) => {
      const part = data.subarray(row * rowBytes, (row + 1) * rowBytes);
      list.set(name, { name, type, dims: [1, ...dims.slice(1)], data: part });
    });
  }
  return lists;
}

/** What of a request decides whether it may run together with another: everything but the number of its rows. */
export function shapeKey(tensors: Tensors): string {
  return [...tensors].map(([name, { dims }]) => `${name} ${dims.slice(1).join()}`).join('\n');
}

/** Of each of the tensors; 0 where they do not have the same number. */
export function rowsOf(tensors: Tensors): number {
  const [rows = 0, ...others] = [...tensors.values()].map(({ dims }) => dims[0] ?? 0);
  return others.every((other) => other === rows) ? rows : 0;
}

/** A request, as far as that decides what it runs with. */
export interface Rows {
  readonly rows: number;
  /** Of its shape, but for the number of rows. */
  readonly shape: string;
}

/**
 * Which requests run together, by their places: in order, each group of one shape and of as many rows as the model
 * allows.
 */
export function groupRequests(requests: readonly (Rows | undefined)[], batching: Batching): number[][] {
  const groups: number[][] = [];
  const open = new Map<string, { group: number[]; rows: number }>();
  const rowsMax = batching.kind === 'any' ? batching.rowsMax : batching.kind === 'padded' ? batching.rows : 0;
  requests.forEach((request, place) => {
    const rows = request?.rows ?? 0;
    if (request === undefined || rows < 1 || rows > rowsMax) {
      groups.push([place]);
      return;
    }
    const last = open.get(request.shape);
    if (last !== undefined && last.rows + rows <= rowsMax) {
      last.group.push(place);
      last.rows += rows;
      return;
    }
    const group = [place];
    groups.push(group);
    open.set(request.shape, { group, rows });
  });
  return groups;
}
