// Versions of a model in a run: which of them lie in memory, and what a swap to a bad one leaves as it was.

import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { ElementType, encodeTensorList } from '../../abi/tensor-list.ts';
import { EngineError } from '../../base/errors.ts';
import type { AnswerOf, ChildAnswer, ChildRequest } from '../../inference/child-protocol.ts';
import { InferenceProcess } from '../../inference/index.ts';
import { withoutRuntime } from '../../inference/testing/sample-models.ts';
import { InputKind } from '../../log/index.ts';
import type { ModelRequest } from '../../scheduler/index.ts';
import { createSystem, type System } from '../config/index.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { schedulerConfig } from '../modules/genesis.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { replayRun } from '../replay/replay.ts';
import { askingAgent, placeModel, rows, scaleModel } from '../testing/models.ts';
import { KeptOutputs, newFolder, recorded } from '../testing/runs.ts';
import { openInferenceDesk, type VersionInUse } from './inference-desk.ts';

/** Versions by session, of what lies in the memory of its process. */
class Watched extends InferenceProcess {
  readonly #resident: Map<number, string>;

  constructor(resident: Map<number, string>) {
    super();
    this.#resident = resident;
  }

  override async ask<K extends ChildAnswer['kind']>(kind: K, request: ChildRequest): Promise<AnswerOf<K>> {
    const answer = await super.ask(kind, request);
    // Session 0 is a trial.
    if (request.kind === 'load' && request.session > 0)
      this.#resident.set(request.session, basename(request.folder));
    if (request.kind === 'release') this.#resident.delete(request.session);
    return answer;
  }
}

/** Ports whose models can be looked at. */
function watched(): { readonly ports: Ports; readonly versions: () => string } {
  const resident = new Map<number, string>();
  const openInference: Ports['openInference'] = (of) => openInferenceDesk(of, () => new Watched(resident));
  const versions = (): string => [...resident.values()].sort().join(' ');
  return { ports: { ...nodePorts, openInference }, versions };
}

function systemOf(models: readonly Uint8Array[], latencyTicks = 1): Promise<System> {
  return createSystem({
    host: { durability: 'none' },
    agents: { first: { module: askingAgent(), capabilities: ['infer', 'output'] } },
    models: { scale: { ...placeModel(models), latencyTicks } },
  });
}

async function ask(run: Orchestrator): Promise<void> {
  run.send('first', { payload: rows([1, 1, 1, 1]) });
  await run.settle();
}

const skip = withoutRuntime('portable');

test('only the version in use stays in memory, whatever was asked before and how often it was swapped', {
  skip,
}, async () => {
  const { ports, versions } = watched();
  const runDirectory = newFolder();
  const system = await systemOf([scaleModel(2), scaleModel(10), scaleModel(5)]);
  const run = await Orchestrator.create({ system, runDirectory }, ports);
  const loads = (): string => run.modelStatistics.map((each) => `${each.version}:${each.loads}`).join(' ');
  await ask(run);
  assert.equal(versions(), '1');
  await run.useModel('scale', '2');
  assert.equal(versions(), '1 2', 'loaded before it is used, and the old one until then');
  await ask(run);
  await ask(run);
  assert.equal(versions(), '2', 'the old one was idle when it was swapped');
  await run.useModel('scale', '1');
  for (let i = 0; i < 4; i++) await ask(run);
  assert.equal(versions(), '1');
  assert.equal(loads(), '1:2 2:1', 'none was loaded for a request');
  // One that was never asked goes, too.
  await run.useModel('scale', '3');
  await run.useModel('scale', '2');
  await ask(run);
  await ask(run);
  assert.equal(versions(), '2');
  await run.close();
});

test('a run begins, and takes a version, only where loading takes no longer than modelLoadMs', {
  skip,
}, async () => {
  const description = {
    agents: { first: { module: askingAgent(), capabilities: ['infer' as const, 'output' as const] } },
    models: { scale: placeModel([scaleModel(2)]) },
  };
  const late = {
    code: 'model-refused',
    message: /^Cannot load model "scale\/1": loading it took longer than 1 ms$/,
  };
  const hasty = await createSystem({ ...description, host: { modelLoadMs: 1 } });
  await assert.rejects(Orchestrator.create({ system: hasty, runDirectory: newFolder() }), late);
});

