// What a model takes and gives, as its file says: names, types of elements, shapes. Whatever the bytes are, the answer
// is a signature or one error.

import { type ElementType, elementTypeName } from '../../abi/tensor-list.ts';
import type { Signature, TensorSpec } from '../signature.ts';
import { protoFields, protoParts } from './proto-fields.ts';
import { refused, text } from './refused.ts';

/**
 * Inputs and outputs of the graph of a model; among the inputs may be some that have a value of their own.
 * @throws EngineError `model-refused`
 */
export function readDoor(graph: Uint8Array): Signature {
  const inputs: TensorSpec[] = [];
  const outputs: TensorSpec[] = [];
  for (const { number, bytes } of protoParts(graph)) {
    if (number === 11) inputs.push(valueInfo(bytes));
    else if (number === 12) outputs.push(valueInfo(bytes));
  }
  return { inputs, outputs };
}

function valueInfo(bytes: Uint8Array): TensorSpec {
  let name = '';
  let spec: Omit<TensorSpec, 'name'> | undefined;
  for (const { number, bytes: content } of protoFields(bytes)) {
    if (number === 1) name = text(content);
    else if (number === 2) spec = typeProto(content);
  }
  if (spec === undefined) throw refused(`${JSON.stringify(name)} is no tensor`);
  return { name, ...spec };
}

function typeProto(bytes: Uint8Array): Omit<TensorSpec, 'name'> | undefined {
  for (const { number, bytes: content } of protoFields(bytes)) {
    if (number !== 1) continue;
    let type = 0;
    let dims: TensorSpec['dims'];
    for (const field of protoFields(content)) {
      if (field.number === 1) type = Number(field.value);
      else if (field.number === 2) dims = shape(field.bytes);
    }
    if (elementTypeName(type) === undefined) throw refused(`it uses element type ${type} at its door`);
    return { type: type as ElementType, dims };
  }
  return undefined;
}

function shape(bytes: Uint8Array): (number | string | null)[] {
  const dims: (number | string | null)[] = [];
  for (const { number, bytes: dim } of protoFields(bytes)) {
    if (number !== 1) continue;
    let found: number | string | null = null;
    for (const field of protoFields(dim)) {
      if (field.number === 1) found = Number(field.value);
      else if (field.number === 2) found = text(field.bytes);
    }
    const isFree = typeof found === 'string' ? !isName(found) : found !== null && !isSize(found);
    if (isFree) found = null;
    dims.push(found);
  }
  return dims;
}

function isSize(dim: number): boolean {
  return dim >= 0 && Number.isSafeInteger(dim);
}

/** Exporters write marks like "?" for sizes that they know nothing of, and not to say that these are the same. */
function isName(dim: string): boolean {
  return /[\p{L}_]/u.test(dim) && dim !== 'None';
}
