// Chooses the next token: the same one everywhere for the same logits, parameters, key and step. Uses additions,
// multiplications, divisions and comparisons in a fixed order, and nothing that a runtime may round as it likes.

import { exponential } from './exponential.ts';
import { fractionOf, philox } from './philox.ts';

/** Any change of what is chosen is another version. */
export const samplerVersion = 1;

/** Ids and the bits of a logit together fit in a number that is exact. */
export const vocabularyMax = 2097152;

export interface Sampling {
  /** 0: the likeliest token. */
  readonly temperature: number;
  /** 0: all tokens. */
  readonly topK: number;
  /** Above 0, at most 1. */
  readonly topP: number;
}

/** What random numbers of one request depend on. */
export interface SamplerKey {
  readonly seed: bigint;
  /** Identity of the agent, and the number of its request. */
  readonly origin: number;
  readonly counter: number;
  readonly number: number;
}

/**
 * The token that comes next; undefined where no logit is finite. Logits that are not finite are never chosen. Equal
 * ones are ordered by token id, the lower first.
 */
export function chooseToken(
  logits: Float32Array,
  sampling: Sampling,
  key: SamplerKey,
  step: number,
): number | undefined {
  const likeliest = largest(logits);
  if (likeliest < 0 || sampling.temperature === 0) return likeliest < 0 ? undefined : likeliest;
  const { temperature, topK, topP } = sampling;
  const max = logits[likeliest]!;
  const weightOf = (token: number): number => weight(logits[token]!, max, temperature);
  const counts = topK === 0 || topK >= logits.length;
  if (counts && topP === 1) return drawAll(logits, weightOf, fraction(key, step));
  const order = counts ? undefined : firstTokens(logits, max, topK);
  const kept = topP === 1 ? order! : leading(logits, max, order, topP, weightOf);
  return draw(kept.sort(), weightOf, fraction(key, step));
}

function largest(logits: Float32Array): number {
  let found = -1;
  let max = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token]!;
    if (logit > max && logit < Number.POSITIVE_INFINITY) {
      max = logit;
      found = token;
    }
  }
  return found;
}

function weight(logit: number, max: number, temperature: number): number {
  return logit <= max ? exponential((logit - max) / temperature) : 0;
}

/** Random words of a step are those of the counter (agent, request, step) under the seed. */
function fraction({ seed, origin, counter, number }: SamplerKey, step: number): number {
  const [low, high] = [Number(seed & 0xffffffffn), Number((seed >> 32n) & 0xffffffffn)];
  return fractionOf(philox([origin >>> 0, counter >>> 0, number >>> 0, step >>> 0], [low, high]));
}

/** Most often these have the share that is wanted. */
const fewTokens = 64;

/** How far to look next, where what was looked at is not enough. It decides nothing but the work. */
function deeper(depth: number): number {
  return depth < 64 ? depth * 2 : Number.POSITIVE_INFINITY;
}

/** One number that orders by logit, the largest first, and then by token. */
function orderKey(logit: number, bits: number, token: number): number {
  // The bits of a number, made ascending.
  const word = logit === 0 ? 0 : bits;
  const rank = word < 0 ? -(word & 0x7fffffff) : word;
  return -rank * vocabularyMax + token;
}

function tokenOf(key: number): number {
  return key - Math.floor(key / vocabularyMax) * vocabularyMax;
}

function tokensOf(keys: Float64Array): Uint32Array {
  const tokens = new Uint32Array(keys.length);
  for (let i = 0; i < tokens.length; i++) tokens[i] = tokenOf(keys[i]!);
  return tokens;
}

/** The first `count` tokens in the order of their logits, or all that there are. */
function firstTokens(logits: Float32Array, max: number, count: number): Uint32Array {
  return firstByGuess(logits, max, count) ?? firstOfAll(logits, max, count);
}

/** So many logits, and up to twice as many, are looked at for a guess. */
const lookedAt = 512;

/**
 * The same by a guess, from some of the logits, at one that somewhat more than `count` of them reach; undefined where
 * it was not good.
 */
function firstByGuess(logits: Float32Array, max: number, count: number): Uint32Array | undefined {
  const stride = Math.floor(logits.length / lookedAt);
  if (stride < 2 || count * 8 > logits.length) return undefined;
  const heap = new Float64Array(Math.ceil((count * 1.5) / stride) + 4);
  let size = 0;
  for (let token = 0; token < logits.length; token += stride) {
    const logit = logits[token]!;
    if (!(logit <= max) || logit === Number.NEGATIVE_INFINITY) continue;
    if (size < heap.length) raise(heap, size++, -logit);
    else if (-logit < heap[0]!) sink(heap, -logit);
  }
  if (size < heap.length) return undefined;
  const bits = new Int32Array(logits.buffer, logits.byteOffset, logits.length);
  const floor = -heap[0]!;
  const keys = new Float64Array(heap.length * stride * 3);
  let found = 0;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token]!;
    if (!(logit >= floor && logit <= max)) continue;
    if (found === keys.length) return undefined;
    keys[found++] = orderKey(logit, bits[token]!, token);
  }
  return found < count ? undefined : tokensOf(keys.subarray(0, found).sort().subarray(0, count));
}

