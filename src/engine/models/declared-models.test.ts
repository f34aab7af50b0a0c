// Models that an input brings in while the run goes on.

import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { HostCode } from '../../abi/host-functions.ts';
import { EngineError } from '../../base/errors.ts';
import { withoutRuntime } from '../../inference/testing/sample-models.ts';
import { compactRun } from '../compact/compact-run.ts';
import { createSystem, type System } from '../config/index.ts';
import { diffRuns } from '../diff/diff-runs.ts';
import { exportRun } from '../export/export-run.ts';
import { inspectState } from '../inspect/agent-state.ts';
import { happenings } from '../inspect/happenings.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { replayRun } from '../replay/replay.ts';
import { echoAgent } from '../testing/agents.ts';
import { keptPorts } from '../testing/kept-process.ts';
import { lateAsker, lateTexts, placeModel, rows, scaleModel } from '../testing/models.ts';
import { chainOf, KeptOutputs, newFolder } from '../testing/runs.ts';

const late = placeModel([scaleModel(2), scaleModel(10)]);

function withoutModels(rest: Partial<Parameters<typeof createSystem>[0]> = {}): Promise<System> {
  return createSystem({
    host: { durability: 'none', snapshotTicks: 4, residentAgentsMax: 2 },
    agents: { asker: { module: lateAsker(), capabilities: ['infer', 'output'], count: 4 } },
    ...rest,
  });
}

function askAll(run: Orchestrator, value: number): void {
  for (let i = 0; i < 4; i++) run.send(`asker/${i}`, { payload: rows([value + i, 1, 1, 1]) });
}

/** Asks before there is a model, of the model, of its other version, and of that with requests under way. */
async function script(run: Orchestrator, from = 0, between = async () => {}): Promise<void> {
  const steps = [
    async () => askAll(run, 1),
    async () => {
      await run.declareModel('late', { ...late, latencyTicks: 3 });
      askAll(run, 2);
    },
    async () => {
      await run.useModel('late', '2');
      askAll(run, 3);
    },
    async () => askAll(run, 4),
  ];
  for (const step of steps.slice(from)) {
    await between();
    await step();
    await run.settle();
  }
}

const skip = withoutRuntime('portable');

test('agents may ask a model from the tick on in which an input declares it; before, they are told that there is none', {
  skip,
}, async () => {
  const outputs = new KeptOutputs();
  const runDirectory = newFolder();
  const run = await Orchestrator.create({ system: await withoutModels(), runDirectory, outputs }, keptPorts);
  await script(run);
  await run.stop();
  const of = (i: number): string[] => lateTexts(outputs).filter((text) => text.split(' ')[1] === String(i));
  assert.deepEqual(of(0), [`1 0 ${HostCode.unknownName}`, '5 0 5', '9 0 31', '13 0 41']);
  assert.deepEqual(of(3), [`1 3 ${HostCode.unknownName}`, '5 3 11', '9 3 61', '13 3 71']);
  assert.deepEqual(
    run.modelStatistics.map(({ model, version, requests }) => [model, version, requests]),
    [
      ['late', '1', 4],
      ['late', '2', 8],
    ],
  );
});

test('of two declarations of one name at a time the first stands, in its own folder', { skip }, async () => {
  const outputs = new KeptOutputs();
  const ports = { system: await withoutModels(), runDirectory: newFolder(), outputs };
  const run = await Orchestrator.create(ports, keptPorts);
  const other = placeModel([scaleModel(3), scaleModel(4)]);
  const calls = [run.declareModel('late', late), run.declareModel('late', other)];
  const ends = await Promise.allSettled(calls);
  const [, second] = ends;
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  assert.match(String(second!.status === 'rejected' && second!.reason), /the system has one of that name/);
  await run.useModel('late', '2');
  askAll(run, 2);
  await run.settle();
  await run.stop();
  assert.equal(lateTexts(outputs).length, 4);
});

test('digests are the same with any workers, in forks, and on replay from each snapshot', {
  skip,
}, async () => {
  const system = await withoutModels();
  const begin = async (runDirectory: string, workers = 0): Promise<Orchestrator> => {
    const run = await Orchestrator.create({ system, runDirectory, workers }, keptPorts);
    await script(run);
    return run;
  };
  const folders = [newFolder(), newFolder(), newFolder(), newFolder()];
  for (const [i, workers] of [0, 1, 2, 4].entries()) await (await begin(folders[i]!, workers)).stop();
  const [whole] = folders as [string];
  const chain = chainOf(whole);
  assert.equal(chain.at(-1)!.split(' ')[0], '14');
  for (const folder of folders) assert.deepEqual(chainOf(folder), chain);
  for (const from of [1, 5, 9, 13]) await replayRun(whole, { from, workers: from % 3 });
  const { recomputed } = await replayRun(whole, { recompute: true }, keptPorts);
  assert.deepEqual(recomputed, { answers: 12, exact: 12, difference: 0 });
  await replayRun(whole, { recompute: true, from: 9 }, keptPorts);
  for (const tick of [1, 3, 6, 9]) {
    const forked = newFolder();
    const fork = await Orchestrator.fork({ from: whole, tick, runDirectory: forked }, keptPorts);
    await fork.run({ recorded: whole });
    const wanted = chain.filter((line) => Number(line.split(' ')[0]) > tick);
    assert.deepEqual(chainOf(forked), wanted);
    await replayRun(forked, { recompute: true }, keptPorts);
  }
  const same = await diffRuns(whole, folders[1]!);
  assert.equal(same.equal, true);
});

