// Runs that go on from a record: which models they want, and what they ask of them again.

import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withoutRuntime } from '../../inference/testing/sample-models.ts';
import type { ModelRequest } from '../../scheduler/index.ts';
import { createSystem } from '../config/index.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { replayRun } from '../replay/replay.ts';
import { keptPorts } from '../testing/kept-process.ts';
import { askingAgent, placeModel, ringAgent, rows, scaleModel } from '../testing/models.ts';
import { chainOf, newFolder } from '../testing/runs.ts';

const skip = withoutRuntime('portable');

function asked({ modelStatistics }: Orchestrator): readonly number[] {
  return modelStatistics.map(({ requests }) => requests);
}

test('a fork asks no model for answers that the record has, and those that it has not', {
  skip,
}, async () => {
  const system = await createSystem({
    host: { durability: 'none' },
    agents: { ring: { module: ringAgent(), capabilities: ['infer', 'output'], count: 3 } },
    models: { scale: placeModel([scaleModel(0.5)], { latencyTicks: 3 }) },
  });
  const begin = async (runDirectory: string): Promise<Orchestrator> => {
    const run = await Orchestrator.create({ system, runDirectory }, keptPorts);
    for (let i = 0; i < 3; i++) run.send(`ring/${i}`, { payload: rows([i, 1, 1, 1]) });
    return run;
  };
  const [whole, part] = [newFolder(), newFolder()];
  const first = await begin(whole);
  await first.run();
  assert.deepEqual(asked(first), [30]);
  const abort = new AbortController();
  const onTick = ({ ticks }: { readonly ticks: number }): void => {
    if (ticks >= 14) abort.abort();
  };
  await (await begin(part)).run({ onTick, signal: abort.signal });
  for (const [recorded, wanted] of [
    [whole, []],
    [part, [18]],
  ] as const) {
    const runDirectory = newFolder();
    const fork = await Orchestrator.fork({ from: recorded, tick: 5, runDirectory }, keptPorts);
    await fork.run({ recorded });
    assert.deepEqual(
      asked(fork).filter((requests) => requests > 0),
      wanted,
    );
    const behind = chainOf(whole).filter((line) => Number(line.split(' ')[0]) > 5);
    assert.deepEqual(chainOf(runDirectory), behind);
  }
});

test('a run that swapped a version goes on, is forked and computed again without the one of before', {
  skip,
}, async () => {
  const placed = placeModel([scaleModel(2), scaleModel(10)]);
  const system = await createSystem({
    host: { durability: 'none' },
    agents: { first: { module: askingAgent(), capabilities: ['infer', 'output'] } },
    models: { scale: placed },
  });
  const runDirectory = newFolder();
  const ask = async (run: Orchestrator): Promise<void> => {
    run.send('first', { payload: rows([1, 1, 1, 1]) });
    await run.settle();
  };
  const run = await Orchestrator.create({ system, runDirectory }, keptPorts);
  await ask(run);
  await run.useModel('scale', '2');
  await ask(run);
  const tick = await run.saveSnapshot();
  await run.close();
  renameSync(join(placed.folder, '1'), join(placed.folder, 'gone'));
  for (const goOn of [
    () => Orchestrator.fork({ from: runDirectory, tick, runDirectory: newFolder() }, keptPorts),
    () => Orchestrator.resume({ runDirectory }, keptPorts),
  ]) {
    const other = await goOn();
    await ask(other);
    await other.stop();
    assert.deepEqual(asked(other), [1]);
  }
  const { recomputed } = await replayRun(runDirectory, { from: tick + 1, recompute: true }, keptPorts);
  assert.equal(recomputed?.exact, 1);
  const early = Orchestrator.fork({ from: runDirectory, tick: 1, runDirectory: newFolder() }, keptPorts);
  await assert.rejects(early, /^EngineError: Cannot load model "scale\/1": no folder at/);
});

test('what was asked is not asked again', { skip }, async () => {
  const system = await createSystem({
    agents: { first: { module: askingAgent(), capabilities: ['infer', 'output'] } },
    models: { scale: placeModel([scaleModel(2)]) },
  });
  const desk = keptPorts.openInference(system);
  const bytes = rows([1, 1, 1, 1]);
  const request: ModelRequest = {
    agent: { name: 'first', number: 0 } as ModelRequest['agent'],
    payload: { bytes, offset: 0, length: bytes.length },
    ...{ incarnation: 0, number: 0, model: 0, version: 0, tag: 0, tick: 1, dueTick: 2 },
    generation: undefined,
  };
  try {
    await desk.prepare();
    desk.submit([request]);
    desk.submit([request]);
    await desk.answers([request]);
    assert.equal(desk.statistics[0]!.requests, 1);
  } finally {
    await desk.close();
  }
});
