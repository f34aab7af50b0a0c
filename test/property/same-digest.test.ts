// The promise, on generated systems: the same chain of digests, outputs and events, whatever runs the turns and however
// the run is kept.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeHex } from '../../src/base/encoding.ts';
import { replayRun } from '../../src/engine/index.ts';
import { systemTables } from '../../src/engine/modules/genesis.ts';
import { prepareModules } from '../../src/engine/modules/prepare-modules.ts';
import { loadRun } from '../../src/engine/record/load-run.ts';
import { reExecute, reExecuteChannels } from '../../src/engine/replay/re-execute.ts';
import { sha256 } from '../../src/engine/sha256.ts';
import { type GeneratedSystem, generatedSystem } from '../../src/engine/testing/generated-system.ts';
import { chainOf, newFolder, recorded } from '../../src/engine/testing/runs.ts';
import { createShuffledPool } from '../../src/engine/testing/shuffled-pool.ts';
import { Machine } from '../../src/engine/turns/machine.ts';
import { readEvents } from '../../src/log/index.ts';
import { type Choice, runGenerated } from './generated-runs.ts';

function story(folder: string): unknown {
  return {
    chain: chainOf(folder),
    events: recorded(folder, 'events'),
    faults: recorded(folder, 'faults'),
    texts: recorded(folder, 'texts'),
    ended: recorded(folder, 'run-ended'),
  };
}

interface Hardship {
  readonly residentAgentsMax: number;
  readonly lossIn?: number;
  readonly journalEntriesMax?: number;
}

async function shuffledChain(
  folder: string,
  size: number,
  seed: number,
  hardship: Hardship = { residentAgentsMax: 4096 },
): Promise<string[]> {
  const { directory, config, modules } = await loadRun(folder);
  const { lossIn = 0, ...limits } = hardship;
  const pool = createShuffledPool(systemTables(config), { size, seed, lossIn });
  const prepared = await prepareModules(config, modules);
  const machine = new Machine({ config, modules: prepared, pool, sha256, ...limits });
  const chain: string[] = [];
  const reader = readEvents(directory, { channels: reExecuteChannels });
  await reExecute({
    reader,
    machine,
    onTick: ({ tick, digest }) => {
      chain.push(`${tick} ${encodeHex(digest)}`);
    },
  });
  return chain;
}

async function sameWith(generated: GeneratedSystem, choices: readonly Choice[]): Promise<void> {
  const folder = newFolder();
  const outputs = await runGenerated(generated, {}, folder);
  const told = story(folder);
  for (const choice of choices) {
    const other = newFolder();
    assert.deepEqual(await runGenerated(generated, choice, other), outputs, JSON.stringify(choice));
    assert.deepEqual(story(other), told, JSON.stringify(choice));
    rmSync(other, { recursive: true, force: true });
  }
  rmSync(folder, { recursive: true, force: true });
}

const some = <T>(
  arbitrary: fc.Arbitrary<T>,
  work: (value: T) => Promise<void>,
  numRuns: number,
): Promise<void> =>
  Promise.resolve(fc.assert(fc.asyncProperty(arbitrary, work), { numRuns, endOnFailure: false }));

test('a shuffled pool of any size replays the record of any system', async () => {
  let faults = 0;
  let ticksSeen = 0;
  await some(
    fc.record({ generated: generatedSystem, size: fc.integer({ min: 1, max: 5 }), seed: fc.nat(1000) }),
    async ({ generated, size, seed }) => {
      const folder = newFolder();
      await runGenerated(generated, {}, folder);
      const chain = chainOf(folder);
      assert.deepEqual(await shuffledChain(folder, size, seed), chain);
      faults += recorded(folder, 'faults').length;
      ticksSeen += chain.length;
      rmSync(folder, { recursive: true, force: true });
    },
    50,
  );
  assert.ok(faults > 20 && ticksSeen > 500, `${faults} faults and ${ticksSeen} ticks were met`);
});

test('lost executors, checkpoints and hibernation change no digest', () =>
  some(
    fc.record({
      generated: generatedSystem,
      size: fc.integer({ min: 1, max: 4 }),
      seed: fc.nat(1000),
      lossIn: fc.integer({ min: 0, max: 12 }),
      residentAgentsMax: fc.integer({ min: 1, max: 6 }),
      journalEntriesMax: fc.integer({ min: 1, max: 30 }),
    }),
    async ({ generated, size, seed, ...hardship }) => {
      const folder = newFolder();
      await runGenerated(generated, {}, folder);
      assert.deepEqual(await shuffledChain(folder, size, seed, hardship), chainOf(folder));
      rmSync(folder, { recursive: true, force: true });
    },
    60,
  ));

test('hooks, trace and durability change no digest, output or event', () =>
  some(
    generatedSystem,
    (generated) =>
      sameWith(generated, [
        { hook: true, trace: 'full', durability: 'batch' },
        { trace: 'outcomes', durability: 'tick' },
      ]),
    15,
  ));

test('1, 2 and 4 workers, blocking or not, give what no workers give, and so does replay', () =>
  some(
    generatedSystem,
    async (generated) => {
      await sameWith(generated, [
        { workers: 1 },
        { workers: 2, blocking: true, hook: true },
        { workers: 4, trace: 'full' },
      ]);
      const folder = newFolder();
      await runGenerated(generated, { workers: 2 }, folder);
      const chain = chainOf(folder);
      for (const choice of [{ workers: 0 }, { workers: 1, blocking: true }, { workers: 4 }]) {
        const { digest, executed, complete } = await replayRun(folder, choice);
        assert.deepEqual([executed, complete], [chain.length, true]);
        assert.ok(chain.at(-1)!.endsWith(` ${digest}`));
      }
    },
    4,
  ));

test('another seed gives another chain', () =>
  some(
    generatedSystem,
    async (generated) => {
      const [folder, other] = [newFolder(), newFolder()];
      await runGenerated(generated, {}, folder);
      await runGenerated({ ...generated, seed: generated.seed + 1 }, {}, other);
      assert.notDeepEqual(chainOf(folder), chainOf(other));
    },
    3,
  ));
