import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeInferenceAnswer, encodeInferenceError, InferenceStatus } from '../../abi/tensor-list.ts';
import { EngineError } from '../../base/errors.ts';
import type { AnswerOf, ChildAnswer, ChildRequest } from '../../inference/child-protocol.ts';
import { InferenceProcess, type Mode } from '../../inference/index.ts';
import { withoutRuntime } from '../../inference/testing/sample-models.ts';
import type { ModelRequest } from '../../scheduler/index.ts';
import type { InferenceTelemetry } from '../../telemetry/index.ts';
import { createSystem, type System } from '../config/index.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { replayRun } from '../replay/replay.ts';
import { keptPorts } from '../testing/kept-process.ts';
import { askingAgent, placeModel, ringAgent, rows, scaleModel } from '../testing/models.ts';
import { chainOf, KeptOutputs, newFolder, recorded, runInParts } from '../testing/runs.ts';
import { type InferenceDesk, openInferenceDesk } from './inference-desk.ts';

const model = placeModel([scaleModel(2)]);

function asking(latencyTicks = 1, mode: Mode = 'portable'): Promise<System> {
  return createSystem({
    host: { durability: 'none' },
    agents: {
      first: { module: askingAgent(), capabilities: ['infer', 'output'] },
      second: { module: askingAgent(), capabilities: ['infer', 'output'] },
    },
    models: { scale: { ...model, latencyTicks, mode } },
  });
}

/** Rings of agents: each answer is asked again, so often, and steps between keep ticks going. */
function ring(latencyTicks: number, batchMax = 4): Promise<System> {
  return createSystem({
    host: { durability: 'none', snapshotTicks: 5 },
    agents: { ring: { module: ringAgent(), capabilities: ['infer', 'output'], count: 5 } },
    models: { scale: { ...placeModel([scaleModel(0.5), scaleModel(-1)]), latencyTicks, batchMax } },
  });
}

function start(orchestrator: Orchestrator): void {
  for (let i = 0; i < 5; i++) orchestrator.send(`ring/${i}`, { payload: rows([i, 1, -i, 0.1]) });
}

