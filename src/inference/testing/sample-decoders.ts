// Small decoders with random weights, in the two forms in which decoders are published: of plain operators, as Optimum
// exports a Qwen, and of fused ones in half precision, as the builder of onnxruntime-genai writes a Llama. Names, types
// and free sizes are theirs.

import { ElementType } from '../../abi/tensor-list.ts';
import { type Attribute, modelProto, node, valueInfo } from '../onnx/write-model.ts';
import { endOfText, tokenizerFiles, turnEnd, vocabularySize } from './sample-tokenizer.ts';
import { SampleWeights } from './sample-weights.ts';

type Bytes = Uint8Array<ArrayBuffer>;
export type Files = Readonly<Record<string, Bytes | string>>;

export interface DecoderSizes {
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values. */
  readonly groups: number;
  readonly headSize: number;
  readonly inner: number;
  readonly vocabulary: number;
}

const usual: DecoderSizes = {
  layers: 2,
  heads: 4,
  groups: 2,
  headSize: 16,
  inner: 96,
  vocabulary: vocabularySize,
};
const tokensMax = 512;
const epsilon = 1e-6;

/** Collects nodes; every call answers the name of what the node gives. */
class Graph {
  readonly nodes: Bytes[] = [];
  readonly weights: SampleWeights;
  #count = 0;

  constructor(type: 'float32' | 'float16') {
    this.weights = new SampleWeights(type);
  }

  op(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = `v${++this.#count}`,
  ): string {
    this.nodes.push(node(operator, inputs, [output], attributes));
    return output;
  }

  fused(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): void {
    this.nodes.push(node(operator, inputs, outputs, attributes, 'com.microsoft'));
  }

  linear(name: string, from: string, rows: number, columns: number): string {
    const weight = this.weights.random(`${name}.weight`, [rows, columns], 2 / Math.sqrt(rows));
    return this.op('MatMul', [from, weight]);
  }

  reshape(from: string, ...dims: readonly number[]): string {
    return this.op('Reshape', [from, this.weights.wholes(`shape${++this.#count}`, dims)]);
  }

  unsqueeze(from: string, ...axes: readonly number[]): string {
    return this.op('Unsqueeze', [from, this.weights.wholes(`axes${++this.#count}`, axes)]);
  }
}

/** The door of a decoder: what goes in and comes out. */
function wholeModel(
  graph: Graph,
  sizes: DecoderSizes,
  types: { readonly logits: number; readonly cache: number },
  withPositions: boolean,
  settings: readonly Bytes[] = [],
): Bytes {
  const { layers, groups, headSize, vocabulary } = sizes;
  const { int64 } = ElementType;
  const cache = (prefix: string, length: string): Bytes[] =>
    Array.from({ length: layers }, (_, layer) => layer).flatMap((layer) =>
      ['key', 'value'].map((what) =>
        valueInfo(`${prefix}.${layer}.${what}`, types.cache, ['batch_size', groups, length, headSize]),
      ),
    );
  return modelProto(
    {
      nodes: graph.nodes,
      inputs: [
        valueInfo('input_ids', int64, ['batch_size', 'sequence_length']),
        valueInfo('attention_mask', int64, ['batch_size', 'total_sequence_length']),
        ...(withPositions ? [valueInfo('position_ids', int64, ['batch_size', 'sequence_length'])] : []),
        ...settings,
        ...cache('past_key_values', 'past_sequence_length'),
      ],
      outputs: [
        valueInfo('logits', types.logits, ['batch_size', 'sequence_length', vocabulary]),
        ...cache('present', 'total_sequence_length'),
      ],
      initializers: graph.weights.all,
    },
    17,
    { 'com.microsoft': 1 },
  );
}

function siluProduct(graph: Graph, name: string, from: string, hidden: number, inner: number): string {
  const gate = graph.linear(`${name}.gate_proj`, from, hidden, inner);
  const up = graph.linear(`${name}.up_proj`, from, hidden, inner);
  const silu = graph.op('Mul', [gate, graph.op('Sigmoid', [gate])]);
  return graph.linear(`${name}.down_proj`, graph.op('Mul', [silu, up]), inner, hidden);
}

