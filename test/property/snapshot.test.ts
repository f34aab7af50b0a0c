// A snapshot is the whole of a run: whatever runs on from it, at any tick, gives the digests of the run that was not
// interrupted.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeHex } from '../../src/base/encoding.ts';
import { systemTables } from '../../src/engine/modules/genesis.ts';
import { prepareModules } from '../../src/engine/modules/prepare-modules.ts';
import { loadRun } from '../../src/engine/record/load-run.ts';
import { reExecute, reExecuteChannels } from '../../src/engine/replay/re-execute.ts';
import { sha256 } from '../../src/engine/sha256.ts';
import { SnapshotStore } from '../../src/engine/snapshot/store.ts';
import { generatedSystem } from '../../src/engine/testing/generated-system.ts';
import { newFolder } from '../../src/engine/testing/runs.ts';
import { createShuffledPool } from '../../src/engine/testing/shuffled-pool.ts';
import { Machine, type Snapshot } from '../../src/engine/turns/machine.ts';
import { readEvents } from '../../src/log/index.ts';
import { runGenerated } from './generated-runs.ts';

test('a run goes on from a snapshot of any tick, written and read back, with the same digests', async () => {
  let snapshots = 0;
  let left = 0;
  const property = fc.asyncProperty(
    fc.record({
      generated: generatedSystem,
      size: fc.integer({ min: 1, max: 3 }),
      every: fc.integer({ min: 1, max: 9 }),
    }),
    async ({ generated, size, every }) => {
      const folder = newFolder();
      await runGenerated(generated, {}, folder);
      const { directory, config, modules } = await loadRun(folder);
      const prepared = await prepareModules(config, modules);
      const store = new SnapshotStore(directory);
      const openMachine = (from?: Snapshot): Machine => {
        const pool = createShuffledPool(systemTables(config), { size, seed: every });
        return new Machine({ config, modules: prepared, pool, sha256, residentAgentsMax: 3 }, from);
      };
      const chain: string[] = [];
      const machine = openMachine();
      await reExecute({
        reader: readEvents(directory, { channels: reExecuteChannels }),
        machine,
        onTick: async ({ tick, digest }) => {
          chain.push(`${tick} ${encodeHex(digest)}`);
          if (tick % every !== 0) return;
          // What is as it was is left out of every other snapshot, and read back with it all the same.
          const since = (tick / every) % 3 === 0 ? undefined : store.lastTick;
          const captured = await machine.capture(since);
          left += captured.same?.length ?? 0;
          await store.write(captured, 10);
        },
      });
      for (const tick of store.ticks()) {
        const from = store.read(tick);
        const again: string[] = [];
        await reExecute({
          reader: readEvents(directory, { channels: reExecuteChannels }),
          machine: openMachine(from),
          onTick: ({ tick: done, digest }) => {
            again.push(`${done} ${encodeHex(digest)}`);
          },
        });
        assert.deepEqual(again, chain.slice(chain.length - again.length));
        snapshots++;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  );
  await fc.assert(property, { numRuns: 40, endOnFailure: false });
  assert.ok(snapshots > 20, `${snapshots} snapshots were taken`);
  assert.ok(left > 20, `${left} agents were left out`);
});