/** Holds every answer back, or gives it at once; `waits` says for how many turns of the event loop. */
function slowly(waits: () => number): Ports {
  const openInference: Ports['openInference'] = (system) => {
    const desk = keptPorts.openInference(system);
    const answers: InferenceDesk['answers'] = async (requests, bytesMax) => {
      for (let i = waits(); i > 0; i--) await new Promise((resolve) => setImmediate(resolve));
      return desk.answers(requests, bytesMax);
    };
    return Object.assign(Object.create(desk) as InferenceDesk, {
      answers,
      prepare: () => desk.prepare(),
      preload: (...model: Parameters<InferenceDesk['preload']>) => desk.preload(...model),
      submit: (requests: readonly ModelRequest[]) => desk.submit(requests),
      takeEvents: () => desk.takeEvents(),
      takeFacts: () => desk.takeFacts(),
      close: () => desk.close(),
    });
  };
  return { ...nodePorts, openInference };
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
  const options = { system, runDirectory: folder, workers, outputs };
  const orchestrator = await Orchestrator.create(options, keptPorts);
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

test('hooks are told what each answer took, and a tick that waited says how long', async () => {
  const folder = newFolder();
  const orchestrator = await Orchestrator.create(
    { system: await asking(3), runDirectory: folder },
    keptPorts,
  );
  const heard: InferenceTelemetry[] = [];
  orchestrator.registerTelemetryHook({ inference: (telemetry) => heard.push(telemetry) });
  orchestrator.send('second', { payload: rows([1, 2, 3, 4]) });
  orchestrator.send('first', { payload: rows([1, 2, 3, 4]) });
  orchestrator.send('first', { payload: new Uint8Array([1, 2, 3]) });
  await orchestrator.run();
  const facts = heard.map(({ tick, agent, request, model: name, version, provider, batch }) =>
    [tick, agent, request, name, version, provider, batch].join(' '),
  );
  assert.deepEqual(facts, [
    '4 first 0 scale 1 wasm 2',
    '4 first 1 scale 1 wasm 0',
    '4 second 0 scale 1 wasm 2',
  ]);
  for (const { queueMs, computeMs, waitedMs, bytes, processBytes, batch } of heard) {
    assert.ok(queueMs > 0 && waitedMs >= 0 && processBytes > bytes && bytes > 1_048_576);
    assert.equal(computeMs > 0, batch > 0);
  }
  const waits = recorded(folder, 'events').filter(({ kind }) => kind === 'tick-waited');
  assert.equal(
    waits.length > 0,
    heard.some(({ waitedMs }) => waitedMs > 0),
  );
  for (const { reason, text } of waits) {
    assert.match(reason, /^its answers were due and not there yet, for [0-9.]+ ms$/);
    assert.equal(text, 'scale');
  }
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

test('digests are the same with a fast, a slow and a dying inference process, and with any number of workers', async () => {
  const system = await ring(2);
  const chains: string[][] = [];
  let seed = 1;
  const processes: DyingProcess[] = [];
  const dying: Ports = {
    ...nodePorts,
    openInference: (of) =>
      openInferenceDesk(of, () => {
        const process = new DyingProcess();
        processes.push(process);
        return process;
      }),
  };
  const cases: [number, Ports][] = [
    [0, keptPorts],
    [1, slowly(() => 20)],
    [2, slowly(() => (seed++ * 7) % 5)],
    [4, keptPorts],
    [0, dying],
  ];
  for (const [workers, ports] of cases) {
    const folder = newFolder();
    const orchestrator = await Orchestrator.create({ system, runDirectory: folder, workers }, ports);
    start(orchestrator);
    await orchestrator.run();
    chains.push(chainOf(folder));
  }
  assert.ok(chains[0]!.length > 10);
  for (const chain of chains) assert.deepEqual(chain, chains[0]);
  assert.ok(processes.length > 3);
});

/** Dies on every fourth run. */
class DyingProcess extends InferenceProcess {
  #runs = 0;

  override ask<K extends ChildAnswer['kind']>(wanted: K, request: ChildRequest): Promise<AnswerOf<K>> {
    if (wanted === 'ran' && ++this.#runs === 4) process.kill(this.pid!, 'SIGKILL');
    return super.ask(wanted, request);
  }
}

test('a run that stops with requests under way goes on, and so does a fork of it, with the digests of one that did not', async () => {
  const system = await ring(3);
  const whole = newFolder();
  const first = await Orchestrator.create({ system, runDirectory: whole }, keptPorts);
  start(first);
  await first.run();
  const parts = newFolder();
  const begin = async (): Promise<Orchestrator> => {
    const orchestrator = await Orchestrator.create({ system, runDirectory: parts }, keptPorts);
    start(orchestrator);
    return orchestrator;
  };
  await runInParts(parts, begin, [4, 12], keptPorts);
  assert.deepEqual(chainOf(parts), chainOf(whole));
  await replayRun(parts, { from: 12 });
  for (const tick of [9]) {
    const forked = newFolder();
    const fork = await Orchestrator.fork({ from: whole, tick, runDirectory: forked }, keptPorts);
    await fork.run();
    assert.deepEqual(
      chainOf(forked),
      chainOf(whole).filter((line) => Number(line.split(' ')[0]) > tick),
    );
    await replayRun(forked);
  }
});

test('another version answers what is asked from its tick on, and what is under way keeps its own', async () => {
  const folder = newFolder();
  const outputs = new KeptOutputs();
  const system = await createSystem({
    host: { durability: 'none' },
    agents: { first: { module: askingAgent(), capabilities: ['infer', 'output'] } },
    models: { scale: { ...placeModel([scaleModel(2), scaleModel(10)]), latencyTicks: 5 } },
  });
  const orchestrator = await Orchestrator.create({ system, runDirectory: folder, outputs }, keptPorts);
  await assert.rejects(
    orchestrator.useModel('scale', '3'),
    /Cannot use version "3" of model "scale": the system declares 1, 2/,
  );
  await assert.rejects(
    orchestrator.useModel('other', '1'),
    /Cannot use model "other": the system declares scale/,
  );
  orchestrator.send('first', { payload: rows([1, 1, 1, 1]) });
  await orchestrator.settle();
  await orchestrator.useModel('scale', '2');
  orchestrator.send('first', { payload: rows([1, 1, 1, 1]) });
  await orchestrator.settle();
  await orchestrator.stop();
  assert.deepEqual(floats(outputs), ['6 first 3 3 3 3', '12 first 11 11 11 11']);
  assert.deepEqual(
    orchestrator.modelStatistics.map(({ version, requests }) => [version, requests]),
    [
      ['1', 1],
      ['2', 1],
    ],
  );
  await replayRun(folder);
});

test('a record whose models are not there says which of them, and in which folder', async () => {
  const { folder } = await run(await asking(), 0);
  const elsewhere = { recompute: true, modelsDirectory: newFolder() };
  await assert.rejects(replayRun(folder, elsewhere, keptPorts), (error) => {
    assert.ok(error instanceof EngineError && error.code === 'model-missing');
    assert.match(error.message, /^Cannot load model "scale\/1": no folder at ".*scale.1"$/);
    return true;
  });
  rmSync(join(folder, 'models.json'));
  await assert.rejects(
    replayRun(folder, { recompute: true }, keptPorts),
    /^EngineError: Cannot run model "scale": where it lies is not known/,
  );
});

test('a system without the model that it names does not begin', async () => {
  const system = await createSystem({
    agents: { first: { module: askingAgent(), capabilities: ['infer', 'output'] } },
    models: { scale: { folder: '/nowhere', versions: { 1: '0'.repeat(64) } } },
  });
  await assert.rejects(Orchestrator.create({ system, runDirectory: newFolder() }), /no folder at/);
});

/** As if the second answer had another bit in one of its bytes now, and the machine perhaps another name. */
function lying(place: number, machine = ''): Ports {
  const openInference: Ports['openInference'] = (system) => {
    const desk = keptPorts.openInference(system);
    const answers: InferenceDesk['answers'] = async (requests) => {
      const list = await desk.answers(requests);
      return list.map((bytes, i) =>
        i === 1 ? bytes.map((byte, at) => (at === place ? byte ^ 1 : byte)) : bytes,
      );
    };
    return Object.assign(Object.create(desk) as InferenceDesk, {
      answers,
      prepare: () => desk.prepare(),
      submit: (requests: readonly ModelRequest[]) => desk.submit(requests),
      takeEvents: () => desk.takeEvents().map((event) => ({ ...event, reason: event.reason + machine })),
      takeFacts: () => desk.takeFacts(),
      close: () => desk.close(),
    });
  };
  return { ...nodePorts, openInference };
}

/** As if the second answer did not come in time now; `left` says how many facts of answers nobody took. */
function late(): { readonly ports: Ports; readonly left: () => number } {
  let facts = 0;
  const openInference: Ports['openInference'] = (system) => {
    const desk = keptPorts.openInference(system);
    const answers: InferenceDesk['answers'] = async (requests) => {
      const list = await desk.answers(requests);
      facts += list.length;
      const noAnswer = encodeInferenceError(InferenceStatus.timedOut, 'late');
      return list.map((bytes, i) => (i === 1 ? noAnswer : bytes));
    };
    return Object.assign(Object.create(desk) as InferenceDesk, {
      answers,
      prepare: () => desk.prepare(),
      submit: (requests: readonly ModelRequest[]) => desk.submit(requests),
      takeEvents: () => desk.takeEvents(),
      takeFacts: () => {
        const taken = desk.takeFacts();
        facts -= taken.length;
        return taken;
      },
      close: () => desk.close(),
    });
  };
  return { ports: { ...nodePorts, openInference }, left: () => facts };
}

/** The first and the last byte of an answer's first number: its smallest bit, and its exponent's. */
const [smallest, largest] = [40, 43];
const difference =
  /request 1 of agent "first" to model "scale", due in tick 2: output "y" differs first at element 0 of 4/;

test('models are run again and compared, and the first difference is told', async () => {
  const { folder } = await run(await asking(), 0);
  const { recomputed } = await replayRun(folder, { recompute: true }, keptPorts);
  assert.deepEqual(recomputed, { answers: 4, exact: 4, difference: 0 });
  await assert.rejects(replayRun(folder, { recompute: true }, lying(largest)), difference);
  await assert.rejects(replayRun(folder, { recompute: true }, lying(smallest, ' elsewhere')), difference);
});

test('a native model gives the same bits where it ran, and elsewhere it may differ a little', {
  skip: withoutRuntime('native'),
}, async () => {
  const { folder } = await run(await asking(1, 'native'), 0);
  const { recomputed } = await replayRun(folder, { recompute: true }, keptPorts);
  assert.deepEqual(recomputed, { answers: 4, exact: 4, difference: 0 });
  await assert.rejects(replayRun(folder, { recompute: true }, lying(smallest)), difference);
  const elsewhere = await replayRun(folder, { recompute: true }, lying(smallest, ' elsewhere'));
  assert.equal(elsewhere.recomputed!.exact, 3);
  assert.ok(elsewhere.recomputed!.difference > 0);
  await assert.rejects(replayRun(folder, { recompute: true }, lying(largest, ' elsewhere')), difference);
});

test('an answer that does not come in time when it is computed again says nothing, and nothing is kept of any', {
  skip: withoutRuntime('native'),
}, async () => {
  const { folder } = await run(await asking(1, 'native'), 0);
  const { ports, left } = late();
  const { recomputed } = await replayRun(folder, { recompute: true }, ports);
  assert.deepEqual(recomputed, { answers: 3, exact: 3, difference: 0 });
  assert.equal(left(), 0);
});
