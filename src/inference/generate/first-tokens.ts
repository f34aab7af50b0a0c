// The order of tokens: by logit, the largest first, and equal ones by id; and which of them come first. Logits that are
// not finite are never among those.

/** Ids and the bits of a logit together fit in a number that is exact. */
export const vocabularyMax = 2097152;

/** The very first; -1 where no logit is finite. */
export function firstToken(logits: Float32Array): number {
  let found = -1;
  let max = Number.NEGATIVE_INFINITY;
  for (let token = reaching(logits, max, 0); token < logits.length; ) {
    const logit = logits[token]!;
    if (logit > max && logit < Number.POSITIVE_INFINITY) {
      max = logit;
      found = token;
    }
    token = reaching(logits, max, token + 1);
  }
  return found;
}

/** The first `count` tokens, or all that there are. @param max the largest logit that is finite */
export function firstTokens(logits: Float32Array, max: number, count: number): Uint32Array {
  return firstByGuess(logits, max, count) ?? firstOfAll(logits, max, count);
}

/** Tokens whose logit is at most `depth` below the largest, in their order. */
export function tokensWithin(logits: Float32Array, max: number, depth: number): Uint32Array {
  const keys = new Float64Array(logits.length);
  const count = orderKeys(logits, max - depth, max, keys)!;
  return tokensOf(keys.subarray(0, count).sort());
}

/** The next token, from this one on, whose logit reaches `floor`; four are looked at together, since few do. */
function reaching(logits: Float32Array, floor: number, from: number): number {
  let token = from;
  for (const end = logits.length - 3; token < end; token += 4) {
    const isAny =
      logits[token]! >= floor ||
      logits[token + 1]! >= floor ||
      logits[token + 2]! >= floor ||
      logits[token + 3]! >= floor;
    if (isAny) break;
  }
  while (token < logits.length && !(logits[token]! >= floor)) token++;
  return token;
}

/** Keys of the tokens from `floor` to `max`, by token; how many that are, undefined where there is no room for them. */
function orderKeys(logits: Float32Array, floor: number, max: number, keys: Float64Array): number | undefined {
  const bits = new Int32Array(logits.buffer, logits.byteOffset, logits.length);
  let count = 0;
  let token = reaching(logits, floor, 0);
  for (; token < logits.length; token = reaching(logits, floor, token + 1)) {
    const logit = logits[token]!;
    if (logit > max || logit === Number.NEGATIVE_INFINITY) continue;
    if (count === keys.length) return undefined;
    keys[count++] = orderKey(logit, bits[token]!, token);
  }
  return count;
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

/** So many logits, and up to twice as many, are looked at for a guess. */
const lookedAt = 512;

/**
 * The first tokens by a guess, from some of the logits, at one that somewhat more than `count` of them reach; undefined
 * where it was not good.
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
  const keys = new Float64Array(heap.length * stride * 3);
  const found = orderKeys(logits, -heap[0]!, max, keys);
  if (found === undefined || found < count) return undefined;
  return tokensOf(keys.subarray(0, found).sort().subarray(0, count));
}

function firstOfAll(logits: Float32Array, max: number, count: number): Uint32Array {
  const bits = new Int32Array(logits.buffer, logits.byteOffset, logits.length);
  // Its first is the last of those that are kept, each comes before the two below it.
  const heap = new Float64Array(Math.min(count, logits.length));
  let size = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (let token = reaching(logits, last, 0); token < logits.length; ) {
    const logit = logits[token]!;
    if (logit <= max && logit !== Number.NEGATIVE_INFINITY) {
      const key = orderKey(logit, bits[token]!, token);
      if (size < heap.length) raise(heap, size++, key);
      else if (key < heap[0]!) sink(heap, key);
      if (size === heap.length) last = logits[tokenOf(heap[0]!)]!;
    }
    token = reaching(logits, last, token + 1);
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
