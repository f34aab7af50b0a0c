// What an ONNX file says about itself: signature, files of weights beside it, loops. Enough to judge a model before a
// runtime sees it; whatever the bytes are, the answer is facts or one error.

import { ElementType, elementTypeName } from '../../abi/tensor-list.ts';
import { decodeUtf8 } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import type { TensorSpec } from '../signature.ts';
import { type ProtoField, protoFields } from './proto-fields.ts';

export interface ModelFacts {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Files of weights beside the model's own, as it names them. */
  readonly externalFiles: readonly string[];
  /** Why the model need not end; undefined where it always does. */
  readonly unbounded: string | undefined;
}

/** Steps that the loops of a model may take together, nested ones multiplied. */
export const loopStepsMax = 10_000_000;
const graphDepthMax = 32;

/** @throws EngineError `model-refused` */
export function readModel(bytes: Uint8Array): ModelFacts {
  const scan = new Scan();
  let graph: Uint8Array | undefined;
  for (const field of protoFields(bytes)) {
    if (field.number === 7) graph = field.bytes;
    else if (field.number === 25) scan.nodes(field.bytes, 7, { constants: new Map(), steps: 1, depth: 1 });
  }
  if (graph === undefined) throw refused('the file is no ONNX model: it has no graph');
  const { inputs, outputs } = scan.graph(graph, { constants: new Map(), steps: 1, depth: 1 });
  return { inputs, outputs, externalFiles: [...scan.externalFiles], unbounded: scan.unbounded };
}

interface Around {
  /** Values of scalar integers that never change, by name. */
  readonly constants: ReadonlyMap<string, bigint>;
  /** Steps of the loops around, multiplied. */
  readonly steps: number;
  readonly depth: number;
}

class Scan {
  readonly externalFiles: Set<string> = new Set();
  unbounded: string | undefined;