test('an old version stays as long as a request of it is under way', { skip }, async () => {
  const { ports, versions } = watched();
  const system = await systemOf([scaleModel(2), scaleModel(10)]);
  const desk = ports.openInference(system);
  const [model] = system.config.models;
  const [declaration] = schedulerConfig(system.config).models!;
  const inUse = (version: number): VersionInUse[] => [{ version, declaration: declaration! }];
  const bytes = rows([1, 1, 1, 1]);
  const agent = { name: 'first', number: 0 } as ModelRequest['agent'];
  const payload = { bytes, offset: 0, length: bytes.length };
  const request: ModelRequest = {
    ...{ agent, payload, incarnation: 0, number: 0, model: 0, version: 0, tag: 0 },
    ...{ tick: 1, dueTick: 5, generation: undefined },
  };
  try {
    await desk.prepare();
    desk.submit([request], inUse(0));
    await desk.preload(model!, 1);
    desk.submit([], inUse(1));
    await desk.preload(model!, 1);
    assert.equal(versions(), '1 2');
    const [answer] = await desk.answers([request]);
    assert.deepEqual(answer!.slice(-16), answerData(3));
    const after: ModelRequest = { ...request, number: 1, version: 1 };
    desk.submit([after], inUse(1));
    assert.deepEqual((await desk.answers([after]))[0]!.slice(-16), answerData(11));
    await desk.preload(model!, 1);
    assert.equal(versions(), '2');
  } finally {
    await desk.close();
  }
});

test('a tick waits for what its observer waits for, so that a swap belongs to it', { skip }, async () => {
  const { ports } = watched();
  const outputs = new KeptOutputs();
  const system = await systemOf([scaleModel(2), scaleModel(10)]);
  const run = await Orchestrator.create({ system, runDirectory: newFolder(), outputs }, ports);
  run.send('first', { payload: rows([1, 1, 1, 1]) });
  const swap = async (): Promise<void> => {
    await run.useModel('scale', '2');
    run.send('first', { payload: rows([1, 1, 1, 1]) });
  };
  await run.settle({ onTick: ({ ticks }) => (ticks === 1 ? swap() : undefined) });
  assert.deepEqual(
    outputs.list.map(({ tick, payload }) => [tick, payload.slice(-16)]),
    [
      [2, answerData(3)],
      [3, answerData(11)],
    ],
  );
  run.send('first', { payload: rows([1, 1, 1, 1]) });
  const refused = run.settle({ onTick: () => Promise.reject(new Error('the observer failed')) });
  await assert.rejects(refused, /the observer failed/);
  await run.close();
});

test('a swap to a version that cannot be loaded is refused, recorded nowhere, and the run goes on', {
  skip,
}, async () => {
  const { ports, versions } = watched();
  const runDirectory = newFolder();
  const outputs = new KeptOutputs();
  const system = await systemOf([scaleModel(2), new Uint8Array([1, 2, 3]), scaleModel(10)]);
  const run = await Orchestrator.create({ system, runDirectory, outputs }, ports);
  await ask(run);
  const swaps = [run.useModel('scale', '2'), run.useModel('scale', '3'), run.useModel('scale', '1')];
  const [bad, good] = await Promise.allSettled(swaps);
  assert.ok(bad!.status === 'rejected' && bad!.reason instanceof EngineError);
  assert.equal(bad!.reason.code, 'model-refused');
  assert.match(bad!.reason.message, /^Cannot load model "scale\/2": [^\n]+$/);
  assert.equal(good!.status, 'fulfilled');
  await ask(run);
  await run.close();
  const again = await Orchestrator.resume({ runDirectory, outputs }, ports);
  await ask(again);
  await again.stop();
  assert.equal(versions().includes('2'), false);
  assert.equal(outputs.list.length, 3, 'the last of the swaps counts');
  for (const { payload } of outputs.list) assert.deepEqual(payload.slice(-16), answerData(3));
  const sealed = recorded(runDirectory, 'inputs').flatMap(({ inputs }) => inputs);
  const swapped = sealed.filter(({ kind }) => kind === InputKind.useModel);
  assert.equal(swapped.length, 2);
  await replayRun(runDirectory);
});

function answerData(value: number): Uint8Array {
  const data = new Uint8Array(new Float32Array(4).fill(value).buffer);
  return encodeTensorList([{ name: 'y', type: ElementType.float32, dims: [1, 4], data }]).slice(-16);
}