function firstOfAll(logits: Float32Array, max: number, count: number): Uint32Array {
  const bits = new Int32Array(logits.buffer, logits.byteOffset, logits.length);
  // Its first is the last of those that are kept, each comes before the two below it.
  const heap = new Float64Array(Math.min(count, logits.length));
  let size = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token]!;
    if (!(logit >= last && logit <= max) || logit === Number.NEGATIVE_INFINITY) continue;
    const key = orderKey(logit, bits[token]!, token);
    if (size < heap.length) raise(heap, size++, key);
    else if (key < heap[0]!) sink(heap, key);
    else continue;
    if (size === heap.length) last = logits[tokenOf(heap[0]!)]!;
  }
  return tokensOf(heap.subarray(0, size).sort());
}

function raise(heap: Float64Array, from: number, key: number): void {
  let at = from;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (heap[above]! >= key) break;
    heap[at] = heap[above]!;
    at = above;
  }
  heap[at] = key;
}

/** Takes the place of the first. */
function sink(heap: Float64Array, key: number): void {
  let at = 0;
  for (;;) {
    let below = at * 2 + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && heap[below + 1]! > heap[below]!) below++;
    if (heap[below]! <= key) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = key;
}

/** Tokens whose logit is at most `depth` below the largest, ordered by logit and then id. */
function within(logits: Float32Array, max: number, depth: number): Uint32Array {
  const bits = new Int32Array(logits.buffer, logits.byteOffset, logits.length);
  const floor = max - depth;
  const keys = new Float64Array(logits.length);
  let count = 0;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token]!;
    if (!(logit >= floor && logit <= max) || logit === Number.NEGATIVE_INFINITY) continue;
    keys[count++] = orderKey(logit, bits[token]!, token);
  }
  return tokensOf(keys.subarray(0, count).sort());
}

/**
 * The first tokens whose weights reach `topP` of all together. The whole is summed by token id, or over `order`; the
 * part in the order of the logits.
 */
function leading(
  logits: Float32Array,
  max: number,
  order: Uint32Array | undefined,
  topP: number,
  weightOf: (token: number) => number,
): Uint32Array {
  let total = 0;
  if (order === undefined) for (let token = 0; token < logits.length; token++) total += weightOf(token);
  else for (const token of order) total += weightOf(token);
  const wanted = topP * total;
  const few = order ?? firstTokens(logits, max, fewTokens);
  const share = reaching(few, wanted, weightOf);
  if (share !== undefined || order !== undefined) return share ?? few;
  for (let depth = 8; ; depth = deeper(depth)) {
    const tokens = within(logits, max, depth);
    const found = reaching(tokens, wanted, weightOf);
    if (found !== undefined || depth === Number.POSITIVE_INFINITY) return found ?? tokens;
  }
}

/** The first of these tokens whose weights reach so much; undefined where all together do not. */
function reaching(
  tokens: Uint32Array,
  wanted: number,
  weightOf: (token: number) => number,
): Uint32Array | undefined {
  let sum = 0;
  for (let place = 0; place < tokens.length; place++) {
    sum += weightOf(tokens[place]!);
    if (sum >= wanted) return tokens.slice(0, place + 1);
  }
  return undefined;
}

/** Walks the tokens in the order of their ids. */
function draw(tokens: Uint32Array, weightOf: (token: number) => number, at: number): number {
  let total = 0;
  for (const token of tokens) total += weightOf(token);
  const wanted = at * total;
  let sum = 0;
  let last = tokens[0]!;
  for (const token of tokens) {
    const own = weightOf(token);
    if (own === 0) continue;
    sum += own;
    last = token;
    if (sum > wanted) return token;
  }
  return last;
}

/** The same over all tokens, with each weight reckoned once. */
function drawAll(logits: Float32Array, weightOf: (token: number) => number, at: number): number {
  const weights = new Float64Array(logits.length);
  let total = 0;
  for (let token = 0; token < weights.length; token++) {
    weights[token] = weightOf(token);
    total += weights[token]!;
  }
  const wanted = at * total;
  let sum = 0;
  let last = 0;
  for (let token = 0; token < weights.length; token++) {
    if (weights[token] === 0) continue;
    sum += weights[token]!;
    last = token;
    if (sum > wanted) return token;
  }
  return last;
}
