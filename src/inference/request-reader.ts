// Requests as the tensors that a model takes. What is asked together is mostly of one shape: where a request begins as
// the one before did, it is not read again, and only its data are taken.

import {
  type Allocate,
  decodeTensorList,
  ElementType,
  type FlatTensor,
  InferenceStatus,
} from '../abi/tensor-list.ts';
import { copyWords, shortBytes, wordsOf } from '../base/words.ts';
import { rowsOf, shapeKey, type Tensors } from './batching.ts';
import { matchInputs, type Signature } from './signature.ts';

export type ReadRequest =
  | { readonly ok: true; readonly request: ModelRequest }
  | { readonly ok: false; readonly status: InferenceStatus; readonly problem: string };

/** A tensor but for its data, and where these stand in the bytes. */
interface Field extends Omit<FlatTensor, 'data'> {
  readonly at: number;
  readonly size: number;
}

/** What requests of one shape have in common. */
export interface RequestForm {
  /** In the order of the inputs. */
  readonly fields: readonly Field[];
  readonly rows: number;
  /** Requests with the same may run together. */
  readonly shape: string;
}

/** How the bytes of another request of a form must look. */
interface Likeness {
  readonly form: RequestForm;
  readonly size: number;
  /** What stands elsewhere than data, and where: from, up to. */
  readonly heads: readonly { readonly bytes: Uint8Array; readonly from: number; readonly end: number }[];
}

/** A request that a model takes. */
export class ModelRequest {
  readonly form: RequestForm;
  readonly bytes: Uint8Array;

  constructor(form: RequestForm, bytes: Uint8Array) {
    this.form = form;
    this.bytes = bytes;
  }

  /** In the order of the inputs. Data are views of the bytes. */
  get tensors(): Tensors {
    const tensors = new Map<string, FlatTensor>();
    for (const { at, size, ...tensor } of this.form.fields)
      tensors.set(tensor.name, { ...tensor, data: this.bytes.subarray(at, at + size) });
    return tensors;
  }
}

export class RequestReader {
  readonly #signature: Signature;
  #known: Likeness | undefined;

  constructor(signature: Signature) {
    this.#signature = signature;
  }

  /** Where the first data of a request like the last stand; 0 where nothing is known. */
  get firstDataAt(): number {
    return this.#known?.heads[0]?.end ?? 0;
  }

  /** Requests that are read one after another mostly have the same form, the very same object. */
  read(bytes: Uint8Array): ReadRequest {
    if (this.#known !== undefined && isLike(this.#known, bytes))
      return { ok: true, request: new ModelRequest(this.#known.form, bytes) };
    const list = decodeTensorList(bytes);
    if (!list.ok) {
      const problem = `Cannot read the tensors: ${list.problem}`;
      return { ok: false, status: InferenceStatus.badTensors, problem };
    }
    const matched = matchInputs(this.#signature, list.tensors);
    if (!matched.ok) {
      const problem = `Cannot run the model: ${matched.problem}`;
      return { ok: false, status: InferenceStatus.wrongInputs, problem };
    }
    const tensors = new Map(
      this.#signature.inputs.map(({ name }) => [name, { ...matched.tensors.get(name)!, name }] as const),
    );
    const fields = [...tensors.values()].map(({ data, ...tensor }) => {
      return { ...tensor, at: data.byteOffset - bytes.byteOffset, size: data.length };
    });
    const form = { fields, rows: rowsOf(tensors), shape: shapeKey(tensors) };
    this.#known = likenessOf(bytes, form);
    return { ok: true, request: new ModelRequest(form, bytes) };
  }
}

/** Undefined where the data decide, too, whether a model takes them. */
function likenessOf(bytes: Uint8Array, form: RequestForm): Likeness | undefined {
  const { fields } = form;
  const isDecided = fields.every(({ type }) => type !== ElementType.string && type !== ElementType.bool);
  if (fields.length === 0 || !isDecided) return undefined;
  let from = 0;
  const heads = fields
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, size }) => {
      // The memory of the bytes is used again.
      const head = { bytes: bytes.slice(from, at), from, end: at };
      from = at + size;
      return head;
    });
  return { form, size: bytes.length, heads };
}

function isLike({ size, heads }: Likeness, bytes: Uint8Array): boolean {
  if (size !== bytes.length) return false;
  for (const { bytes: known, from, end } of heads)
    for (let i = from; i < end; i++) if (known[i - from] !== bytes[i]) return false;
  return true;
}

/** The rows of requests of one form behind one another. */
export function joinAlike(
  { fields, rows }: RequestForm,
  requests: readonly ModelRequest[],
  allocate: Allocate,
): Tensors {
  const tensors = new Map<string, FlatTensor>();
  for (const { at, size, name, type, dims } of fields) {
    const data = allocate(size * requests.length);
    copyBehind(requests, at, size, data);
    tensors.set(name, { name, type, dims: [rows * requests.length, ...dims.slice(1)], data });
  }
  return tensors;
}

function copyBehind(requests: readonly ModelRequest[], at: number, size: number, to: Uint8Array): void {
  const isShort = size <= shortBytes && size % 4 === 0;
  let from = wordsOf(to);
  const target = from;
  requests.forEach(({ bytes }, i) => {
    const begin = bytes.byteOffset + at;
    if (!isShort || begin % 4 !== 0) {
      to.set(bytes.subarray(at, at + size), i * size);
      return;
    }
    if (from.buffer !== bytes.buffer) from = wordsOf(bytes);
    copyWords(from, begin / 4, target, (to.byteOffset + i * size) / 4, size / 4);
  });
}
