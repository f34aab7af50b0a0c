// Whether a model is a decoder in the form that exporters write, and its sizes: taken from its signature alone.

import { ElementType, type FlatTensor } from '../../abi/tensor-list.ts';
import { formatShape, type Signature, type TensorSpec } from '../signature.ts';

/** A tensor of the cache: it goes in as `past`, and comes out longer as `present`. */
export interface CacheTensor {
  readonly past: string;
  readonly present: string;
  readonly type: 'float32' | 'float16';
  /** Key and value heads, which may be fewer than those of the queries. */
  readonly heads: number;
  readonly headSize: number;
}

/**
 * An input of one element that newer and older exporters add: of how many positions there should be logits, or whether
 * there is a cache to go on with.
 */
export interface DecoderSetting {
  readonly name: string;
  readonly type: 'int64' | 'bool';
  readonly rank: 0 | 1;
}

export interface DecoderShape {
  readonly positions: boolean;
  readonly settings: readonly DecoderSetting[];
  readonly logits: 'float32' | 'float16';
  /** How many tokens it tells of, where its signature says so. */
  readonly vocabulary: number | undefined;
  readonly caches: readonly CacheTensor[];
}

export type ReadDecoderShape =
  | { readonly ok: true; readonly shape: DecoderShape }
  | { readonly ok: false; readonly problem: string };

const plainInputs = ['input_ids', 'attention_mask', 'position_ids'];
const settingTypes: ReadonlyMap<string, DecoderSetting['type']> = new Map([
  ['num_logits_to_keep', 'int64'],
  ['logits_to_keep', 'int64'],
  ['use_cache_branch', 'bool'],
]);

/** Whether it looks like a decoder at all. */
export function looksLikeDecoder({ inputs }: Signature): boolean {
  return inputs.some(({ name }) => name === 'input_ids') && inputs.some(({ name }) => isPast(name));
}

/** Reads the shape of a decoder, or says what it lacks. */
export function readDecoderShape({ inputs, outputs }: Signature): ReadDecoderShape {
  const fail = (problem: string): ReadDecoderShape => ({ ok: false, problem });
  for (const name of ['input_ids', 'attention_mask']) {
    const problem = tokensProblem(find(inputs, name), name);
    if (problem !== undefined) return fail(problem);
  }
  const positions = find(inputs, 'position_ids');
  const positionsProblem = positions && tokensProblem(positions, 'position_ids');
  if (positionsProblem !== undefined) return fail(positionsProblem);
  const logits = find(outputs, 'logits');
  const logitsType = logits && floatType(logits.type);
  if (logits === undefined || logitsType === undefined || logits.dims?.length !== 3)
    return fail('it has no output "logits" of three dimensions in float32 or float16');
  const caches: CacheTensor[] = [];
  const settings: DecoderSetting[] = [];
  for (const input of inputs) {
    if (plainInputs.includes(input.name)) continue;
    const settingType = settingTypes.get(input.name);
    if (settingType !== undefined) {
      const setting = settingOf(input, settingType);
      if (setting === undefined) return fail(`its input "${input.name}" is not one ${settingType}`);
      settings.push(setting);
      continue;
    }
    if (!isPast(input.name)) return fail(`it has an input "${input.name}", which nothing gives`);
    const cache = cacheOf(input, outputs);
    if (typeof cache === 'string') return fail(cache);
    caches.push(cache);
  }
  if (caches.length === 0)
    return fail('it has no inputs "past_key_values.N.key" and "past_key_values.N.value"');
  const last = logits.dims[2];
  const vocabulary = typeof last === 'number' ? last : undefined;
  const shape = { positions: positions !== undefined, settings, logits: logitsType, vocabulary, caches };
  return { ok: true, shape };
}

/** What the last of the tokens is followed by is all that is wanted. */
export function settingBytes({ type }: DecoderSetting, hasCache: boolean): Uint8Array<ArrayBuffer> {
  if (type === 'bool') return Uint8Array.of(hasCache ? 1 : 0);
  return new Uint8Array(BigInt64Array.of(1n).buffer);
}

/** Inputs of a made-up prompt, from which a text would begin. */
export function samplePrompt({ positions, settings, caches }: DecoderShape): ReadonlyMap<string, FlatTensor> {
  const length = 4;
  const whole = (name: string, value: (i: number) => number): FlatTensor => {
    const values = BigInt64Array.from({ length }, (_, i) => BigInt(value(i)));
    return { name, type: ElementType.int64, dims: [1, length], data: new Uint8Array(values.buffer) };
  };
  const tensors = [
    whole('input_ids', (i) => i),
    whole('attention_mask', () => 1),
    ...(positions ? [whole('position_ids', (i) => i)] : []),
    ...settings.map((setting): FlatTensor => {
      const { name, type, rank } = setting;
      return {
        name,
        type: ElementType[type],
        dims: rank === 0 ? [] : [1],
        data: settingBytes(setting, false),
      };
    }),
    ...caches.map(({ past, type, heads, headSize }): FlatTensor => {
      const dims = [1, heads, 0, headSize];
      return { name: past, type: ElementType[type], dims, data: new Uint8Array(0) };
    }),
  ];
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

function isPast(name: string): boolean {
  return /^past_key_values\.\d+\.(key|value)$/.test(name);
}

function find(specs: readonly TensorSpec[], wanted: string): TensorSpec | undefined {
  return specs.find(({ name }) => name === wanted);
}

function tokensProblem(spec: TensorSpec | undefined, name: string): string | undefined {
  if (spec === undefined) return `it has no input "${name}"`;
  if (spec.type === ElementType.int64 && spec.dims?.length === 2) return undefined;
  return `its input "${name}" is not int64 of two dimensions`;
}

function settingOf(
  { name, type, dims }: TensorSpec,
  wanted: DecoderSetting['type'],
): DecoderSetting | undefined {
  if (type !== ElementType[wanted] || dims === undefined || dims.length > 1) return undefined;
  const [size] = dims;
  if (typeof size === 'number' && size !== 1) return undefined;
  return { name, type: wanted, rank: dims.length === 0 ? 0 : 1 };
}

function floatType(type: number): 'float32' | 'float16' | undefined {
  if (type === ElementType.float32) return 'float32';
  return type === ElementType.float16 ? 'float16' : undefined;
}

/** A cache, or what is wrong with it. */
function cacheOf({ name, type, dims }: TensorSpec, outputs: readonly TensorSpec[]): CacheTensor | string {
  const present = name.replace('past_key_values', 'present');
  const output = find(outputs, present);
  const element = floatType(type);
  const [heads, headSize] = [dims?.[1], dims?.[3]];
  if (output === undefined) return `it has an input "${name}" and no output "${present}"`;
  if (element === undefined || output.type !== type)
    return `"${name}" and "${present}" are not of one float type`;
  if (dims?.length !== 4 || typeof heads !== 'number' || typeof headSize !== 'number')
    return `"${name}" has the shape ${formatShape(dims ?? [])}, wanted [batch, HEADS, past, SIZE]`;
  return { past: name, present, type: element, heads, headSize };
}
