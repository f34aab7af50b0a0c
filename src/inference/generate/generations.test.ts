import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeGenerationPiece, FinishReason, type GenerationPiece } from '../../abi/generation.ts';
import { decodeInferenceAnswer } from '../../abi/tensor-list.ts';
import type { InferenceSession } from '../runtime-types.ts';
import type { ModelSession } from '../session.ts';
import { withoutRuntime } from '../testing/sample-models.ts';
import { opened, qwen, sampleKey, textRequest } from '../testing/sample-texts.ts';
import { openDecoder } from './decoder-model.ts';
import { Generation } from './generation.ts';
import { Generations } from './generations.ts';

const skip = withoutRuntime('portable');

/** Texts by turns, with so many steps before each turn that nobody asked for. */
async function writeAll(
  generations: Generations,
  session: ModelSession,
  requests: readonly Uint8Array[],
  stepsBefore: () => number,
): Promise<GenerationPiece[][]> {
  const texts = requests.map((): GenerationPiece[] => []);
  const isOver = (pieces: GenerationPiece[]): boolean =>
    (pieces.at(-1)?.reason ?? FinishReason.none) !== FinishReason.none;
  while (!texts.every(isOver)) {
    for (const [id, pieces] of texts.entries()) {
      if (isOver(pieces)) continue;
      for (let steps = stepsBefore(); steps > 0; steps--) await generations.stepAhead();
      const tokens = pieces.flatMap((piece) => piece.tokens);
      const part = pieces.length;
      const wanted = { request: requests[id]!, key: sampleKey, tokens, part };
      const { bytes } = await generations.next(session, id, wanted);
      pieces.push(decodeGenerationPiece(bytes)!);
    }
  }
  assert.equal(await generations.stepAhead(), 'nothing-to-do');
  return texts;
}

test('texts are the same whatever was done of them before it was asked for', { skip }, async () => {
  const { session, folder } = await opened(qwen);
  const requests = [1n, 2n, 3n].map((seed) => textRequest({ seed, tokensMax: 7, tokensPerTick: 3 }));
  const calm = new Generations();
  await calm.open(session, folder);
  const wanted = await writeAll(calm, session, requests, () => 0);
  assert.deepEqual(
    wanted.map((pieces) => pieces.map(({ tokens }) => tokens.length)),
    [
      [3, 3, 1],
      [3, 3, 1],
      [3, 3, 1],
    ],
  );
  const steps = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 9, maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (counts, hasRoom) => {
      const busy = new Generations(hasRoom ? undefined : 0);
      await busy.open(session, folder);
      let turn = 0;
      assert.deepEqual(await writeAll(busy, session, requests, () => counts[turn++]!), wanted);
    }),
    { numRuns: 12 },
  );
  await session.release();
});

test('texts go on unasked only while their caches have room', { skip }, async () => {
  const { session, folder } = await opened(qwen);
  const wanted = { request: textRequest(), key: sampleKey, tokens: [], part: 0 };
  const stepsAhead = async (bytesMax: number, texts: number): Promise<number> => {
    const generations = new Generations(bytesMax);
    await generations.open(session, folder);
    for (let id = 0; id < texts; id++) await generations.next(session, id, wanted);
    let steps = 0;
    while ((await generations.stepAhead()) === 'done') steps++;
    return steps;
  };
  const one = await Generation.resume(await openDecoder(session, folder), wanted);
  assert.ok(one instanceof Generation);
  await one.next(0);
  assert.equal(await stepsAhead(2 ** 30, 2), 8);
  assert.equal(await stepsAhead(2 * one.bytes + 1, 2), 1);
  assert.equal(await stepsAhead(2 * one.bytes, 2), 0);
  assert.equal(await stepsAhead(1, 1), 4);
  await session.release();
});

/** A session whose runtime fails when it is run for the so-and-so-manieth time. */
function failing(session: ModelSession, runs: number, error: Error): ModelSession {
  let left = runs;
  const inner: Pick<InferenceSession, 'run'> = {
    run: (feeds) => (left-- === 0 ? Promise.reject(error) : session.inner.run(feeds)),
  };
  return Object.create(session, {
    inner: { value: inner },
    signature: { value: session.signature },
    runtime: { value: session.runtime },
    mode: { value: session.mode },
    isSuspect: { value: session.isSuspect },
  });
}

test('what goes wrong before it is asked for is told with the piece that it belongs to', {
  skip,
}, async () => {
  const { session, folder } = await opened(qwen);
  const broken: readonly (readonly [Error, 'done' | 'runtime-broken', number])[] = [
    [new Error('no such thing'), 'done', 3],
    [new WebAssembly.RuntimeError('unreachable'), 'runtime-broken', 0],
  ];
  for (const [error, state, status] of broken) {
    for (const isAhead of [false, true]) {
      const generations = new Generations();
      const own = failing(session, 5, error);
      await generations.open(own, folder);
      const request = textRequest();
      const first = await generations.next(own, 1, { request, key: sampleKey, tokens: [], part: 0 });
      const { tokens } = decodeGenerationPiece(first.bytes)!;
      if (isAhead)
        assert.deepEqual([await generations.stepAhead(), await generations.stepAhead()], ['done', state]);
      if (isAhead) assert.equal(await generations.stepAhead(), 'nothing-to-do');
      const wanted = { request, key: sampleKey, tokens, part: 1 };
      const { bytes, problem } = await generations.next(own, 1, wanted);
      assert.equal(problem, error.message);
      assert.equal(decodeInferenceAnswer(bytes)?.status ?? 0, status);
      assert.equal(bytes.length === 0, state === 'runtime-broken');
      // What failed is not gone on with: the piece is made again from its beginning.
      const again = await generations.next(own, 1, wanted);
      assert.equal(decodeGenerationPiece(again.bytes)?.part, 1);
    }
  }
  await session.release();
});