/**
 * Of plain operators; the cache in half precision, if wanted. Its embedding is its head, too.
 * @param withSettings it is told of how many positions logits are wanted, and whether there is a cache; without, it says
 *   something else
 */
export function qwenModel(
  cacheType: 'float32' | 'float16' = 'float16',
  sizes: DecoderSizes = usual,
  withSettings = false,
): Bytes {
  const { layers, heads, headSize, inner, vocabulary } = sizes;
  const hidden = heads * headSize;
  const graph = new Graph('float32');
  const { weights } = graph;
  const embedding = weights.random('model.embed_tokens.weight', [vocabulary, hidden], 1);
  weights.floats('epsilon', [], [epsilon]);
  weights.floats('two', [], [2]);
  const rotation = rotate(graph, headSize);
  const mask = causalMask(graph);
  let x = graph.op('Gather', [embedding, 'input_ids']);
  for (let layer = 0; layer < layers; layer++) {
    const name = `model.layers.${layer}`;
    const normed = plainNorm(graph, `${name}.input_layernorm`, x, hidden);
    x = graph.op('Add', [x, plainAttention(graph, layer, normed, sizes, cacheType, rotation, mask)]);
    const after = plainNorm(graph, `${name}.post_attention_layernorm`, x, hidden);
    x = graph.op('Add', [x, siluProduct(graph, `${name}.mlp`, after, hidden, inner)]);
  }
  const last = plainNorm(graph, 'model.norm', withSettings ? lastPositions(graph, x) : x, hidden);
  const head = graph.op('Transpose', [embedding], { perm: { ints: [1, 0] } });
  const logits = graph.op('MatMul', [last, head], {}, withSettings ? 'right' : 'logits');
  if (withSettings) graph.op('Mul', [logits, whereTold(graph)], {}, 'logits');
  const settings = [
    valueInfo('num_logits_to_keep', ElementType.int64, []),
    valueInfo('use_cache_branch', ElementType.bool, [1]),
  ];
  const types = { logits: ElementType.float32, cache: ElementType[cacheType] };
  return wholeModel(graph, sizes, types, true, withSettings ? settings : []);
}

/** Those behind so many as are not to be kept. */
function lastPositions(graph: Graph, from: string): string {
  const { weights } = graph;
  const start = graph.unsqueeze(graph.op('Neg', ['num_logits_to_keep']), 0);
  const end = weights.wholes('keep.end', [2 ** 31]);
  return graph.op('Slice', [from, start, end, weights.wholes('keep.axis', [1])]);
}

/** 1 where it was told rightly whether there is a cache, else 0. */
function whereTold(graph: Graph): string {
  const { weights } = graph;
  const length = graph.op('Gather', [
    graph.op('Shape', ['past_key_values.0.key']),
    weights.wholes('past.axis', [2]),
  ]);
  const hasCache = graph.op('Greater', [length, weights.wholes('past.none', [0])]);
  const isTold = graph.op('Equal', [hasCache, 'use_cache_branch']);
  return graph.op('Cast', [isTold], { to: { int: ElementType.float32 } });
}

function plainNorm(graph: Graph, name: string, from: string, size: number): string {
  const weight = graph.weights.random(`${name}.weight`, [size], 1);
  const square = graph.op('Pow', [from, 'two']);
  const mean = graph.op('ReduceMean', [square], { axes: { ints: [-1] } });
  const root = graph.op('Sqrt', [graph.op('Add', [mean, 'epsilon'])]);
  return graph.op('Mul', [graph.op('Div', [from, root]), weight]);
}

/** Cosines and sines by position, [batch, 1, sequence, head size]. */
function rotate(graph: Graph, headSize: number): readonly [string, string] {
  const half = headSize / 2;
  const frequencies = Array.from({ length: half }, (_, i) => 10_000 ** (-i / half));
  graph.weights.floats('inv_freq', [1, half], frequencies);
  const positions = graph.op('Cast', [graph.unsqueeze('position_ids', 2)], {
    to: { int: ElementType.float32 },
  });
  const angles = graph.op('MatMul', [positions, 'inv_freq']);
  const both = graph.op('Concat', [angles, angles], { axis: { int: -1 } });
  return [graph.unsqueeze(graph.op('Cos', [both]), 1), graph.unsqueeze(graph.op('Sin', [both]), 1)];
}

