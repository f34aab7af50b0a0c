// What a model takes and gives, and whether given tensors are that. What is wrong with them is told to who gave them.

import { ElementType, elementTypeName, type FlatTensor } from '../abi/tensor-list.ts';

export interface TensorSpec {
  readonly name: string;
  readonly type: ElementType;
  /**
   * Sizes; a text is a size that is the same wherever it stands, null one that may be anything. undefined: any number
   * of dimensions.
   */
  readonly dims: readonly (number | string | null)[] | undefined;
}

export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** Tensors by the names of the inputs, or what is wrong with them. */
export type Matched =
  | { readonly ok: true; readonly tensors: ReadonlyMap<string, FlatTensor> }
  | { readonly ok: false; readonly problem: string };

/** Finds the tensor of each input: by its name, or, where a tensor has none, by its place. */
export function matchInputs({ inputs }: Signature, given: readonly FlatTensor[]): Matched {
  const fail = (problem: string): Matched => ({ ok: false, problem });
  const tensors = new Map<string, FlatTensor>();
  const sizes = new Map<string, number>();
  for (const [place, tensor] of given.entries()) {
    const spec =
      tensor.name === '' ? inputs[place] : inputs.find((candidate) => candidate.name === tensor.name);
    if (spec === undefined) {
      const what = tensor.name === '' ? `a tensor at place ${place}` : `"${tensor.name}"`;
      return fail(`found ${what}, wanted ${describeInputs(inputs)}`);
    }
    if (tensors.has(spec.name)) return fail(`input "${spec.name}" is there twice`);
    const problem = mismatch(spec, tensor, sizes);
    if (problem !== undefined) return fail(`input "${spec.name}": ${problem}`);
    tensors.set(spec.name, tensor);
  }
  for (const { name } of inputs) if (!tensors.has(name)) return fail(`input "${name}" is missing`);
  return { ok: true, tensors };
}

function describeInputs(inputs: readonly TensorSpec[]): string {
  return inputs.length === 0 ? 'no inputs' : inputs.map(({ name }) => `"${name}"`).join(', ');
}

function mismatch(spec: TensorSpec, tensor: FlatTensor, sizes: Map<string, number>): string | undefined {
  if (tensor.type !== spec.type)
    return `found ${elementTypeName(tensor.type)}, wanted ${elementTypeName(spec.type)}`;
  if (tensor.type === ElementType.bool && tensor.data.some((byte) => byte > 1))
    return 'found a bool that is neither 0 nor 1';
  if (spec.dims === undefined) return undefined;
  const { dims } = spec;
  const shapes = (): string => `found ${formatShape(tensor.dims)}, wanted ${formatShape(dims)}`;
  if (tensor.dims.length !== dims.length) return shapes();
  for (const [i, wanted] of dims.entries()) {
    const found = tensor.dims[i]!;
    if (typeof wanted === 'number' && wanted !== found) return shapes();
    if (typeof wanted !== 'string') continue;
    const bound = sizes.get(wanted) ?? found;
    if (bound !== found) return `${shapes()}, where "${wanted}" is ${bound}`;
    sizes.set(wanted, found);
  }
  return undefined;
}

export function formatShape(dims: readonly (number | string | null)[]): string {
  return `[${dims.map((dim) => dim ?? '?').join(', ')}]`;
}
