// A run that was interrupted, or whose record was cut, goes on as if nothing had happened.

import assert from 'node:assert/strict';
import { cpSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSystem, EngineError, Orchestrator, openInput, type RunSummary, replayRun } from '../index.ts';
import { countingAgent } from '../testing/agents.ts';
import { createGenerated, type GeneratedSystem, generatedSystem } from '../testing/generated-system.ts';
import { chainOf, cutRecord, KeptOutputs, newFolder, recorded } from '../testing/runs.ts';

const ticks = 40;
/** 0: none are taken, and the whole record is executed again. */
const snapshotTicks = fc.constantFrom(0, 1, 4);
const counting = countingAgent();

function linesFile(lines: readonly string[]): string {
  const path = `${newFolder()}.jsonl`;
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

interface Whole {
  readonly folder: string;
  readonly input: string;
  readonly chain: readonly string[];
  readonly outputs: readonly string[];
  readonly summary: Omit<RunSummary, 'runDirectory'>;
}

/** The run as it goes when nothing happens to it. */
async function whole(generated: GeneratedSystem, snapshotTicks = 0): Promise<Whole> {
  const folder = newFolder();
  const input = linesFile(generated.lines);
  const outputs = new KeptOutputs();
  const system = await createGenerated(generated, { durability: 'tick', snapshotTicks });
  const orchestrator = await Orchestrator.create({ system, runDirectory: folder, outputs });
  orchestrator.spawnAgent({ agent: 'child' });
  const { runDirectory: _, ...summary } = await orchestrator.run({ source: openInput(input), ticks });
  return { folder, input, chain: chainOf(folder), outputs: outputs.texts, summary };
}

function isEnded(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'run-directory-invalid';
}

test('a run that is interrupted at any ticks goes on with the chain and the outputs of an uninterrupted one', () =>
  fc.assert(
    fc.asyncProperty(
      generatedSystem,
      fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 }),
      snapshotTicks,
      async (generated, pauses, snapshots) => {
        const expected = await whole(generated);
        const folder = newFolder();
        const outputs = new KeptOutputs();
        const host = { durability: 'none', snapshotTicks: snapshots } as const;
        const system = await createGenerated(generated, host);
        let orchestrator = await Orchestrator.create({ system, runDirectory: folder, outputs });
        orchestrator.spawnAgent({ agent: 'child' });
        for (const pause of [...pauses, Number.POSITIVE_INFINITY]) {
          const controller = new AbortController();
          let executed = 0;
          const onTick = (): void => {
            if (++executed >= pause) controller.abort();
          };
          const source = openInput(expected.input);
          const { signal } = controller;
          const { runDirectory: _, ...summary } = await orchestrator.run({ source, ticks, onTick, signal });
          if (summary.reason !== 'interrupted') {
            assert.deepEqual(summary, expected.summary);
            break;
          }
          orchestrator = await Orchestrator.resume({ runDirectory: folder, outputs, workers: 0 });
        }
        assert.deepEqual(chainOf(folder), expected.chain);
        assert.deepEqual(outputs.texts, expected.outputs);
        assert.equal((await replayRun(folder)).complete, true);
        for (const path of [folder, expected.folder]) rmSync(path, { recursive: true, force: true });
      },
    ),
    { numRuns: 25, endOnFailure: true },
  ));

