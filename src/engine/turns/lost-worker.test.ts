// Workers that die in the middle of a run: others take their place, and the run gives what it would have given.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type AgentDescription, replayRun } from '../index.ts';
import { agent, importText } from '../testing/agents.ts';
import { create, isCode } from '../testing/create-run.ts';
import { chainOf, KeptOutputs, newFolder } from '../testing/runs.ts';

/** Counts its messages in its memory, takes its time with each, and gives the count as an output. */
const slow: AgentDescription = {
  module: agent({
    before: importText('output', 2),
    receive: `(local $i i32)
      (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5000000))))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (call $output (i32.const 0) (i32.const 4))`,
  }),
  count: 4,
  capabilities: ['output'],
  limits: { fuelPerTask: 1_000_000_000 },
};

/** The workers that are made during a test, those that took the place of others included. */
function catchWorkers(t: TestContext): Set<Worker> {
  const workers = new Set<Worker>();
  const { unref } = Worker.prototype;
  t.mock.method(Worker.prototype, 'unref', function (this: Worker) {
    workers.add(this);
    unref.call(this);
  });
  return workers;
}

async function run(
  options: { workers: number; blocking?: boolean },
  onTick?: (tick: number) => void,
): Promise<{ chain: string[]; outputs: string[]; folder: string }> {
  const folder = newFolder();
  const outputs = new KeptOutputs();
  const orchestrator = await create({ agents: { slow } }, { ...options, runDirectory: folder, outputs });
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) orchestrator.send(`slow/${i}`, { payload: round });
    const settled = orchestrator.settle();
    onTick?.(round);
    await settled;
  }
  await orchestrator.run();
  return { chain: chainOf(folder), outputs: outputs.texts, folder };
}

const healthy = await run({ workers: 0 });

for (const blocking of [false, true]) {
  test(`workers that die at work change nothing${blocking ? ', in blocking mode too' : ''}`, async (t) => {
    const workers = catchWorkers(t);
    let killed = 0;
    const told = await run({ workers: 2, blocking }, () => {
      for (const worker of workers) void worker.terminate();
      killed += workers.size;
      workers.clear();
    });
    assert.ok(killed >= 4, `${killed} workers were killed`);
    assert.deepEqual([told.chain, told.outputs], [healthy.chain, healthy.outputs]);
    assert.equal((await replayRun(told.folder)).complete, true);
  });
}

test('a worker that died while nothing ran is replaced in the next tick', async (t) => {
  const workers = catchWorkers(t);
  const outputs = new KeptOutputs();
  const orchestrator = await create({ agents: { slow } }, { workers: 1, outputs });
  orchestrator.send('slow/0', { payload: 1 });
  await orchestrator.settle();
  await [...workers][0]!.terminate();
  orchestrator.send('slow/0', { payload: 2 });
  await orchestrator.settle();
  assert.deepEqual(
    outputs.list.map(({ payload }) => payload[0]),
    [1, 2],
  );
  await orchestrator.close();
});

test('workers that die again and again end the run as a fault of the host, with nothing left waiting', async (t) => {
  const workers = catchWorkers(t);
  const orchestrator = await create({ agents: { slow } }, { workers: 1 });
  await orchestrator.settle();
  orchestrator.send('slow/0', { payload: 1 });
  const acknowledged = orchestrator.acknowledged().then(
    () => 'acknowledged',
    () => 'refused',
  );
  let going = true;
  const kill = (): void => {
    for (const worker of workers) void worker.terminate();
    workers.clear();
    if (going) setImmediate(kill);
  };
  kill();
  await assert.rejects(orchestrator.run(), isCode('host-fault', /^Cannot go on: worker 0 is lost/));
  going = false;
  assert.equal(await acknowledged, 'refused');
  await orchestrator.close();
});