  graph(
    bytes: Uint8Array,
    around: Around,
  ): { readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] } {
    if (around.depth > graphDepthMax) throw refused(`its graphs are nested deeper than ${graphDepthMax}`);
    const fields = [...protoFields(bytes)];
    const constants = new Map(around.constants);
    const names = new Set<string>();
    const infos = (number: number): TensorSpec[] =>
      fields.filter((field) => field.number === number).map((field) => valueInfo(field.bytes));
    const allInputs = infos(11);
    const replaceable = new Set(allInputs.map(({ name }) => name));
    for (const name of replaceable) constants.delete(name);
    for (const { number, bytes: tensor } of fields) {
      if (number !== 5) continue;
      const { name, scalar } = this.#tensor(tensor);
      names.add(name);
      if (scalar !== undefined && !replaceable.has(name)) constants.set(name, scalar);
    }
    for (const { number, bytes: sparse } of fields) if (number === 15) this.#sparse(sparse);
    this.#nodes(fields, 1, { ...around, constants });
    return { inputs: allInputs.filter(({ name }) => !names.has(name)), outputs: infos(12) };
  }

  /** The nodes of a function, which lie in field `number`. */
  nodes(bytes: Uint8Array, number: number, around: Around): void {
    this.#nodes([...protoFields(bytes)], number, around);
  }

  #nodes(fields: readonly ProtoField[], number: number, around: Around): void {
    const constants = new Map(around.constants);
    for (const field of fields) {
      if (field.number === number) this.#node(field.bytes, { ...around, constants }, constants);
    }
  }

  #node(bytes: Uint8Array, around: Around, constants: Map<string, bigint>): void {
    const inputs: string[] = [];
    const outputs: string[] = [];
    const attributes: Uint8Array[] = [];
    let operator = '';
    for (const { number, bytes: content } of protoFields(bytes)) {
      if (number === 1) inputs.push(text(content));
      else if (number === 2) outputs.push(text(content));
      else if (number === 4) operator = text(content);
      else if (number === 5) attributes.push(content);
    }
    let { steps } = around;
    if (operator === 'Loop') {
      const bound = around.constants.get(inputs[0] ?? '');
      steps = bound === undefined ? Number.POSITIVE_INFINITY : steps * Number(bound < 0n ? 0n : bound);
      if (steps > loopStepsMax) this.unbounded ??= unboundedText(bound);
    }
    for (const attribute of attributes) {
      const constant = this.#attribute(attribute, { ...around, steps, depth: around.depth + 1 });
      if (operator === 'Constant' && constant !== undefined && outputs[0] !== undefined)
        constants.set(outputs[0], constant);
    }
  }

  /** Looks into tensors and graphs; answers the scalar integer that the attribute holds, if it does. */
  #attribute(bytes: Uint8Array, around: Around): bigint | undefined {
    let found: bigint | undefined;
    let name = '';
    for (const { number, value, bytes: content } of protoFields(bytes)) {
      if (number === 1) name = text(content);
      else if (number === 3 && name === 'value_int') found = value;
      else if (number === 5 || number === 10) found = this.#tensor(content).scalar ?? found;
      else if (number === 6 || number === 11) this.graph(content, around);
      else if (number === 22 || number === 23) this.#sparse(content);
    }
    return found;
  }

  #sparse(bytes: Uint8Array): void {
    for (const { number, bytes: tensor } of protoFields(bytes)) if (number <= 2) this.#tensor(tensor);
  }

  #tensor(bytes: Uint8Array): { readonly name: string; readonly scalar: bigint | undefined } {
    let name = '';
    let type = 0;
    let raw: Uint8Array | undefined;
    let scalar: bigint | undefined;
    let elements = 1n;
    for (const { number, value, bytes: content } of protoFields(bytes)) {
      if (number === 1) elements *= content.length > 0 ? packedProduct(content) : value;
      else if (number === 2) type = Number(value);
      else if (number === 5 || number === 7) scalar = content.length > 0 ? firstPacked(content) : value;
      else if (number === 8) name = text(content);
      else if (number === 9) raw = content;
      else if (number === 13) this.#external(content);
    }
    if (raw !== undefined && raw.length >= 8 && type === ElementType.int64) {
      scalar = new DataView(raw.buffer, raw.byteOffset).getBigInt64(0, true);
    }
    return { name, scalar: elements === 1n ? scalar : undefined };
  }

  #external(bytes: Uint8Array): void {
    let key = '';
    let value = '';
    for (const { number, bytes: content } of protoFields(bytes)) {
      if (number === 1) key = text(content);
      else if (number === 2) value = text(content);
    }
    if (key !== 'location') return;
    const parts = value.replace(/^\.\//, '');
    // A name and no path: files of a model lie in one folder, and nothing outside it is ever opened.
    if (parts === '' || parts === '.' || parts === '..' || /[\\/:\0]/.test(parts)) {
      throw refused(`it names weights in ${JSON.stringify(value)}, wanted a file of its own folder`);
    }
    this.externalFiles.add(parts);
  }
}

function unboundedText(bound: bigint | undefined): string {
  if (bound === undefined) return 'it has a "Loop" without a constant number of steps';
  return `its "Loop"s may take more than ${loopStepsMax} steps`;
}

function firstPacked(bytes: Uint8Array): bigint {
  for (const value of packed(bytes)) return value;
  return 0n;
}

function packedProduct(bytes: Uint8Array): bigint {
  let product = 1n;
  for (const value of packed(bytes)) product *= value;
  return product;
}

/** At most a few dimensions or one element are of interest. */
function* packed(bytes: Uint8Array): Generator<bigint> {
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes.subarray(0, 256)) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte >= 128) continue;
    yield BigInt.asIntN(64, value);
    [value, shift] = [0n, 0n];
  }
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
    if (typeof found === 'number' && (found < 0 || !Number.isSafeInteger(found))) found = null;
    dims.push(found);
  }
  return dims;
}

function text(bytes: Uint8Array): string {
  const found = decodeUtf8(bytes);
  if (found === undefined) throw refused('a name in it is not UTF-8');
  return found;
}

function refused(message: string): EngineError {
  return new EngineError('model-refused', message);
}
