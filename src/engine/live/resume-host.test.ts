// What a run was told of its machine, and the lines that it refused, when it goes on after an interruption.

import assert from 'node:assert/strict';
import { cpSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createSystem, Orchestrator, openInput } from '../index.ts';
import { echo } from '../testing/create-run.ts';
import { cutRecord, newFolder, recorded } from '../testing/runs.ts';

test('a run that goes on keeps its host options, and those it is told anew', async () => {
  const host = {
    durability: 'none',
    trace: 'full',
    snapshotTicks: 7,
    residentAgentsMax: 9,
    pace: 'free',
  } as const;
  const system = await createSystem({ host: { ...host, batchTicks: 3, batchMs: 50 }, agents: { echo } });
  const runDirectory = newFolder();
  const first = await Orchestrator.create({ system, runDirectory, workers: 1 });
  const told = { ...system.host, workers: 1 };
  assert.deepEqual(first.host, told);
  first.send('echo', { payload: 1 });
  await first.settle();
  await first.close();
  const second = await Orchestrator.resume({ runDirectory });
  assert.deepEqual(second.host, told);
  second.send('echo', { payload: 2 });
  await second.settle();
  await second.close();
  assert.equal(recorded(runDirectory, 'traces').length, 2, 'the trace goes on');
  await (await Orchestrator.resume({ runDirectory, workers: 0 })).close();
  const last = await Orchestrator.resume({ runDirectory });
  assert.deepEqual(last.host, { ...told, workers: 0 });
  await last.close();
  const forked = await Orchestrator.fork({ from: runDirectory, tick: 2, runDirectory: newFolder() });
  assert.deepEqual(forked.host, { ...told, workers: 0 });
  await forked.close();
});

test('lines that were refused before an interruption count in the run that goes on, each once', async () => {
  const input = `${newFolder()}.jsonl`;
  const lines = Array.from({ length: 30 }, (_, i) =>
    i % 3 === 0 ? 'nonsense' : `{"agent":"echo","payload":${i}}`,
  );
  writeFileSync(input, `${lines.join('\n')}\n`);
  const system = await createSystem({
    run: { inputsPerTickMax: 4 },
    host: { durability: 'tick' },
    agents: { echo },
  });
  const runDirectory = newFolder();
  const problems: string[] = [];
  const reportBadLine = (problem: string): void => void problems.push(problem);
  const controller = new AbortController();
  const first = await Orchestrator.create({ system, runDirectory });
  const interrupted = await first.run({
    source: openInput(input),
    signal: controller.signal,
    reportBadLine,
    onTick: ({ ticks }) => ticks === 3 && controller.abort(),
  });
  assert.deepEqual([interrupted.reason, interrupted.badLines], ['interrupted', 4]);
  const second = await Orchestrator.resume({ runDirectory });
  const summary = await second.run({ source: openInput(input), reportBadLine });
  assert.deepEqual([summary.reason, summary.badLines], ['quiescence', 10]);
  assert.equal(new Set(problems).size, 10);
  assert.equal(problems.length, 10);
});

test('whoever goes on is told of a tail that is cut off, and where its copy is', async () => {
  const system = await createSystem({ host: { durability: 'tick' }, agents: { echo } });
  const runDirectory = newFolder();
  const first = await Orchestrator.create({ system, runDirectory });
  for (let i = 0; i < 3; i++) {
    first.send('echo', { payload: i });
    await first.settle();
  }
  await first.close();
  const told: { readonly bytes: number; readonly file: string }[] = [];
  await (await Orchestrator.resume({ runDirectory, onTailCut: (cut) => void told.push(cut) })).close();
  assert.equal(told.length, 0, 'a log that ended whole loses nothing');
  const { size } = statSync(`${runDirectory}/events-000000.mcap`);
  cutRecord(runDirectory, size - 3);
  rmSync(`${runDirectory}/events-000001.mcap`);
  await (await Orchestrator.resume({ runDirectory, onTailCut: (cut) => void told.push(cut) })).close();
  assert.equal(told.length, 1);
  assert.equal(statSync(`${runDirectory}/${told[0]!.file}`).size, told[0]!.bytes);
});

test('lines that were refused and not recorded when the process died are refused again, and counted once', async () => {
  const input = `${newFolder()}.jsonl`;
  writeFileSync(input, 'nonsense\n{"agent":"echo","payload":1}\nmore\n{"agent":"echo","payload":2}\n');
  const system = await createSystem({
    run: { inputsPerTickMax: 2 },
    host: { durability: 'tick' },
    agents: { echo },
  });
  const runDirectory = newFolder();
  const first = await Orchestrator.create({ system, runDirectory });
  assert.equal((await first.run({ source: openInput(input) })).badLines, 2);
  const [, second] = recorded(runDirectory, 'inputs').filter(({ inputs }) => inputs.length > 0);
  assert.equal(second!.cursor!.badLines, 2);
  const { size } = statSync(`${runDirectory}/events-000000.mcap`);
  for (let cut = 4000; cut < size; cut += 97) {
    const copy = newFolder();
    cpSync(runDirectory, copy, { recursive: true });
    cutRecord(copy, cut);
    let badLines = 0;
    try {
      const again = await Orchestrator.resume({ runDirectory: copy });
      ({ badLines } = await again.run({ source: openInput(input) }));
    } catch (error) {
      if (!/it has ended/.test(String(error))) throw error;
      badLines = 2;
    }
    assert.equal(badLines, 2, `cut at ${cut}`);
  }
});
