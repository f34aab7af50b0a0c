// Answers that come due together, and are more than one tick takes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutRuntime } from '../../inference/testing/sample-models.ts';
import { createSystem, type System } from '../config/index.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { replayRun } from '../replay/replay.ts';
import { keptPorts } from '../testing/kept-process.ts';
import { askingAgent, placeModel, ringAgent, rows, scaleModel } from '../testing/models.ts';
import { chainOf, KeptOutputs, newFolder, runInParts } from '../testing/runs.ts';
import type { InferenceDesk } from './inference-desk.ts';

const model = placeModel([scaleModel(0.5)]);
/** Bytes of an answer of one row. */
const answerBytes = 56;

function systemOf(module: Uint8Array, count: number, answerBytesPerTickMax: number): Promise<System> {
  return createSystem({
    run: { answerBytesPerTickMax },
    host: { durability: 'none', snapshotTicks: 5 },
    agents: { ring: { module, capabilities: ['infer', 'output'], count } },
    models: { scale: { ...model, latencyTicks: 2 } },
  });
}

/** Holds answers back for some turns of the event loop. */
function slowly(turns: () => number): Ports {
  const openInference: Ports['openInference'] = (system) => {
    const desk = keptPorts.openInference(system);
    const answers: InferenceDesk['answers'] = async (requests, bytesMax) => {
      for (let i = turns(); i > 0; i--) await new Promise((resolve) => setImmediate(resolve));
      return desk.answers(requests, bytesMax);
    };
    return new Proxy(desk, {
      get: (of, name) => {
        if (name === 'answers') return answers;
        const value: unknown = Reflect.get(of, name, of);
        return typeof value === 'function' ? value.bind(of) : value;
      },
    });
  };
  return { ...nodePorts, openInference };
}

const skip = withoutRuntime('portable');

test('a tick takes the answers that answerBytesPerTickMax lets in, one at the least, and the next tick others', {
  skip,
}, async () => {
  const ticksOf = async (bytesMax: number): Promise<string> => {
    const outputs = new KeptOutputs();
    const system = await systemOf(askingAgent(), 3, bytesMax);
    const run = await Orchestrator.create({ system, runDirectory: newFolder(), outputs }, keptPorts);
    for (const i of [0, 1, 2, 0, 1]) run.send(`ring/${i}`, { payload: rows([i, 1, 2, 3]) });
    await run.run();
    assert.equal(outputs.list[0]!.payload.length, answerBytes);
    return outputs.list.map(({ tick, agent }) => `${tick}:${agent.slice(5)}`).join(' ');
  };
  assert.equal(await ticksOf(answerBytes * 5), '3:0 3:0 3:1 3:1 3:2');
  assert.equal(await ticksOf(answerBytes * 5 - 1), '3:0 3:0 3:1 3:1 4:2');
  assert.equal(await ticksOf(answerBytes * 2), '3:0 3:0 4:1 4:1 5:2');
  assert.equal(await ticksOf(1), '3:0 4:0 5:1 6:1 7:2');
});

test('digests are the same with fast and slow models, with any workers, in parts, in a fork and on replay', {
  skip,
}, async () => {
  const system = await systemOf(ringAgent(), 5, answerBytes * 2);
  let seed = 1;
  const cases: [number, Ports][] = [
    [0, keptPorts],
    [1, slowly(() => 20)],
    [2, slowly(() => (seed++ * 7) % 5)],
    [4, keptPorts],
  ];
  const begin = async (runDirectory: string, workers: number, ports: Ports): Promise<Orchestrator> => {
    const run = await Orchestrator.create({ system, runDirectory, workers }, ports);
    for (let i = 0; i < 5; i++) run.send(`ring/${i}`, { payload: rows([i, 1, -i, 0.1]) });
    return run;
  };
  const folders: string[] = [];
  for (const [workers, ports] of cases) {
    const folder = newFolder();
    await (await begin(folder, workers, ports)).run();
    folders.push(folder);
  }
  const [whole] = folders;
  const chain = chainOf(whole!);
  assert.ok(chain.length > 20);
  for (const folder of folders) assert.deepEqual(chainOf(folder), chain);
  await replayRun(whole!, { workers: 1 });
  const { recomputed } = await replayRun(whole!, { recompute: true }, keptPorts);
  assert.equal(recomputed!.exact, recomputed!.answers);
  const parts = newFolder();
  await runInParts(parts, () => begin(parts, 0, keptPorts), [4, 12], keptPorts);
  assert.deepEqual(chainOf(parts), chain);
  for (const tick of [3, 4, 9]) {
    const forked = newFolder();
    const fork = await Orchestrator.fork({ from: whole!, tick, runDirectory: forked }, keptPorts);
    await fork.run();
    const wanted = chain.filter((line) => Number(line.split(' ')[0]) > tick);
    assert.deepEqual(chainOf(forked), wanted);
  }
});