test('a fork that was given something else takes the recorded inputs, and asks its models anew', {
  skip,
}, async () => {
  const whole = newFolder();
  const run = await Orchestrator.create({ system: await withoutModels(), runDirectory: whole }, keptPorts);
  await script(run);
  await run.stop();
  for (const settles of [false, true]) {
    const [runDirectory, outputs] = [newFolder(), new KeptOutputs()];
    const fork = await Orchestrator.fork({ from: whole, tick: 3, runDirectory, outputs }, keptPorts);
    fork.send('asker/0', { payload: rows([50, 1, 1, 1]) });
    if (settles) await fork.settle();
    await fork.run({ recorded: whole });
    const values = lateTexts(outputs).map((text) => text.split(' ')[2]);
    assert.ok(values.includes('101') && values.includes(settles ? '7' : '61'), values.join());
    await replayRun(runDirectory, { recompute: true }, keptPorts);
  }
  const [outputs, elsewhere] = [new KeptOutputs(), { ...late, folder: newFolder() }];
  const refused = await Orchestrator.fork(
    { from: whole, tick: 1, runDirectory: newFolder(), outputs },
    keptPorts,
  );
  await assert.rejects(refused.declareModel('late', elsewhere), { code: 'model-missing' });
  refused.send('asker/0', { payload: rows([50, 1, 1, 1]) });
  await refused.run({ recorded: whole });
  assert.ok(
    lateTexts(outputs).some((text) => text.endsWith(' 31')),
    'where it lies for the record',
  );
  const own = { from: whole, tick: 1, runDirectory: newFolder() };
  const fork = await Orchestrator.fork(own, keptPorts);
  await fork.declareModel('late', late);
  await assert.rejects(fork.run({ recorded: whole }), {
    code: 'input-invalid',
    message: 'Cannot declare model "late": the system has one of that name',
  });
});

test('workers that are rebuilt after the input know the model', { skip }, async (t) => {
  const workers = new Set<Worker>();
  const { unref } = Worker.prototype;
  t.mock.method(Worker.prototype, 'unref', function (this: Worker) {
    workers.add(this);
    unref.call(this);
  });
  const system = await withoutModels({ host: { durability: 'none' } });
  const [healthy, killed] = [newFolder(), newFolder()];
  for (const runDirectory of [healthy, killed]) {
    // What a worker was told is soon forgotten, and its state kept in its place.
    const ports = { ...keptPorts, journalEntriesMax: 1 };
    const run = await Orchestrator.create({ system, runDirectory, workers: 2 }, ports);
    await script(run, 0, async () => {
      if (runDirectory === healthy) return;
      await Promise.all([...workers].map((worker) => worker.terminate()));
    });
    await run.stop();
    workers.clear();
  }
  assert.deepEqual(chainOf(killed), chainOf(healthy));
});

test('a run that was interrupted behind the input goes on with the model, and takes its other version', {
  skip,
}, async () => {
  const system = await withoutModels();
  const outputs = new KeptOutputs();
  const runDirectory = newFolder();
  const first = await Orchestrator.create({ system, runDirectory }, keptPorts);
  askAll(first, 1);
  await first.settle();
  await first.declareModel('late', { ...late, latencyTicks: 3 });
  askAll(first, 2);
  const controller = new AbortController();
  await first.run({ signal: controller.signal, onTick: () => controller.abort() });
  assert.equal(first.tick, 2);
  const second = await Orchestrator.resume({ runDirectory, outputs }, keptPorts);
  await second.settle();
  await assert.rejects(
    second.declareModel('late', late),
    /Cannot declare model "late": the system has one of that name/,
  );
  await second.declareModel('later', late);
  await script(second, 2);
  await second.stop();
  assert.deepEqual(lateTexts(outputs).at(-1), `${outputs.list.at(-1)!.tick} 3 71`);
  await replayRun(runDirectory, { recompute: true }, keptPorts);
});

