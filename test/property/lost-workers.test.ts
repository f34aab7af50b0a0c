// Workers that die at any point, are ended from outside, pause or hang change no digest, whatever else a run does
// meanwhile. LOST_WORKER_RUNS sets how many systems are tried.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { setEnvironmentData } from 'node:worker_threads';
import fc from 'fast-check';
import { encodeHex } from '../../src/base/encoding.ts';
import { systemTables } from '../../src/engine/modules/genesis.ts';
import { prepareModules } from '../../src/engine/modules/prepare-modules.ts';
import { loadRun } from '../../src/engine/record/load-run.ts';
import { reExecute, reExecuteChannels } from '../../src/engine/replay/re-execute.ts';
import { sha256 } from '../../src/engine/sha256.ts';
import { type GeneratedSystem, generatedSystem } from '../../src/engine/testing/generated-system.ts';
import { chainOf, newFolder } from '../../src/engine/testing/runs.ts';
import { type ExecutedTick, Machine, type Snapshot } from '../../src/engine/turns/machine.ts';
import { readEvents } from '../../src/log/index.ts';
import { createThreadPool } from '../../src/sandbox/index.ts';
import { runGenerated } from './generated-runs.ts';

const numRuns = Number(process.env['LOST_WORKER_RUNS'] ?? 10);
const fault = { none: 0, before: 1, after: 2, inside: 3, pause: 4, hang: 5 } as const;

/** Faults lie so far apart that a worker which is told everything again meets one at most. */
const journalEntriesMax = 6;
const gapMin = 2 * (journalEntriesMax + 2);

interface Hardship {
  readonly workers: number;
  readonly blocking: boolean;
  readonly residentAgentsMax: number;
  /** Streams between one fault and the next, and the fault. */
  readonly faults: readonly (readonly [gap: number, fault: number])[];
  /** Executed ticks after which a worker is ended from outside. */
  readonly kills: readonly number[];
  /** The run goes on from a snapshot, in another machine, after so many ticks. */
  readonly moveAfter: number;
}

const hardship: fc.Arbitrary<Hardship> = fc
  .record({
    workers: fc.integer({ min: 1, max: 3 }),
    blocking: fc.boolean(),
    residentAgentsMax: fc.constantFrom(2, 4, 4096),
    faults: fc.array(
      fc.tuple(
        fc.integer({ min: gapMin, max: gapMin * 3 }),
        fc.constantFrom(fault.before, fault.after, fault.inside, fault.pause),
      ),
      { maxLength: 6 },
    ),
    kills: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
    moveAfter: fc.integer({ min: 1, max: 30 }),
  })
  // One sort of death at a time: two of each might be too many for one stream.
  .map((all) => (all.faults.length > 2 ? { ...all, kills: [] } : { ...all, faults: [] }));

function plan(faults: Hardship['faults']): Int32Array {
  const list = faults.flatMap(([gap, what]) => [...new Array<number>(gap).fill(0), what]);
  const shared = new Int32Array(new SharedArrayBuffer((list.length + 1) * 4));
  shared.set(list, 1);
  setEnvironmentData('faults', shared.buffer as unknown as Parameters<typeof setEnvironmentData>[1]);
  return shared;
}

interface Suffered {
  readonly chain: readonly string[];
  /** Faults that there were. */
  readonly met: number;
}

/** The record executed again by threads to which things happen. */
async function suffer(folder: string, all: Hardship, timeoutMs?: number): Promise<Suffered> {
  const { workers, blocking, residentAgentsMax, faults, kills, moveAfter } = all;
  const { directory, config, modules } = await loadRun(folder);
  const prepared = await prepareModules(config, modules);
  const shared = plan(faults);
  const chain: string[] = [];
  let met = 0;
  const play = async (
    from: Snapshot | undefined,
    last: string | undefined,
  ): Promise<Snapshot | undefined> => {
    const pool = createThreadPool({
      workers,
      tables: systemTables(config),
      blocking,
      program: new URL('./faulty-worker.ts', import.meta.url),
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    const options = { config, modules: prepared, pool, sha256, residentAgentsMax, journalEntriesMax };
    const machine = new Machine(options, from);
    const onTick = async ({ tick, digest }: ExecutedTick): Promise<void> => {
      chain.push(`${tick} ${encodeHex(digest)}`);
      if (!kills.includes(chain.length)) return;
      met++;
      const worker = chain.length % workers;
      // It dies in the midst of what comes next, or while nothing runs.
      if (chain.length % 2 === 0) setImmediate(() => void pool.terminate(worker));
      else await pool.terminate(worker);
    };
    const reader = readEvents(directory, { channels: reExecuteChannels });
    try {
      if (last === undefined) await reExecute({ reader, machine, onTick });
      else await reExecute({ reader, machine, onTick, lastTick: Number(last.split(' ')[0]) });
      return last === undefined ? undefined : await machine.capture();
    } finally {
      await pool.close();
    }
  };
  const last = chainOf(folder)[moveAfter];
  const moved = await play(undefined, last);
  if (moved !== undefined) await play(moved, undefined);
  met += shared.subarray(1, shared[0]! + 1).filter((what) => what !== fault.none).length;
  return { chain, met };
}

async function isUnmoved(generated: GeneratedSystem, all: Hardship, timeoutMs?: number): Promise<number> {
  const folder = newFolder();
  await runGenerated(generated, {}, folder);
  const { chain, met } = await suffer(folder, all, timeoutMs);
  assert.deepEqual(chain, chainOf(folder));
  rmSync(folder, { recursive: true, force: true });
  return met;
}

test('workers that die, are ended or pause at any point change no digest', async () => {
  let met = 0;
  await fc.assert(
    fc.asyncProperty(generatedSystem, hardship, async (generated, all) => {
      met += await isUnmoved(generated, all);
    }),
    { numRuns, endOnFailure: true },
  );
  // A few systems may be over before anything happens to them.
  assert.ok(numRuns < 100 || met >= numRuns / 4, `${met} faults were met`);
});

test('a worker that hangs is replaced when its time is over, and changes no digest', async () => {
  const [generated] = fc.sample(
    generatedSystem.filter(({ lines, tasksPerTickMax }) => lines.length > 10 && tasksPerTickMax > 1),
    { numRuns: 1, seed: 7 },
  );
  for (const blocking of [false, true]) {
    const faults = [[3, fault.hang]] as const;
    const all = { workers: 2, blocking, residentAgentsMax: 4096, faults, kills: [], moveAfter: 1e6 };
    assert.equal(await isUnmoved(generated!, all, 2000), 1);
  }
});
