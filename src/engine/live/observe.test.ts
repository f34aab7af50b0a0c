// What leaves a run: telemetry, outputs, progress. Nothing that happens to it there changes the run.

import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { EngineError, Orchestrator, openInput, replayRun } from '../index.ts';
import { create, isCode, restless } from '../testing/create-run.ts';
import { KeptOutputs, newFolder, recorded } from '../testing/runs.ts';

test('hooks hear of messages, then turns in plan order, then the tick, each in the order of registration', async () => {
  for (const workers of [0, 2]) {
    const heard: string[] = [];
    const run = await create({}, { workers });
    for (const name of ['a', 'b']) {
      run.registerTelemetryHook({
        messages: ({ tick, delivered, outputs }) =>
          heard.push(`${name} messages ${tick} ${delivered} ${outputs}`),
        turn: ({ tick, agent: who, tasks, fuel, durationMs }) => {
          assert.ok(fuel > 0 && durationMs >= 0);
          heard.push(`${name} turn ${tick} ${who} ${tasks}`);
        },
        tick: ({ tick, tasks, digest, faults, durationMs }) => {
          assert.ok(faults === 0 && durationMs >= 0);
          assert.equal(digest, run.digest);
          heard.push(`${name} tick ${tick} ${tasks}`);
        },
      });
    }
    run.send('counting', { payload: 1 });
    run.send('counting', { payload: 1 });
    await run.settle();
    assert.deepEqual(heard, [
      ...['a messages 1 2 2', 'b messages 1 2 2', 'a turn 1 echo 1', 'b turn 1 echo 1'],
      ...['a turn 1 counting 3', 'b turn 1 counting 3', 'a tick 1 4', 'b tick 1 4'],
    ]);
    await run.close();
  }
});

test('a hook that throws is heard no more and changes nothing', async () => {
  const digests: string[] = [];
  for (const throwing of [false, true]) {
    const run = await create();
    let [calls, others] = [0, 0];
    if (throwing) {
      const fail = (): void => {
        calls++;
        throw new Error('a hook is broken');
      };
      run.registerTelemetryHook({ tick: fail, turn: fail, messages: fail });
      run.registerTelemetryHook({ tick: () => void others++, messages: () => run.snapshotState() });
      run.registerTelemetryHook({ tick: () => void others++ });
    }
    run.send('counting', { payload: 1 });
    await run.settle();
    run.send('counting', { payload: 2 });
    const { digest } = await run.run();
    digests.push(digest);
    if (throwing) assert.deepEqual([calls, others], [1, 3]);
  }
  assert.equal(digests[1], digests[0]);
});

test('a sink that throws ends the run with its error, wherever it throws; the record goes on', async () => {
  for (const durability of ['tick', 'batch', 'none'] as const) {
    const broken = new Error('the sink is broken');
    const outputs = {
      write: (): void => {
        throw broken;
      },
    };
    const runDirectory = newFolder();
    const run = await create({ host: { durability } }, { outputs, runDirectory, workers: 1 });
    run.send('echo', { payload: 1 });
    const acknowledged = run.acknowledged().then(
      () => 'settled',
      () => 'settled',
    );
    await assert.rejects(run.run(), broken);
    assert.equal(await acknowledged, 'settled', 'no promise is left open');
    await run.close();
    await assert.rejects(run.run(), isCode('run-failed', /the run has ended/));
    assert.throws(() => run.send('echo', { payload: 1 }), isCode('input-refused', /./));
    const { executed } = await replayRun(runDirectory);
    assert.ok(executed >= 1, durability);
  }
});

test('a sink that throws while the run is closed leaves nothing open', async () => {
  const broken = new Error('the sink is broken');
  let count = 0;
  const outputs = {
    write: (): void => {
      if (++count === 2) throw broken;
    },
  };
  const run = await create({ host: { durability: 'batch' }, agents: { restless } }, { outputs, workers: 1 });
  run.send('restless', { payload: 1 });
  const controller = new AbortController();
  let ticks = 0;
  const onTick = (): void => {
    if (++ticks === 4) controller.abort();
  };
  await assert.rejects(run.run({ signal: controller.signal, onTick }), broken);
  await run.close();
  assert.throws(() => run.send('restless', { payload: 1 }), EngineError);
});

test('an error in onTick or reportBadLine ends the run with it, and the run can go on', async () => {
  const path = `${newFolder()}.jsonl`;
  writeFileSync(path, 'no JSON\n{"agent":"echo","payload":1}\n');
  const broken = new Error('the caller is broken');
  const fail = (): never => {
    throw broken;
  };
  for (const options of [{ onTick: fail }, { reportBadLine: fail }]) {
    const runDirectory = newFolder();
    const run = await create({}, { runDirectory });
    await assert.rejects(run.run({ source: openInput(path), ...options }), broken);
    const again = await Orchestrator.resume({ runDirectory });
    const { outputs } = await again.run({ source: openInput(path) });
    assert.equal(outputs, 1);
  }
});

test('outputs carry (epoch, tick, index), and the record has them as they left', async () => {
  const outputs = new KeptOutputs();
  const runDirectory = newFolder();
  const run = await create({}, { outputs, runDirectory });
  for (let i = 0; i < 3; i++) run.send('counting', { payload: i });
  await run.settle();
  run.send('echo', { payload: 'é' });
  await run.run();
  assert.deepEqual(
    outputs.list.map(({ epoch, tick, index, agent: name }) => [epoch, tick, index, name]),
    [
      [0, 1, 0, 'counting'],
      [0, 1, 1, 'counting'],
      [0, 1, 2, 'counting'],
      [0, 2, 0, 'echo'],
    ],
  );
  const kept = recorded(runDirectory, 'outputs').map((output) => ({
    ...output,
    payload: [...output.payload],
  }));
  assert.deepEqual(
    kept,
    outputs.list.map((output) => ({ ...output, payload: [...output.payload] })),
  );
  assert.deepEqual(readdirSync(runDirectory).sort(), [
    'config.json',
    'events-000000.mcap',
    'head',
    'lock',
    'modules',
    'run.json',
  ]);
});
