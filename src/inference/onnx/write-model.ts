// Writes small ONNX models: for tests, examples and measurements. Knows the fields that these need, and no more.

import { concatBytes, encodeUtf8 } from '../../base/encoding.ts';

type Bytes = Uint8Array<ArrayBuffer>;

function varint(value: number | bigint): Bytes {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(left & 127n);
    left >>= 7n;
    bytes.push(left === 0n ? low : low | 128);
  } while (left !== 0n);
  return Uint8Array.from(bytes);
}

/** A field with a number. */
export function numberField(field: number, value: number | bigint): Bytes {
  return concatBytes([varint(field << 3), varint(value)]);
}

/** A field with a length. */
export function bytesField(field: number, value: Uint8Array | string): Bytes {
  const bytes = typeof value === 'string' ? encodeUtf8(value) : value;
  return concatBytes([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

/** `dims`: a text is a size with a name. */
export function valueInfo(name: string, type: number, dims: readonly (number | string)[]): Bytes {
  const shape = concatBytes(
    dims.map((dim) => bytesField(1, typeof dim === 'number' ? numberField(1, dim) : bytesField(2, dim))),
  );
  const tensor = concatBytes([numberField(1, type), bytesField(2, shape)]);
  return concatBytes([bytesField(1, name), bytesField(2, bytesField(1, tensor))]);
}

/** A tensor with its data, little-endian; or with the name of a file that holds them. */
export function tensorProto(
  name: string,
  type: number,
  dims: readonly number[],
  data: ArrayBufferView | { readonly file: string },
): Bytes {
  const head = [...dims.map((dim) => numberField(1, dim)), numberField(2, type), bytesField(8, name)];
  if (ArrayBuffer.isView(data)) {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return concatBytes([...head, bytesField(9, raw)]);
  }
  const entry = concatBytes([bytesField(1, 'location'), bytesField(2, data.file)]);
  return concatBytes([...head, bytesField(13, entry), numberField(14, 1)]);
}

export type Attribute =
  | { readonly ints: readonly number[] }
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly graph: Bytes }
  | { readonly tensor: Bytes };

function attributeProto(name: string, value: Attribute): Bytes {
  const head = bytesField(1, name);
  if ('ints' in value)
    return concatBytes([head, ...value.ints.map((item) => numberField(8, item)), numberField(20, 7)]);
  if ('int' in value) return concatBytes([head, numberField(3, value.int), numberField(20, 2)]);
  if ('text' in value) return concatBytes([head, bytesField(4, value.text), numberField(20, 3)]);
  if ('graph' in value) return concatBytes([head, bytesField(6, value.graph), numberField(20, 5)]);
  if ('tensor' in value) return concatBytes([head, bytesField(5, value.tensor), numberField(20, 4)]);
  const bits = new Uint8Array(new Float32Array([value.float]).buffer);
  return concatBytes([head, varint((2 << 3) | 5), bits, numberField(20, 1)]);
}

export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
): Bytes {
  return concatBytes([
    ...inputs.map((name) => bytesField(1, name)),
    ...outputs.map((name) => bytesField(2, name)),
    bytesField(4, operator),
    ...Object.entries(attributes).map(([name, value]) => bytesField(5, attributeProto(name, value))),
    ...(domain === '' ? [] : [bytesField(7, domain)]),
  ]);
}

export interface GraphParts {
  readonly nodes: readonly Bytes[];
  readonly inputs: readonly Bytes[];
  readonly outputs: readonly Bytes[];
  readonly initializers?: readonly Bytes[];
}

export function graphProto({ nodes, inputs, outputs, initializers = [] }: GraphParts): Bytes {
  return concatBytes([
    ...nodes.map((part) => bytesField(1, part)),
    bytesField(2, 'graph'),
    ...initializers.map((part) => bytesField(5, part)),
    ...inputs.map((part) => bytesField(11, part)),
    ...outputs.map((part) => bytesField(12, part)),
  ]);
}

/** A whole model file. `domains`: versions of operator sets beside that of ONNX itself. */
export function modelProto(
  graph: GraphParts,
  opset = 17,
  domains: Readonly<Record<string, number>> = {},
): Bytes {
  const sets = Object.entries({ '': opset, ...domains }).map(([domain, version]) =>
    bytesField(8, concatBytes([bytesField(1, domain), numberField(2, version)])),
  );
  return concatBytes([numberField(1, 8), bytesField(7, graphProto(graph)), ...sets]);
}

export interface FunctionParts {
  readonly domain: string;
  readonly name: string;
  readonly nodes: readonly Bytes[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A model file with functions of its own; `domains` of the model name theirs. */
export function withFunctions(model: Bytes, functions: readonly FunctionParts[], opset = 17): Bytes {
  const sets = { '': opset, ...Object.fromEntries(functions.map(({ domain }) => [domain, 1])) };
  const imports = Object.entries(sets).map(([domain, version]) =>
    bytesField(9, concatBytes([bytesField(1, domain), numberField(2, version)])),
  );
  const protos = functions.map(({ domain, name, nodes, inputs, outputs }) =>
    concatBytes([
      bytesField(1, name),
      ...inputs.map((input) => bytesField(4, input)),
      ...outputs.map((output) => bytesField(5, output)),
      ...nodes.map((part) => bytesField(7, part)),
      ...imports,
      bytesField(10, domain),
    ]),
  );
  return concatBytes([model, ...protos.map((part) => bytesField(25, part))]);
}