/** Which keys each token sees: those up to its own position that the attention mask has. */
function causalMask(graph: Graph): string {
  const { weights } = graph;
  const total = graph.op('Gather', [graph.op('Shape', ['attention_mask']), weights.wholes('one', [1], [])]);
  const keys = graph.op('Range', [weights.wholes('zero', [0], []), total, 'one']);
  const seen = graph.op('LessOrEqual', [
    graph.unsqueeze(keys, 0, 1, 2),
    graph.unsqueeze('position_ids', 1, 3),
  ]);
  const there = graph.op('Cast', ['attention_mask'], { to: { int: ElementType.bool } });
  return graph.op('And', [seen, graph.unsqueeze(there, 1, 2)]);
}

function plainAttention(
  graph: Graph,
  layer: number,
  from: string,
  { heads, groups, headSize }: DecoderSizes,
  cacheType: 'float32' | 'float16',
  [cos, sin]: readonly [string, string],
  mask: string,
): string {
  const { weights } = graph;
  const name = `model.layers.${layer}.self_attn`;
  const hidden = heads * headSize;
  const perm = { perm: { ints: [0, 2, 1, 3] } };
  const project = (what: string, count: number): string => {
    const flat = graph.linear(`${name}.${what}_proj`, from, hidden, count * headSize);
    const bias = weights.random(`${name}.${what}_proj.bias`, [count * headSize], 0.5);
    return graph.op('Transpose', [graph.reshape(graph.op('Add', [flat, bias]), 0, 0, count, headSize)], perm);
  };
  const turn = (at: string): string => {
    const part = (start: number, end: number): string => {
      const [from_, to] = [`${at}.from${start}`, `${at}.to${end}`];
      return graph.op('Slice', [at, weights.wholes(from_, [start]), weights.wholes(to, [end]), 'last']);
    };
    const [first, second] = [part(0, headSize / 2), part(headSize / 2, headSize)];
    const turned = graph.op('Concat', [graph.op('Neg', [second]), first], { axis: { int: -1 } });
    return graph.op('Add', [graph.op('Mul', [at, cos]), graph.op('Mul', [turned, sin])]);
  };
  if (layer === 0) {
    weights.wholes('last', [3]);
    weights.wholes('copies', [1, 1, heads / groups, 1, 1]);
    weights.floats('scale', [], [1 / Math.sqrt(headSize)]);
    weights.floats('never', [], [-1e9]);
  }
  const kept = (what: string, value: string): string => {
    const own =
      cacheType === 'float32' ? value : graph.op('Cast', [value], { to: { int: ElementType.float16 } });
    const past = `past_key_values.${layer}.${what}`;
    const all = graph.op('Concat', [past, own], { axis: { int: 2 } }, `present.${layer}.${what}`);
    const wide =
      cacheType === 'float32' ? all : graph.op('Cast', [all], { to: { int: ElementType.float32 } });
    const repeated = graph.op('Expand', [graph.unsqueeze(wide, 2), 'copies']);
    return graph.reshape(repeated, 0, heads, -1, headSize);
  };
  const query = turn(project('q', heads));
  const keys = kept('key', turn(project('k', groups)));
  const values = kept('value', project('v', groups));
  const across = graph.op('Transpose', [keys], { perm: { ints: [0, 1, 3, 2] } });
  const scores = graph.op('Mul', [graph.op('MatMul', [query, across]), 'scale']);
  const shares = graph.op('Softmax', [graph.op('Where', [mask, scores, 'never'])], { axis: { int: -1 } });
  const mixed = graph.op('Transpose', [graph.op('MatMul', [shares, values])], perm);
  return graph.linear(`${name}.o_proj`, graph.reshape(mixed, 0, 0, hidden), hidden, hidden);
}

