import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeInferenceAnswer } from '../abi/tensor-list.ts';
import { createSystem, type System } from './config/index.ts';
import { Orchestrator } from './orchestrator.ts';
import { replayRun } from './replay.ts';
import { askingAgent, placeModel, rows, scaleModel } from './testing/models.ts';
import { chainOf, KeptOutputs, newFolder, recorded } from './testing/runs.ts';

const model = placeModel([scaleModel(2)]);

function asking(latencyTicks = 1): Promise<System> {
  return createSystem({
    host: { durability: 'none' },
    agents: {
      first: { module: askingAgent(), capabilities: ['infer', 'output'] },
      second: { module: askingAgent(), capabilities: ['infer', 'output'] },
    },
    models: { scale: { ...model, latencyTicks } },
  });
}

function floats(outputs: KeptOutputs): string[] {
  return outputs.list.map(({ tick, agent, payload }) => {
    const answer = decodeInferenceAnswer(payload);
    if (answer === undefined) return `${tick} ${agent} ?`;
    if (answer.status !== 0) return `${tick} ${agent} ${answer.status} ${answer.text}`;
    return `${tick} ${agent} ${answer.tensors.map(({ data }) => new Float32Array(data.slice().buffer).join(' '))}`;
  });
}

async function run(system: System, workers: number): Promise<{ folder: string; outputs: string[] }> {
  const folder = newFolder();
  const outputs = new KeptOutputs();
  const orchestrator = await Orchestrator.create({ system, runDirectory: folder, workers, outputs });
  orchestrator.send('second', { payload: rows([1, 2, 3, 4]) });
  orchestrator.send('first', { payload: rows([1, 2, 3, 4], [0, 0, 0, 0]) });
  orchestrator.send('first', { payload: rows([1, 2, 3, 4]) });
  orchestrator.send('first', { payload: new Uint8Array([1, 2, 3]) });
  await orchestrator.run();
  return { folder, outputs: floats(outputs) };
}

test('a request is answered so many ticks later, in the order of agents, and its mistakes are answers', async () => {
  const { folder, outputs } = await run(await asking(3), 0);
  assert.deepEqual(outputs, [
    '4 first 3 5 7 9 1 1 1 1',
    '4 first 3 5 7 9',
    '4 first 1 Cannot read the tensors: found 3 bytes, wanted at least 8',
    '4 second 3 5 7 9',
  ]);
  assert.equal(recorded(folder, 'answers').length, 3, 'each distinct answer is told once');
});

test('digests are the same with workers, and on replay without any model', async () => {
  const plain = await run(await asking(), 0);
  const spread = await run(await asking(), 2);
  assert.deepEqual(chainOf(spread.folder), chainOf(plain.folder));
  assert.deepEqual(spread.outputs, plain.outputs);
  for (const workers of [0, 1]) {
    const replayed = await replayRun(plain.folder, { workers });
    assert.equal(replayed.complete, true);
  }
});
