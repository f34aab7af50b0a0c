// The life cycle of a run and its misuse, and what it leaves of its host's time.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AgentDescription, createSystem, EngineError, Orchestrator, type System } from '../index.ts';
import { agent } from '../testing/agents.ts';
import { counting, create, isCode, restless } from '../testing/create-run.ts';
import { chainOf, fedSource, KeptOutputs, newFolder, recorded } from '../testing/runs.ts';

/** Burns its fuel at each message. */
const slow: AgentDescription = {
  module: agent({ receive: '(loop $l (br $l)) i32.const 0' }),
  limits: { fuelPerTask: 300_000_000 },
};

test('run() of a system without work shuts its agents down and ends', async () => {
  const run = await create();
  const summary = await run.run();
  assert.deepEqual([summary.reason, summary.ticks, summary.agents, summary.tasks], ['quiescence', 2, 2, 4]);
});

test('a system that was not awaited is told as such', async () => {
  const system = createSystem({ agents: { a: { module: agent({}) } } }) as unknown as System;
  for (const given of [system, undefined as unknown as System, {} as System]) {
    const begun = Orchestrator.create({ system: given, runDirectory: newFolder() });
    await assert.rejects(begun, {
      code: 'config-invalid',
      message: /wanted what a promise of createSystem\(\)/,
    });
  }
});

test('an ended run refuses every call by name, and can be closed again and again', async () => {
  const ended: ((run: Orchestrator) => Promise<unknown>)[] = [
    (run) => run.run(),
    (run) => run.stop(),
    (run) => run.close(),
  ];
  for (const end of ended) {
    const run = await create();
    await end(run);
    await run.close();
    await run.close();
    await assert.rejects(run.run(), isCode('run-failed', /^Cannot run: the run has ended/));
    await assert.rejects(run.settle(), isCode('run-failed', /^Cannot settle: the run has ended/));
    await assert.rejects(run.stop(), isCode('run-failed', /^Cannot stop: the run has ended/));
    assert.throws(() => run.snapshotState(), isCode('run-failed', /the run has ended/));
    const refused = isCode('input-refused', /the run has ended/);
    assert.throws(() => run.send('echo', { payload: 1 }), refused);
    assert.throws(() => run.publish('den', { payload: 1 }), refused);
    assert.throws(() => run.spawnAgent({ agent: 'many' }), refused);
    assert.throws(() => run.scheduleTask('echo', { payload: 1 }), refused);
    assert.throws(() => run.joinChannel('echo', 'den'), refused);
    assert.throws(() => run.pauseAgent('echo'), refused);
    await run.acknowledged();
  }
});

test('a run whose folder is taken away does not end as if its record were there', async (t) => {
  if (process.platform === 'win32') return t.skip('an open file keeps its folder there');
  const runDirectory = newFolder();
  const system = await createSystem({ agents: { a: { module: agent({}) } } });
  const run = await Orchestrator.create({ system, runDirectory });
  run.send('a', { payload: 1 });
  await run.settle();
  rmSync(runDirectory, { recursive: true });
  const message = /Cannot go on writing the record in ".*": it is not there any more/;
  await assert.rejects(run.run(), { code: 'host-fault', message });
});

test('a busy run refuses a second call and goes on', async () => {
  const run = await create({ agents: { restless } });
  run.send('restless', { payload: 1 });
  const controller = new AbortController();
  const running = run.run({ signal: controller.signal });
  const { source } = fedSource();
  await assert.rejects(run.run({ source }), isCode('run-failed', /busy with another call/));
  await assert.rejects(run.settle(), isCode('run-failed', /busy with another call/));
  await assert.rejects(run.stop(), isCode('run-failed', /busy with another call/));
  await assert.rejects(run.close(), isCode('run-failed', /end it by its signal/));
  assert.throws(() => run.snapshotState(), isCode('run-failed', /busy with another call/));
  run.send('restless', { payload: 2 });
  await run.acknowledged();
  controller.abort();
  assert.equal((await running).reason, 'interrupted');
  source.close();
});

test('a signal that is aborted already ends the run before its first tick', async () => {
  for (const live of [false, true]) {
    const run = await create();
    const { source } = fedSource();
    const { reason, executed } = await run.run({ source, live, signal: AbortSignal.abort() });
    assert.deepEqual([reason, executed], ['interrupted', 0]);
  }
});

test('an abort ends every kind of wait: for a line, for a live line, for the time of a tick', async () => {
  for (const options of [
    {},
    { live: true },
    { pace: 'wall-clock' },
    { live: true, pace: 'wall-clock' },
    { pace: 'wall-clock', ticks: 1e7 },
  ] as const) {
    const run = await create({ run: { tickMs: 86_400_000 } });
    const { source } = fedSource();
    const controller = new AbortController();
    const running = run.run({ ...options, source, signal: controller.signal });
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    assert.equal((await running).reason, 'interrupted', JSON.stringify(options));
  }
});

