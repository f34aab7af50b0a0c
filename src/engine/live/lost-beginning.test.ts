// A record whose own first snapshot is lost, as a fork's may be: what later snapshots serve for goes on as it was, and
// whatever needs the lost one says what is wrong and from where on it goes.

import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { EngineError } from '../../base/errors.ts';
import { createSystem } from '../config/index.ts';
import {
  compactRun,
  diffRuns,
  exportRun,
  happenings,
  inspectState,
  Orchestrator,
  planRepair,
  repairRun,
  replayRun,
} from '../index.ts';
import { gatherRun } from '../record/run-facts.ts';
import { countingAgent } from '../testing/agents.ts';
import { newFolder } from '../testing/runs.ts';

const snapshots = 'snapshots';
let whole: string;

async function sendUntil(run: Orchestrator, tick: number): Promise<void> {
  while (run.tick < tick) {
    run.send('one/0', { payload: run.tick });
    await run.settle();
  }
}

/** A fork at tick 6 with snapshots from tick 7 on, interrupted after tick 18. */
before(async () => {
  const one = { module: countingAgent(), count: 3, everyTick: true, capabilities: ['output'] as const };
  const system = await createSystem({ agents: { one }, host: { snapshotTicks: 4 } });
  const from = newFolder();
  const parent = await Orchestrator.create({ system, runDirectory: from });
  await sendUntil(parent, 7);
  await parent.close();
  whole = newFolder();
  const fork = await Orchestrator.fork({ from, tick: 6, runDirectory: whole });
  await sendUntil(fork, 18);
  await fork.close();
});

/** A copy of a run that loses the file of a snapshot, or every byte of the pages beside it. */
function losing(tick: number, ending: 'snapshot' | 'pages', folder = whole): string {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  const name = join(copy, snapshots, `${String(tick).padStart(12, '0')}.${ending}`);
  if (ending === 'pages') {
    writeFileSync(
      name,
      readFileSync(name).map((byte) => byte ^ 1),
    );
  } else rmSync(name);
  return copy;
}

const isDamage =
  (pattern: RegExp) =>
  (error: unknown): boolean =>
    error instanceof EngineError && error.code === 'record-damaged' && pattern.test(error.message);

const fromSeven =
  /the record begins from that snapshot, and the next one that serves is of tick 7: nothing before/;

/** Pages that were taken over from the parent run do not lie beside the snapshot. */
function endings(): ('snapshot' | 'pages')[] {
  const own = readdirSync(join(whole, snapshots)).includes('000000000006.pages');
  return own ? ['snapshot', 'pages'] : ['snapshot'];
}

test('what a later snapshot serves for is as it was', async () => {
  const digest = (await replayRun(whole)).digest;
  const state = await inspectState(whole, { tick: 14 });
  for (const ending of endings()) {
    const lost = losing(6, ending);
    assert.equal((await replayRun(lost, { from: 8 })).digest, digest);
    assert.deepEqual(await inspectState(lost, { tick: 14 }), state);
    assert.deepEqual(gatherRun(lost).agents.length, gatherRun(whole).agents.length);
    assert.deepEqual([...happenings(lost, { tick: 10 })], [...happenings(whole, { tick: 10 })]);
    assert.equal((await diffRuns(lost, whole)).equal, true);
    const fork = newFolder();
    await (await Orchestrator.fork({ from: lost, tick: 11, runDirectory: fork })).close();
    assert.equal((await replayRun(fork)).ticks, 11);
  }
});

test('what needs the lost one says so, and from where on it goes', async () => {
  for (const ending of endings()) {
    const lost = losing(6, ending);
    await assert.rejects(replayRun(lost), isDamage(fromSeven));
    await assert.rejects(replayRun(lost, { from: 7 }), isDamage(fromSeven));
    await assert.rejects(inspectState(lost, { tick: 6 }), isDamage(fromSeven));
    await assert.rejects(
      Orchestrator.fork({ from: lost, tick: 6, runDirectory: newFolder() }),
      isDamage(fromSeven),
    );
    await assert.rejects(async () => exportRun(lost, `${newFolder()}.tar`), isDamage(fromSeven));
    assert.throws(
      () => planRepair(lost),
      isDamage(/^Cannot repair .*compacting up to tick 7, of which there is/),
    );
  }
});

test('a run goes on, says what is lost, and is compacted to what can be reached', async () => {
  for (const ending of endings()) {
    const [lost, other] = [losing(6, ending), losing(16, 'snapshot')];
    const told: string[] = [];
    for (const runDirectory of [lost, other]) {
      const run = await Orchestrator.resume({
        runDirectory,
        onBeginningLost: ({ message }) => told.push(message),
      });
      await sendUntil(run, 22);
      await run.close();
    }
    assert.equal(told.length, 1);
    assert.match(told[0]!, fromSeven);
    const { digest } = await replayRun(other);
    assert.equal((await replayRun(lost, { from: 8 })).digest, digest);
    await compactRun(lost, 9);
    assert.equal((await replayRun(lost)).digest, digest);
    assert.equal(planRepair(lost), undefined);
  }
});

test('where no other one is whole nothing goes on', async () => {
  let lost = whole;
  for (const name of readdirSync(join(whole, snapshots)).filter((each) => each.endsWith('.snapshot')))
    lost = losing(Number.parseInt(name, 10), 'snapshot', lost);
  const pattern = /the record begins from that snapshot, and no other one serves$/;
  await assert.rejects(replayRun(lost, { from: 15 }), isDamage(pattern));
  await assert.rejects(Orchestrator.resume({ runDirectory: lost }), isDamage(pattern));
  assert.throws(() => gatherRun(lost), isDamage(pattern));
  assert.throws(() => planRepair(lost), isDamage(/and nothing is left without it/));
});

test('a damaged log is repaired where a later snapshot serves', async () => {
  const lost = losing(6, 'snapshot');
  const log = join(lost, readdirSync(lost).find((name) => name.endsWith('.mcap'))!);
  const bytes = readFileSync(log);
  // Near its end, behind tick 7.
  bytes[Math.floor(bytes.length * 0.9)]! ^= 1;
  writeFileSync(log, bytes);
  const plan = planRepair(lost);
  if (plan === undefined || plan.keptTick < 7) return assert.fail(`kept tick ${plan?.keptTick}`);
  repairRun(lost);
  assert.equal((await replayRun(lost, { from: 8 })).ticks, plan.keptTick);
});
