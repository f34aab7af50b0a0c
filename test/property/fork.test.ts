// A fork with nothing changed is the run that it comes from, whatever the tick and the number of workers.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { Orchestrator, replayRun } from '../../src/engine/index.ts';
import { generatedSystem } from '../../src/engine/testing/generated-system.ts';
import { programAgent } from '../../src/engine/testing/program-agent.ts';
import { chainOf, newFolder } from '../../src/engine/testing/runs.ts';
import { runGenerated } from './generated-runs.ts';

/** The same code with a section that nobody reads is another module. */
const otherModule = Buffer.concat([programAgent(), Uint8Array.of(0, 2, 1, 0x78)]);

/** At a tick that ends the run nothing can be changed any more. */
function hasEnded(error: unknown): undefined {
  assert.match(String(error), /the run has ended by then/);
}

test('a fork at any tick gives the digests of the run, with 0, 1, 2 and 4 workers, and a changed one replays', async () => {
  const property = fc.asyncProperty(generatedSystem, fc.nat(), async (generated, at) => {
    const from = newFolder();
    await runGenerated(generated, {}, from);
    const chain = chainOf(from);
    const tick = Number(chain[at % chain.length]!.split(' ')[0]);
    const wanted = chain.filter((entry) => Number(entry.split(' ')[0]) > tick);
    for (const workers of [0, 1, 2, 4]) {
      const runDirectory = newFolder();
      const fork = await Orchestrator.fork({ from, tick, runDirectory, workers, blocking: true });
      await fork.run({ recorded: from });
      assert.deepEqual(chainOf(runDirectory), wanted, `${workers} workers from tick ${tick}`);
      if (workers === 2) await replayRun(runDirectory);
      rmSync(runDirectory, { recursive: true, force: true });
    }
    const changed = newFolder();
    const modules = { one: otherModule, child: otherModule };
    const options = { from, tick, runDirectory: changed, seed: generated.seed + 1, modules };
    const fork = await Orchestrator.fork(options).catch(hasEnded);
    if (fork !== undefined) {
      await fork.run({ recorded: from, ticks: 80 });
      await replayRun(changed, { workers: 1, blocking: true });
    }
    for (const folder of [from, changed]) rmSync(folder, { recursive: true, force: true });
  });
  await fc.assert(property, { numRuns: 5, endOnFailure: false });
});