test('settle() leaves the run open, and stop() ends it for good', async () => {
  const outputs = new KeptOutputs();
  const run = await create({}, { outputs });
  for (let i = 0; i < 3; i++) {
    run.send('counting', { payload: i });
    await run.settle();
    assert.equal(outputs.list.length, i + 1);
  }
  const ticks = run.tick;
  await run.settle();
  assert.equal(run.tick, ticks, 'nothing was left to do');
  run.send('counting', { payload: 'sealed with the stop' });
  const acknowledged = run.acknowledged();
  const summary = await run.stop();
  await acknowledged;
  assert.deepEqual([summary.reason, summary.ticks], ['quiescence', ticks + 1]);
  await assert.rejects(Orchestrator.resume({ runDirectory: summary.runDirectory }), EngineError);
});

test('a last tick that is not a whole number above the current one is refused, and nothing else is lost', async () => {
  const run = await create();
  run.send('echo', { payload: 1 });
  await run.settle();
  for (const ticks of [0, 1, -3, 2.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    await assert.rejects(
      run.run({ ticks }),
      isCode('config-invalid', /a whole number above 1/),
      String(ticks),
    );
  }
  const { ticks, reason } = await run.run({ ticks: 2 });
  assert.deepEqual([ticks, reason], [2, 'ticks']);
});

test('every-tick agents keep a run open until its last tick, and only then', async () => {
  const agents = { counting: { ...counting, everyTick: true } };
  assert.deepEqual((await (await create({ agents })).run({ ticks: 10 })).outputs, 8);
  assert.deepEqual((await (await create({ agents })).run()).reason, 'quiescence');
});

test('a paused agent keeps no run open, and still shuts down', async () => {
  const run = await create();
  run.pauseAgent('counting');
  run.send('counting', { payload: 1 });
  const { reason, faults } = await run.run();
  assert.deepEqual([reason, faults], ['quiescence', 0]);
});

test('runs in one process do not know each other', async () => {
  const alone = await create({ agents: { counting: { ...counting, everyTick: true } } });
  const { digest } = await alone.run({ ticks: 30 });
  const runs = await Promise.all(
    [0, 0, 1, 2].map((workers) =>
      create({ agents: { counting: { ...counting, everyTick: true } } }, { workers }),
    ),
  );
  const summaries = await Promise.all(runs.map((run) => run.run({ ticks: 30 })));
  assert.deepEqual(
    summaries.map((summary) => summary.digest),
    [digest, digest, digest, digest],
  );
});

test('a number of workers that no pool has is refused, and the folder stays free', async () => {
  for (const workers of [-1, 1.5, 65, Number.NaN]) {
    const runDirectory = newFolder();
    await assert.rejects(
      create({}, { workers, runDirectory }),
      isCode('config-invalid', /a whole number from 0 to 64/),
    );
    await (await create({}, { runDirectory })).close();
  }
});

test('a folder that is not empty is refused, and is not touched', async () => {
  const runDirectory = newFolder();
  await (await create({}, { runDirectory })).close();
  const chain = chainOf(runDirectory);
  await assert.rejects(
    create({}, { runDirectory, workers: 2 }),
    isCode('run-directory-invalid', /not empty/),
  );
  assert.deepEqual(chainOf(runDirectory), chain);
  const file = `${newFolder()}.txt`;
  writeFileSync(file, 'a file');
  await assert.rejects(
    create({}, { runDirectory: file }),
    isCode('run-directory-invalid', /neither a folder nor a tar archive/),
  );
  await assert.rejects(
    create({}, { runDirectory: join(file, 'in', 'it') }),
    isCode('run-directory-invalid', /Cannot make/),
  );
});

test('a run leaves its host the event loop while workers run a long tick', async () => {
  const run = await create({ agents: { slow, counting } }, { workers: 1 });
  await run.settle();
  run.send('slow', { payload: 1 });
  let done = false;
  const settled = run.settle().then(() => {
    done = true;
  });
  let turns = 0;
  for (; turns < 100 && !done; turns++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(turns, 100, 'the event loop turns within one tick');
  await settled;
  assert.equal(recorded((await run.stop()).runDirectory, 'faults').length, 1);
});

test('a run without workers gives the event loop its turn between ticks', async () => {
  const run = await create({ agents: { restless } });
  run.send('restless', { payload: 1 });
  const controller = new AbortController();
  setImmediate(() => setImmediate(() => controller.abort()));
  assert.equal((await run.run({ signal: controller.signal })).reason, 'interrupted');
});