test('a record that was cut at any byte goes on to the chain of the uninterrupted run', () =>
  fc.assert(
    fc.asyncProperty(
      generatedSystem,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
      snapshotTicks,
      async (generated, places, snapshots) => {
        const expected = await whole(generated, snapshots);
        for (const place of places) {
          const folder = newFolder();
          cpSync(expected.folder, folder, { recursive: true });
          const segment = readdirSync(folder)
            .filter((name) => name.endsWith('.mcap'))
            .at(-1)!;
          cutRecord(folder, Math.floor(place * statSync(join(folder, segment)).size), segment);
          const kept = chainOf(folder);
          assert.deepEqual(kept, expected.chain.slice(0, kept.length), 'what is left is a prefix');
          try {
            const orchestrator = await Orchestrator.resume({ runDirectory: folder });
            if (orchestrator.tick === 0) orchestrator.spawnAgent({ agent: 'child' });
            const { runDirectory: _, ...summary } = await orchestrator.run({
              source: openInput(expected.input),
              ticks,
            });
            assert.deepEqual(summary, expected.summary);
          } catch (error) {
            if (!isEnded(error)) throw error;
            assert.equal(kept.length, expected.chain.length, 'only a run whose end is recorded has ended');
          }
          assert.deepEqual(chainOf(folder), expected.chain, `cut at ${place}`);
          assert.equal((await replayRun(folder)).complete, true);
          rmSync(folder, { recursive: true, force: true });
        }
        rmSync(expected.folder, { recursive: true, force: true });
      },
    ),
    { numRuns: 25, endOnFailure: true },
  ));

test('a record that was cut while its agents shut down goes on to the same end, for the same reason', async () => {
  const agents = {
    counting: { module: counting, count: 3, capabilities: ['output'] as const, everyTick: true },
  };
  const system = await createSystem({ run: { tasksPerTickMax: 2 }, host: { durability: 'tick' }, agents });
  // Whoever goes on may name another last tick, or none: why the run stops was decided before.
  for (const [ticks, reason, choices] of [
    [4, 'ticks', [4, undefined, 90]],
    [undefined, 'quiescence', [undefined, 90]],
  ] as const) {
    const folder = newFolder();
    const first = await Orchestrator.create({ system, runDirectory: folder });
    first.send('counting/0', { payload: 1 });
    const { runDirectory: _, ...expected } = await first.run(ticks === undefined ? {} : { ticks });
    assert.equal(expected.reason, reason);
    const chain = chainOf(folder);
    const stopTick = recorded(folder, 'inputs').find(({ stop }) => stop !== '')!.tick;
    const { size } = statSync(join(folder, 'events-000000.mcap'));
    let stopped = 0;
    for (let cut = size - 1; cut > 0; cut -= 61) {
      const copy = newFolder();
      cpSync(folder, copy, { recursive: true });
      cutRecord(copy, cut);
      const isStopped = recorded(copy, 'inputs').some(({ stop }) => stop !== '');
      if (isStopped) stopped++;
      for (const more of isStopped ? choices : [ticks]) {
        const again = newFolder();
        cpSync(copy, again, { recursive: true });
        try {
          const run = await Orchestrator.resume({ runDirectory: again });
          if (run.tick === 0) run.send('counting/0', { payload: 1 });
          const options = more === undefined ? {} : { ticks: more };
          const { runDirectory: __, ...summary } = await run.run(options);
          assert.deepEqual(summary, expected, `cut at byte ${cut}, to ${more}`);
        } catch (error) {
          if (!isEnded(error)) throw error;
        }
        assert.deepEqual(chainOf(again), chain, `cut at byte ${cut}`);
        rmSync(again, { recursive: true, force: true });
      }
      rmSync(copy, { recursive: true, force: true });
    }
    assert.ok(stopped > 1 && stopTick < expected.ticks, `${stopped} of those cuts lie behind the stop`);
  }
});

test('a run whose outputs cannot be given again is let go of', async () => {
  const folder = newFolder();
  const echo = { module: counting, capabilities: ['output'] } as const;
  const run = await Orchestrator.create({
    system: await createSystem({ agents: { echo } }),
    runDirectory: folder,
  });
  run.send('echo', { payload: 1 });
  await run.settle();
  await run.close();
  const outputsAfter = { epoch: 0, tick: 0, index: -1 };
  const refusing = {
    write: () => {
      throw new Error('nobody takes it');
    },
  };
  await assert.rejects(
    Orchestrator.resume({ runDirectory: folder, outputsAfter, outputs: refusing }),
    /nobody takes it/,
  );
  const outputs = new KeptOutputs();
  const again = await Orchestrator.resume({ runDirectory: folder, outputsAfter, outputs });
  assert.equal(outputs.list.length, 1);
  await again.close();
});