/** Of fused operators, in half precision throughout; it has no input of positions. */
export function llamaModel(sizes: DecoderSizes = usual, type: 'float16' | 'float32' = 'float16'): Bytes {
  const { layers, heads, groups, headSize, inner, vocabulary } = sizes;
  const hidden = heads * headSize;
  const graph = new Graph(type);
  const { weights } = graph;
  const norm = (name: string, from: string): string => {
    const weight = weights.random(`${name}.weight`, [hidden], 1);
    return graph.op('SimplifiedLayerNormalization', [from, weight], {
      axis: { int: -1 },
      epsilon: { float: epsilon },
      stash_type: { int: 1 },
    });
  };
  const half = headSize / 2;
  const angles = Array.from(
    { length: tokensMax * half },
    (_, i) => Math.floor(i / half) * 10_000 ** (-(i % half) / half),
  );
  weights.floats('cos_cache', [tokensMax, half], angles.map(Math.cos));
  weights.floats('sin_cache', [tokensMax, half], angles.map(Math.sin));
  const counted = graph.op('ReduceSum', ['attention_mask', weights.wholes('one', [1])], {
    keepdims: { int: 0 },
  });
  const int32 = { to: { int: ElementType.int32 } };
  const lengths = graph.op('Cast', [graph.op('Sub', [counted, 'one'])], int32);
  const place = weights.wholes('place', [1], []);
  const total = graph.op('Cast', [graph.op('Gather', [graph.op('Shape', ['attention_mask']), place])], int32);
  let x = graph.op('Gather', [
    weights.random('model.embed_tokens.weight', [vocabulary, hidden], 1),
    'input_ids',
  ]);
  for (let layer = 0; layer < layers; layer++) {
    const name = `model.layers.${layer}`;
    const normed = norm(`${name}.input_layernorm`, x);
    const [q, k, v] = [heads, groups, groups].map((count, i) =>
      graph.linear(`${name}.attn.${'qkv'[i]}_proj`, normed, hidden, count * headSize),
    ) as [string, string, string];
    const cache = ['key', 'value'].map((what) => `${layer}.${what}`);
    graph.fused(
      'GroupQueryAttention',
      [q, k, v, ...cache.map((at) => `past_key_values.${at}`), lengths, total, 'cos_cache', 'sin_cache'],
      [`${name}.attn`, ...cache.map((at) => `present.${at}`)],
      {
        num_heads: { int: heads },
        kv_num_heads: { int: groups },
        do_rotary: { int: 1 },
        rotary_interleaved: { int: 0 },
        scale: { float: 1 / Math.sqrt(headSize) },
      },
    );
    x = graph.op('Add', [x, graph.linear(`${name}.attn.o_proj`, `${name}.attn`, hidden, hidden)]);
    const after = norm(`${name}.post_attention_layernorm`, x);
    x = graph.op('Add', [x, siluProduct(graph, `${name}.mlp`, after, hidden, inner)]);
  }
  const head = weights.random('lm_head.weight', [hidden, vocabulary], 0.5);
  graph.op('MatMul', [norm('model.norm', x), head], {}, 'logits');
  return wholeModel(graph, sizes, { logits: ElementType[type], cache: ElementType[type] }, false);
}

/** What lies in the folder of a decoder. */
export function decoderFiles(model: Bytes, kind: 'qwen2' | 'llama'): Files {
  const { layers, heads, groups, headSize, inner, vocabulary } = usual;
  const config = {
    architectures: [kind === 'llama' ? 'LlamaForCausalLM' : 'Qwen2ForCausalLM'],
    bos_token_id: endOfText,
    eos_token_id: turnEnd,
    head_dim: headSize,
    hidden_size: heads * headSize,
    intermediate_size: inner,
    max_position_embeddings: tokensMax,
    model_type: kind,
    num_attention_heads: heads,
    num_hidden_layers: layers,
    num_key_value_heads: groups,
    vocab_size: vocabulary,
  };
  const generation = {
    bos_token_id: endOfText,
    eos_token_id: [turnEnd, endOfText],
    do_sample: true,
    top_k: 20,
  };
  return {
    'model.onnx': model,
    'config.json': JSON.stringify(config),
    'generation_config.json': JSON.stringify(generation),
    ...tokenizerFiles(),
  };
}
