// Pieces of requests: how many are under way at a time, and that what is waited for comes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HostAnswers } from '../../inference/index.ts';
import type { ModelRequest } from '../../scheduler/index.ts';
import { type PieceBounds, RequestPieces } from './request-pieces.ts';

interface Limits {
  readonly outputBytesMax: number;
  readonly batchMax: number;
}

/** Pieces whose model answers when it is told to, with as many bytes as each request's tag says. */
class Answering {
  readonly pieces: RequestPieces;
  readonly underWay: { readonly size: number; readonly answer: () => void }[] = [];
  readonly sizes: number[] = [];
  /** When the requests of each piece came. */
  readonly asked: number[] = [];
  #nowMs = 0;

  constructor(bounds: PieceBounds, limits: Limits) {
    const run = (requests: readonly ModelRequest[], askedAtMs: number): Promise<HostAnswers> => {
      this.sizes.push(requests.length);
      this.asked.push(askedAtMs);
      return new Promise((resolve) => {
        const answers = requests.map(({ tag }) => new Uint8Array(tag));
        const facts = requests.map(() => ({}));
        const answer = (): void => resolve({ answers, facts } as unknown as HostAnswers);
        this.underWay.push({ size: requests.length, answer });
      });
    };
    this.pieces = new RequestPieces({ bounds, limitsOf: () => limits, run, nowMs: () => this.#nowMs++ });
  }

  answerFirst(): void {
    this.underWay.shift()?.answer();
  }
}

function requestsOf(sizes: readonly number[]): ModelRequest[] {
  return sizes.map((tag, number) => ({ model: 0, tag, number }) as ModelRequest);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('pieces keep within their bound, and have as many requests as their model runs together at the least', () => {
  const bounds = { pieceBytesMax: 40, aheadBytesMax: 1e6 };
  const small = new Answering(bounds, { outputBytesMax: 10, batchMax: 2 });
  small.pieces.add(requestsOf(new Array(10).fill(1)));
  assert.deepEqual(small.sizes, [4, 4, 2]);
  const large = new Answering(bounds, { outputBytesMax: 100, batchMax: 3 });
  large.pieces.add(requestsOf(new Array(7).fill(1)));
  assert.deepEqual(large.sizes, [3, 3, 1]);
});

test('only so much is made ahead, and room that answers leave, or that is taken, is used', async () => {
  const asked = new Answering({ pieceBytesMax: 20, aheadBytesMax: 45 }, { outputBytesMax: 10, batchMax: 1 });
  const requests = requestsOf([10, 10, 1, 1, 10, 10, 10, 10]);
  asked.pieces.add(requests);
  assert.deepEqual(asked.sizes, [2, 2]);
  asked.answerFirst();
  await turn();
  assert.equal(asked.sizes.length, 2, 'these answers are as large as they may be');
  asked.answerFirst();
  await turn();
  assert.equal(asked.sizes.length, 3, 'those were smaller than they might have been');
  for (const request of requests.slice(0, 2))
    asked.pieces.taken(request, (await asked.pieces.made(request)).bytes);
  assert.equal(asked.sizes.length, 4);
  assert.deepEqual(asked.asked, [0, 0, 0, 0], 'their time counts from when they came');
});

test('what is waited for is made, whatever else was made ahead', async () => {
  const asked = new Answering({ pieceBytesMax: 10, aheadBytesMax: 10 }, { outputBytesMax: 10, batchMax: 1 });
  const requests = requestsOf([10, 10, 10]);
  asked.pieces.add(requests);
  asked.answerFirst();
  await turn();
  const made = asked.pieces.made(requests[2]!);
  assert.equal(asked.sizes.length, 2);
  asked.answerFirst();
  assert.equal((await made).bytes.length, 10);
});

test('whatever is asked, made and taken, what is held keeps within the bound and all come', async () => {
  const sizes = fc.array(fc.nat({ max: 10 }), { maxLength: 30 });
  const property = fc.asyncProperty(
    sizes,
    fc.integer({ min: 10, max: 60 }),
    async (answers, aheadBytesMax) => {
      const asked = new Answering({ pieceBytesMax: 20, aheadBytesMax }, { outputBytesMax: 10, batchMax: 1 });
      const requests = requestsOf(answers);
      if (requests.length > 0) asked.pieces.add(requests);
      let held = 0;
      for (const request of requests) {
        const made = asked.pieces.made(request);
        held = asked.underWay.reduce((sum, { size }) => sum + size * 10, 0);
        assert.ok(held <= aheadBytesMax + 20, `${held} bytes may be under way`);
        while (asked.underWay.length > 0) asked.answerFirst();
        const { bytes } = await made;
        assert.equal(bytes.length, request.tag);
        asked.pieces.taken(request, bytes);
      }
    },
  );
  await fc.assert(property, { numRuns: 50 });
});
