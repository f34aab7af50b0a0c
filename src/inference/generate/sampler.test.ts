import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { exponential } from './exponential.ts';
import { fractionOf, philox } from './philox.ts';
import { chooseToken, type Sampling } from './sampler.ts';

interface Vectors {
  readonly sampler: number;
  readonly exponentials: readonly (readonly [number, string])[];
  readonly choices: readonly {
    readonly logits: readonly number[];
    readonly sampling: Sampling;
    readonly seed: string;
    readonly tokens: readonly number[];
  }[];
}

const file = join(import.meta.dirname, '..', '..', '..', 'test', 'vectors', 'sampler.json');
const vectors: Vectors = JSON.parse(readFileSync(file, 'utf8'));
const key = { seed: 5n, origin: 0, counter: 1, number: 2 };

function bitsOf(value: number): string {
  return Buffer.from(new Float64Array([value]).buffer).toString('hex');
}

test('random words are those of the published vectors of Philox4x32-10', () => {
  const [ones, pi] = [0xffffffff, [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344]] as const;
  assert.deepEqual(philox([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  assert.deepEqual(
    philox([ones, ones, ones, ones], [ones, ones]),
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  );
  assert.deepEqual(
    philox([pi[0]!, pi[1]!, pi[2]!, pi[3]!], [0xa4093822, 0x299f31d0]),
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  );
  assert.equal(fractionOf([0xffffffff, 0xffffffff, 0, 0]), 1 - 2 ** -53);
});

test('exponentials have the bits of the vectors, and are next to what they should be', () => {
  for (const [x, bits] of vectors.exponentials) assert.equal(bitsOf(exponential(x)), bits, `${x}`);
  fc.assert(
    fc.property(fc.double({ min: -700, max: 0, noNaN: true }), (x) => {
      assert.ok(Math.abs(exponential(x) / Math.exp(x) - 1) < 1e-15);
    }),
  );
});

test('choices are those of the vectors', () => {
  for (const { logits, sampling, seed, tokens } of vectors.choices) {
    const values = Float32Array.from(logits);
    const found = tokens.map((_, step) =>
      chooseToken(values, sampling, { ...key, seed: BigInt(seed) }, step),
    );
    assert.deepEqual(found, tokens, JSON.stringify(sampling));
  }
});

const someLogits = fc
  .array(fc.oneof(fc.integer({ min: -4, max: 4 }), fc.float({ noNaN: false })), {
    minLength: 1,
    maxLength: 60,
  })
  .map((values) => Float32Array.from(values));
const someSampling = fc.record({
  temperature: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 5, noNaN: true })),
  topK: fc.integer({ min: 0, max: 70 }),
  topP: fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 1, noNaN: true })),
});

/** Many logits: of few sizes or of many, in an order or in none, with larger ones here and there. */
const manyLogits = fc
  .record({
    count: fc.integer({ min: 1000, max: 3000 }),
    seed: fc.nat(),
    sizes: fc.constantFrom(1, 5, 100, 100_000),
    slope: fc.constantFrom(0, 1, -1),
    period: fc.integer({ min: 2, max: 6 }),
    every: fc.constantFrom(0, 9, Number.NEGATIVE_INFINITY),
    odd: fc.array(fc.tuple(fc.nat(2999), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 9, 9))),
  })
  .map(({ count, seed, sizes, slope, period, every, odd }) => {
    const values = Float32Array.from({ length: count }, (_, i) => {
      const random = (Math.imul((i + seed) ^ 0x2c1b3c6d, 0x297a2d39) >>> 8) % sizes;
      return random / sizes + (slope * i) / 1000 + (i % period === 0 ? every : 0);
    });
    for (const [token, value] of odd) if (token < count) values[token] = value;
    return values;
  });

/** The tokens that may be chosen, as one would write it down. */
function allowed(logits: Float32Array, { temperature, topK, topP }: Sampling): number[] {
  const order = [...logits.keys()]
    .filter((token) => Number.isFinite(logits[token]))
    .sort((a, b) => logits[b]! - logits[a]! || a - b);
  const first = order.slice(0, temperature === 0 ? 1 : topK === 0 ? undefined : topK);
  const weights = first.map((token) => Math.exp((logits[token]! - logits[first[0]!]!) / temperature));
  const total = weights.reduce((sum, each) => sum + each, 0);
  let sum = 0;
  const end = weights.findIndex((each) => {
    sum += each;
    // A little more, since the sums are rounded in another order.
    return sum >= topP * total * (1 + 1e-12);
  });
  return temperature === 0 || end < 0 ? first : first.slice(0, end + 1);
}

test('a token is one of those that top-k and top-p leave, and undefined only where no logit is finite', () => {
  fc.assert(
    fc.property(someLogits, someSampling, fc.nat(), (logits, sampling, step) => {
      const token = chooseToken(logits, sampling, key, step);
      const tokens = allowed(logits, sampling);
      if (tokens.length === 0) assert.equal(token, undefined);
      else assert.ok(tokens.includes(token!), `${token} of ${tokens}`);
    }),
    { numRuns: 500 },
  );
});

test('of many logits, whatever their order, those that top-k leaves are the first', () => {
  const even = { temperature: 1e9, topP: 1 };
  fc.assert(
    fc.property(manyLogits, fc.integer({ min: 1, max: 400 }), (logits, topK) => {
      // All have the same share, so each choice tells how many come before it.
      const tokens = allowed(logits, { ...even, topK }).sort((a, b) => a - b);
      for (let step = 0; step < 10; step++) {
        const place = fractionOf(philox([key.origin, key.counter, key.number, step], [5, 0])) * tokens.length;
        if (Math.abs(place - Math.round(place)) < 1e-3) continue;
        assert.equal(chooseToken(logits, { ...even, topK }, key, step), tokens[Math.floor(place)]);
      }
    }),
    { numRuns: 400 },
  );
});

test('a choice is a function of what it is given, and logits of equal size make the lower id come first', () => {
  fc.assert(
    fc.property(someLogits, someSampling, fc.nat(), (logits, sampling, step) => {
      const token = chooseToken(logits, sampling, key, step);
      // Padding that is never chosen changes nothing.
      const longer = new Float32Array(logits.length + 7).fill(Number.NEGATIVE_INFINITY);
      longer.set(logits);
      assert.equal(chooseToken(longer, sampling, key, step), token);
    }),
  );
  const flat = new Float32Array(10).fill(-0);
  flat[3] = 0;
  assert.equal(chooseToken(flat, { temperature: 0, topK: 0, topP: 1 }, key, 0), 0);
  for (let step = 0; step < 50; step++)
    assert.ok(chooseToken(flat, { temperature: 1, topK: 3, topP: 1 }, key, step)! < 3);
});

test('tokens come as often as their weights say', () => {
  const logits = Float32Array.of(0, Math.log(2), Math.log(5));
  const counts = [0, 0, 0];
  for (let step = 0; step < 8000; step++)
    counts[chooseToken(logits, { temperature: 1, topK: 0, topP: 1 }, key, step)!]!++;
  for (const [i, share] of [1000, 2000, 5000].entries())
    assert.ok(Math.abs(counts[i]! - share) < 150, `${counts}`);
});
