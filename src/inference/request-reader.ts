// Requests as the tensors that a model takes. What is asked together is mostly of one shape: where a request begins as
// the one before did, it is not read again, and only its data are taken.

import { decodeTensorList, ElementType, type FlatTensor, InferenceStatus } from '../abi/tensor-list.ts';
import type { Tensors } from './batching.ts';
import { matchInputs, type Signature } from './signature.ts';

export type ReadRequest =
  /** In the order of the inputs. */
  | { readonly ok: true; readonly tensors: Tensors }
  | { readonly ok: false; readonly status: InferenceStatus; readonly problem: string };

/** A request that was read, as far as others may be like it. */
interface Form {
  readonly bytes: Uint8Array;
  readonly tensors: Tensors;
  /** Where something other than data stands: from, up to. */
  readonly heads: readonly (readonly [number, number])[];
}

export class RequestReader {
  readonly #signature: Signature;
  #form: Form | undefined;

  constructor(signature: Signature) {
    this.#signature = signature;
  }

  /** Data are views of the bytes. Requests of one shape have the same lists of dimensions. */
  read(bytes: Uint8Array): ReadRequest {
    if (this.#form !== undefined && isLike(this.#form, bytes))
      return { ok: true, tensors: likeTensors(this.#form, bytes) };
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
      this.#signature.inputs.map(({ name }) => [name, matched.tensors.get(name)!] as const),
    );
    this.#form = formOf(bytes, tensors);
    return { ok: true, tensors };
  }
}

/** Undefined where the data decide, too, whether a model takes them. */
function formOf(bytes: Uint8Array, tensors: Tensors): Form | undefined {
  if (tensors.size === 0) return undefined;
  const heads: [number, number][] = [];
  let at = 0;
  const inOrder = [...tensors.values()].sort((a, b) => a.data.byteOffset - b.data.byteOffset);
  for (const { type, data } of inOrder) {
    if (type === ElementType.string || type === ElementType.bool) return undefined;
    const dataAt = data.byteOffset - bytes.byteOffset;
    heads.push([at, dataAt]);
    at = dataAt + data.length;
  }
  return { bytes, tensors, heads };
}

function isLike({ bytes: known, heads }: Form, bytes: Uint8Array): boolean {
  if (known.length !== bytes.length) return false;
  for (const [from, end] of heads) for (let i = from; i < end; i++) if (known[i] !== bytes[i]) return false;
  return true;
}

function likeTensors({ bytes: known, tensors }: Form, bytes: Uint8Array): Tensors {
  const like = new Map<string, FlatTensor>();
  for (const [key, { name, type, dims, data }] of tensors) {
    const from = data.byteOffset - known.byteOffset;
    like.set(key, { name, type, dims, data: bytes.subarray(from, from + data.length) });
  }
  return like;
}
