// Chooses the next token: the same one everywhere for the same logits, parameters, key and step. Uses additions,
// multiplications, divisions and comparisons in a fixed order, and nothing that a runtime may round as it likes.

import { exponential } from './exponential.ts';
import { firstToken, firstTokens, tokensWithin } from './first-tokens.ts';
import { fractionOf, philox } from './philox.ts';

/** Any change of what is chosen is another version. */
export const samplerVersion = 1;

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
  const likeliest = firstToken(logits);
  if (likeliest < 0 || sampling.temperature === 0) return likeliest < 0 ? undefined : likeliest;
  const { temperature, topK, topP } = sampling;
  const max = logits[likeliest]!;
  const order = topK === 0 || topK >= logits.length ? undefined : firstTokens(logits, max, topK);
  const weights = weightsOf(logits, max, temperature, order);
  const at = fraction(key, step);
  if (order === undefined && topP === 1) return drawAll(weights, at);
  const kept = topP === 1 ? order! : leading(logits, max, order, topP, weights);
  return draw(kept.sort(), weights, at);
}

/** Kept from one choice to the next: new memory costs more than what is reckoned. */
let scratch: Float64Array = new Float64Array(0);

/** By token: of these ones, or of all; the others may be anything. Good until the next call. */
function weightsOf(
  logits: Float32Array,
  max: number,
  temperature: number,
  order: Uint32Array | undefined,
): Float64Array {
  if (scratch.length < logits.length) scratch = new Float64Array(logits.length);
  const weights = scratch.subarray(0, logits.length);
  if (order === undefined)
    for (let token = 0; token < weights.length; token++)
      weights[token] = weight(logits[token]!, max, temperature);
  else for (const token of order) weights[token] = weight(logits[token]!, max, temperature);
  return weights;
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

/**
 * The first tokens whose weights reach `topP` of all together. The whole is summed by token id, or over `order`; the
 * part in the order of the logits.
 */
function leading(
  logits: Float32Array,
  max: number,
  order: Uint32Array | undefined,
  topP: number,
  weights: Float64Array,
): Uint32Array {
  let total = 0;
  if (order === undefined) for (const each of weights) total += each;
  else for (const token of order) total += weights[token]!;
  const wanted = topP * total;
  const few = order ?? firstTokens(logits, max, fewTokens);
  const share = reaching(few, wanted, weights);
  if (share !== undefined || order !== undefined) return share ?? few;
  for (let depth = 8; ; depth = deeper(depth)) {
    const tokens = tokensWithin(logits, max, depth);
    const found = reaching(tokens, wanted, weights);
    if (found !== undefined || depth === Number.POSITIVE_INFINITY) return found ?? tokens;
  }
}

/** The first of these tokens whose weights reach so much; undefined where all together do not. */
function reaching(tokens: Uint32Array, wanted: number, weights: Float64Array): Uint32Array | undefined {
  let sum = 0;
  for (let place = 0; place < tokens.length; place++) {
    sum += weights[tokens[place]!]!;
    if (sum >= wanted) return tokens.slice(0, place + 1);
  }
  return undefined;
}

/** Walks the tokens in the order of their ids. */
function draw(tokens: Uint32Array, weights: Float64Array, at: number): number {
  let total = 0;
  for (const token of tokens) total += weights[token]!;
  const wanted = at * total;
  let sum = 0;
  let last = tokens[0]!;
  for (const token of tokens) {
    const own = weights[token]!;
    if (own === 0) continue;
    sum += own;
    last = token;
    if (sum > wanted) return token;
  }
  return last;
}

/** The same over all tokens. */
function drawAll(weights: Float64Array, at: number): number {
  let total = 0;
  for (let token = 0; token < weights.length; token++) total += weights[token]!;
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
