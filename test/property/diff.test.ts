// Two runs of one generated system whose input differs in a few lines: the first tick that differs is found by halving
// digests, and is the one that reading both records finds.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffRuns } from '../../src/engine/index.ts';
import { generatedSystem } from '../../src/engine/testing/generated-system.ts';
import { chainOf, newFolder } from '../../src/engine/testing/runs.ts';
import { runGenerated } from './generated-runs.ts';

test('diff names the first tick that differs, and says what differs in it', async () => {
  let differing = 0;
  const property = fc.asyncProperty(generatedSystem, fc.nat(), async (generated, at) => {
    const lines = generated.lines.filter((_, i) => i !== at % generated.lines.length);
    const [a, b] = [newFolder(), newFolder()];
    await runGenerated(generated, {}, a);
    await runGenerated({ ...generated, lines }, {}, b);
    const [chainA, chainB] = [chainOf(a), chainOf(b)];
    let equal = 0;
    while (equal < Math.min(chainA.length, chainB.length) && chainA[equal] === chainB[equal]) equal++;
    const found = await diffRuns(a, b);
    assert.equal(found.lastEqualTick, Number(chainA[equal - 1]?.split(' ')[0] ?? 0));
    assert.deepEqual(found.configuration, []);
    const ended = equal === Math.min(chainA.length, chainB.length);
    assert.equal(found.equal, ended && chainA.length === chainB.length);
    assert.equal(
      found.longer,
      chainA.length === chainB.length || !ended ? undefined : chainA.length > chainB.length ? 'a' : 'b',
    );
    if (!ended) {
      differing++;
      const ticks = [chainA[equal], chainB[equal]].map((entry) => Number(entry!.split(' ')[0]));
      assert.equal(found.first!.tick, Math.min(...ticks));
      assert.notEqual(found.first!.a, found.first!.b);
    }
    for (const folder of [a, b]) rmSync(folder, { recursive: true, force: true });
  });
  await fc.assert(property, { numRuns: 30, endOnFailure: false });
  assert.ok(differing > 5, `${differing} runs differed`);
});
