// A run in one file: executed, told, compared and forked from there as from its directory; redacted, it says what it
// cannot do.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSystem } from '../config/index.ts';
import {
  diffRuns,
  EngineError,
  exportRun,
  gatherRun,
  happenings,
  inspectState,
  Orchestrator,
  replayRun,
} from '../index.ts';
import { echoAgent } from '../testing/agents.ts';
import { chainOf, newFolder } from '../testing/runs.ts';

async function recordedRun(): Promise<string> {
  const folder = newFolder();
  const system = await createSystem({
    agents: { echo: { module: echoAgent(), capabilities: ['output'], subscriptions: ['orders', 'news'] } },
    topics: { orders: {}, news: {} },
    host: { snapshotTicks: 2, trace: 'full' },
  });
  const run = await Orchestrator.create({ system, runDirectory: folder });
  for (let i = 0; i < 6; i++) {
    run.publish('orders', { payload: `secret ${i}` });
    run.publish('news', { payload: `known ${i}` });
    await run.settle();
  }
  await run.stop();
  return folder;
}

test('an export is replayed, told, compared and forked as its directory is, and is the same bytes each time', async () => {
  const folder = await recordedRun();
  const file = `${folder}.tar`;
  const summary = exportRun(folder, file);
  assert.deepEqual([summary.ticks, summary.redacted], [7, undefined]);
  assert.ok(summary.snapshots >= 2);
  const { digest } = await replayRun(file, { workers: 2 });
  assert.equal(digest, summary.digest);
  assert.ok((await replayRun(file, { from: 5 })).executed < 5);
  assert.deepEqual({ ...gatherRun(file) }, { ...gatherRun(folder) });
  assert.equal((await diffRuns(folder, file)).equal, true);
  assert.equal((await inspectState(file, { tick: 3, agent: 'echo' })).agent!.phase, 'active');
  const fork = newFolder();
  const forked = await Orchestrator.fork({ from: file, tick: 3, runDirectory: fork });
  await forked.run({ recorded: file });
  assert.deepEqual(chainOf(fork), chainOf(folder).slice(3));
  exportRun(folder, `${folder}-2.tar`);
  exportRun(file, `${folder}-3.tar`);
  for (const other of [`${folder}-2.tar`, `${folder}-3.tar`])
    assert.deepEqual(readFileSync(other), readFileSync(file));
});

test('replay from any tick begins at the newest snapshot before it, and ends with the digest of the run', async () => {
  const folder = await recordedRun();
  const { digest, ticks } = await replayRun(folder);
  // The last is of the tick in which the run ended.
  const snapshots = [2, 4, 6];
  for (let from = 1; from <= ticks; from++) {
    const base = snapshots.findLast((tick) => tick < from) ?? 0;
    for (const workers of [0, 2]) {
      const replayed = await replayRun(folder, { from, workers, blocking: true });
      assert.deepEqual([replayed.digest, replayed.executed], [digest, ticks - base], `from ${from}`);
    }
  }
});

test('without snapshots it begins at the start; a fork keeps the one that it began from', async () => {
  const folder = await recordedRun();
  exportRun(folder, `${folder}.tar`, { snapshots: false });
  assert.equal((await replayRun(`${folder}.tar`, { from: 6 })).executed, 7);
  const fork = newFolder();
  const forked = await Orchestrator.fork({ from: folder, tick: 5, runDirectory: fork });
  await forked.run({ recorded: folder });
  assert.equal(exportRun(fork, `${fork}.tar`, { snapshots: false }).snapshots, 1);
  assert.equal((await replayRun(`${fork}.tar`)).complete, true);
});

test('a record that was cut off is packed as far as it goes, and not changed', async () => {
  const folder = await recordedRun();
  const log = join(folder, 'events-000000.mcap');
  const going = newFolder();
  const run = await Orchestrator.fork({ from: folder, tick: 3, runDirectory: going });
  exportRun(going, `${folder}.tar`);
  assert.equal((await replayRun(`${folder}.tar`)).complete, false);
  await run.close();
  truncateSync(log, readFileSync(log).length - 100);
  assert.throws(
    () => exportRun(folder, `${folder}-cut.tar`),
    (error) => error instanceof EngineError,
  );
  assert.equal(existsSync(`${folder}-cut.tar`), false);
});

test('a redacted export holds hashes in place of payloads, and nothing that holds them', async () => {
  const folder = await recordedRun();
  const file = `${folder}.tar`;
  const { redacted, snapshots } = exportRun(folder, file, { redact: ['orders'] });
  assert.deepEqual(
    [redacted, snapshots],
    [{ topics: ['orders'], payloads: 6, outputs: 12, texts: 0, answers: 0 }, 0],
  );
  const inputs = [...happenings(file, {})].filter(({ what }) => what === 'input');
  const named = inputs.filter(({ name }) => name === 'orders');
  assert.equal(named.length, 6);
  for (const { payload, payloadSha256 } of named) {
    assert.equal(payload, undefined);
    assert.match(String(payloadSha256), /^[0-9a-f]{64}$/);
  }
  // What the agent gave back stays: that is said, and is the agent's doing.
  const bytes = readFileSync(file).toString('latin1');
  assert.equal(bytes.split('secret').length - 1, 6);
  assert.equal(bytes.split('known').length - 1, 12);
  assert.equal(existsSync(`${file}.staging`), false);
  const more = exportRun(file, `${folder}-2.tar`, { redact: ['news'] });
  assert.deepEqual([more.redacted!.topics, more.redacted!.payloads], [['news', 'orders'], 6]);
});

test('a redacted export is not executed: its log is checked, and that is said', async () => {
  const folder = await recordedRun();
  const file = `${folder}.tar`;
  exportRun(folder, file, { redact: ['orders'] });
  const refused = (message: RegExp) => (error: unknown) =>
    error instanceof EngineError && error.code === 'run-directory-invalid' && message.test(error.message);
  await assert.rejects(replayRun(file), refused(/"orders" were redacted.*Its log is whole, up to tick 7/));
  await assert.rejects(diffRuns(folder, file), refused(/redacted/));
  await assert.rejects(
    Orchestrator.fork({ from: file, tick: 2, runDirectory: newFolder() }),
    refused(/redacted/),
  );
  assert.deepEqual(chainOf(file), chainOf(folder));
});

test('a topic without inputs, a place within the run and a folder that is not there are refused, and leave nothing', async () => {
  const folder = await recordedRun();
  const cases = [
    [`${folder}.tar`, { redact: ['nobody'] }, 'input-invalid'],
    [join(folder, 'x.tar'), {}, 'run-directory-invalid'],
    [join(folder, '../nowhere/x.tar'), {}, 'run-failed'],
  ] as const;
  for (const [file, options, code] of cases) {
    assert.throws(
      () => exportRun(folder, file, options),
      (error) => error instanceof EngineError && error.code === code,
    );
    for (const left of [file, `${file}.tmp`, `${file}.staging`]) assert.equal(existsSync(left), false);
  }
});