test('a record that gave up the input has the model in its snapshot, and a folder of models is enough to run it', {
  skip,
}, async () => {
  const runDirectory = newFolder();
  const run = await Orchestrator.create({ system: await withoutModels(), runDirectory }, keptPorts);
  await script(run);
  await run.close();
  const chain = chainOf(runDirectory);
  await compactRun(runDirectory, 9);
  assert.ok(chainOf(runDirectory).length < chain.length);
  await replayRun(runDirectory, { workers: 1 });
  rmSync(join(runDirectory, 'models.json'));
  const modelsDirectory = newFolder();
  cpSync(late.folder, join(modelsDirectory, 'late'), { recursive: true });
  await replayRun(runDirectory, { recompute: true, modelsDirectory }, keptPorts);
  const resumed = await Orchestrator.resume({ runDirectory, modelsDirectory }, keptPorts);
  askAll(resumed, 5);
  await resumed.run();
  assert.equal((await replayRun(runDirectory)).complete, true);
});

test('the record tells of the model, and where it lay is only a hint', { skip }, async () => {
  const runDirectory = newFolder();
  const run = await Orchestrator.create({ system: await withoutModels(), runDirectory }, keptPorts);
  await script(run);
  await run.stop();
  const told = [...happenings(runDirectory, { tick: 2 })].find(
    ({ what, kind }) => what === 'input' && kind === 'declare-model',
  );
  const { name, versions, mode } = JSON.parse(new TextDecoder().decode(told!.payload as Uint8Array));
  assert.deepEqual([name, versions[0].sha256, mode], ['late', late.versions['1'], 'portable']);
  const packed = `${newFolder()}.tar`;
  await exportRun(runDirectory, packed);
  await replayRun(packed);
  rmSync(join(runDirectory, 'models.json'));
  await replayRun(runDirectory);
  await assert.rejects(replayRun(runDirectory, { recompute: true }, keptPorts), /where it lies is not known/);
  const modelsDirectory = newFolder();
  await assert.rejects(
    replayRun(runDirectory, { recompute: true, modelsDirectory: dirname(modelsDirectory) }, keptPorts),
    /where it lies is not known/,
  );
});

test('the state tells the models, their versions in use and the requests under way, live and of a record', {
  skip,
}, async () => {
  const runDirectory = newFolder();
  const run = await Orchestrator.create({ system: await withoutModels(), runDirectory }, keptPorts);
  assert.deepEqual(run.snapshotState().onnxModelStates, []);
  await run.declareModel('late', { ...late, latencyTicks: 9 });
  run.send('asker/1', { payload: rows([1, 1, 1, 1]) });
  const controller = new AbortController();
  await run.settle({
    onTick: ({ ticks }) => {
      if (ticks === 1) return run.useModel('late', '2');
      return undefined;
    },
  });
  askAll(run, 1);
  await run.run({ signal: controller.signal, onTick: () => controller.abort() });
  const request = { number: 1, version: '2', tick: 11, dueTick: 20, payloadBytes: 56, text: undefined };
  const requests = [0, 1, 2, 3].map((i) => ({ ...request, agent: `0.${i + 1}`, number: i === 1 ? 1 : 0 }));
  const state = {
    ...{ id: 'late', version: '2', versions: ['1', '2'], declaredByInput: true, pending: 4 },
    requests,
  };
  const { models } = await inspectState(runDirectory, { tick: 11 });
  assert.deepEqual(models, [state]);
  const resumed = await Orchestrator.resume({ runDirectory }, keptPorts);
  assert.deepEqual(resumed.snapshotState().onnxModelStates, [state]);
  await resumed.settle();
  assert.deepEqual(resumed.snapshotState().onnxModelStates, [{ ...state, pending: 0, requests: [] }]);
  await resumed.close();
});

test('a model that cannot be loaded, or is no model, changes nothing', { skip }, async () => {
  const run = await Orchestrator.create(
    { system: await withoutModels(), runDirectory: newFolder() },
    keptPorts,
  );
  const rejects = (description: object, code: string, message: RegExp): Promise<void> =>
    assert.rejects(run.declareModel('late', description as never), (error) => {
      assert.ok(error instanceof EngineError && error.code === code, String(error));
      assert.match(error.message, message);
      return true;
    });
  await rejects(undefined as never, 'config-invalid', /wanted a table/);
  await rejects({ ...late, folder: '/nowhere' }, 'model-missing', /no folder at "\/nowhere\/1"/);
  await rejects({ ...late, versions: { 1: '0'.repeat(64) } }, 'model-refused', /hash/);
  await rejects({ ...late, modes: 'native' }, 'config-invalid', /modes/);
  await rejects({ ...late, version: '9' }, 'config-invalid', /found "9", wanted one of "1"/);
  await assert.rejects(run.declareModel('a b', late), /Cannot declare model "a b"/);
  await Promise.allSettled([run.declareModel('late', late), run.declareModel('late', late)]).then((both) =>
    assert.deepEqual(
      both.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    ),
  );
  askAll(run, 1);
  await run.settle();
  await run.close();
  const deaf = await createSystem({ agents: { echo: { module: echoAgent(), capabilities: ['output'] } } });
  const unasked = await Orchestrator.create({ system: deaf, runDirectory: newFolder() }, keptPorts);
  await assert.rejects(unasked.declareModel('late', late), /no agent of the system may ask it/);
  await unasked.close();
});
