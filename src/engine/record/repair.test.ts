// Repair: a record that is damaged anywhere says what it would give up, changes nothing before it is told to, and can be
// replayed and gone on with afterwards.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { compactRun, createSystem, Orchestrator, planRepair, repairRun, replayRun } from '../index.ts';
import type { OutputPlace } from '../output-place.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { countingAgent } from '../testing/agents.ts';
import { isCode } from '../testing/create-run.ts';
import { chainOf, KeptOutputs, newFolder, recorded } from '../testing/runs.ts';

const ports: Ports = { ...nodePorts, logSizes: { segmentBytesMax: 16_000, chunkBytesMax: 700 } };
const ticks = 40;
let original = '';
let chain: string[] = [];

before(async () => {
  original = newFolder();
  const counting = { module: countingAgent(), count: 3, everyTick: true, capabilities: ['output'] as const };
  const system = await createSystem({ host: { durability: 'tick', snapshotTicks: 8 }, agents: { counting } });
  const run = await Orchestrator.create({ system, runDirectory: original }, ports);
  await goThrough(run);
  await run.close();
  chain = chainOf(original);
  assert.ok(segments(original).length >= 3 && chain.length >= ticks);
});

/** One input a tick. */
async function goThrough(run: Orchestrator): Promise<void> {
  while (run.tick < ticks) {
    run.send('counting/1', { payload: run.tick });
    await run.settle();
  }
}

function segments(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.mcap'));
}

function placeOf({ epoch, tick, index }: OutputPlace): string {
  return `${epoch} ${tick} ${index}`;
}

function damagedCopy(damage: (folder: string) => void): string {
  const folder = newFolder();
  cpSync(original, folder, { recursive: true });
  damage(folder);
  return folder;
}

function flip(folder: string, file: string, place: number): void {
  const bytes = readFileSync(join(folder, file));
  bytes[Math.floor(bytes.length * place)]! ^= 4;
  writeFileSync(join(folder, file), bytes);
}

/** Names and bytes of everything in a folder. */
function content(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    names.map(({ parentPath, name }) => [
      join(parentPath, name).slice(folder.length),
      readFileSync(join(parentPath, name)).toString('latin1'),
    ]),
  );
}

async function checkRepaired(folder: string, keptTick: number): Promise<void> {
  assert.equal(planRepair(folder), undefined, 'nothing is left to repair');
  const kept = chainOf(folder);
  assert.deepEqual(kept, chain.slice(0, kept.length));
  assert.equal(kept.length, keptTick);
  assert.equal((await replayRun(folder)).ticks, keptTick);
  const again = await Orchestrator.resume({ runDirectory: folder });
  await goThrough(again);
  await again.close();
  assert.deepEqual(chainOf(folder), chain);
  assert.equal((await replayRun(folder, { from: 20 })).complete, true);
}

test('a record damaged in any segment is told about, left alone, and repaired on demand', async () => {
  const files = segments(original);
  for (const [number, file] of files.entries()) {
    for (const place of [0.3, 0.6, 0.999]) {
      const folder = damagedCopy((path) => flip(path, file, place));
      await assert.rejects(replayRun(folder), isCode('record-damaged', /events-0/));
      const before = content(folder);
      const plan = planRepair(folder)!;
      assert.deepEqual(content(folder), before, 'a plan changes nothing');
      assert.equal(plan.damage[0]!.details.file, file);
      assert.equal(plan.lastTick, ticks);
      assert.deepEqual(
        plan.files.map((given) => given.file),
        files.slice(number),
      );
      assert.deepEqual(repairRun(folder), plan);
      const inputs = recorded(folder, 'inputs').length;
      const total = recorded(original, 'inputs').length;
      assert.ok(plan.events.inputs <= total - inputs && plan.events.readable <= plan.events.count);
      assert.ok(total - inputs - plan.events.inputs <= 2, 'all but those of the damaged chunk are counted');
      const after = content(folder);
      const copies = [...after].filter(([name]) => /torn|given-up/.test(name)).map(([, bytes]) => bytes);
      for (const { file: name, fromByte } of plan.files) {
        assert.ok(copies.includes(before.get(`/${name}`)!.slice(fromByte)), `${name} is kept`);
      }
      await checkRepaired(folder, plan.keptTick);
      rmSync(folder, { recursive: true });
    }
  }
});

test('outputs of ticks that were given up come again in another epoch, also after compacting', async () => {
  const left = recorded(original, 'outputs').map(placeOf);
  assert.ok(left.length > ticks && left.every((place) => place.startsWith('0 ')));
  const again = async (folder: string): Promise<string[]> => {
    const outputs = new KeptOutputs();
    const run = await Orchestrator.resume({ runDirectory: folder, outputs });
    await goThrough(run);
    await run.close();
    return outputs.list.map(placeOf);
  };
  for (const compacted of [false, true]) {
    const folder = damagedCopy((path) => flip(path, segments(path)[1]!, 0.5));
    const { epoch, keptTick } = repairRun(folder)!;
    assert.equal(epoch, 1);
    if (compacted) await compactRun(folder, 16);
    const places = await again(folder);
    assert.deepEqual(places[0]!.split(' ').slice(0, 2), ['1', `${keptTick + 1}`]);
    assert.deepEqual(new Set([...left, ...places]).size, left.length + places.length);
    flip(folder, `${compacted ? 'log-1/' : ''}${segments(folder).at(-1) ?? 'events-000001.mcap'}`, 0.5);
    assert.equal(planRepair(folder)!.epoch, 2);
  }
});

test('a log that was cut below its head record says how much is gone', async () => {
  const last = segments(original).at(-1)!;
  const folder = damagedCopy((path) => truncateSync(join(path, last), 4000));
  const plan = planRepair(folder)!;
  assert.match(plan.damage[0]!.message, /the head record says that the log reached/);
  assert.equal(plan.lastTick, ticks);
  assert.ok(plan.events.count > plan.events.readable, 'some events are nowhere any more');
  repairRun(folder);
  await checkRepaired(folder, plan.keptTick);
});

test('a segment that is missing takes those behind it along', async () => {
  const folder = damagedCopy((path) => rmSync(join(path, segments(path)[1]!)));
  const plan = planRepair(folder)!;
  assert.match(plan.damage[0]!.message, /"events-000001.mcap" is missing/);
  repairRun(folder);
  assert.deepEqual(
    segments(folder).filter((name) => !/^events-00000[01]/.test(name)),
    [],
  );
  await checkRepaired(folder, plan.keptTick);
});

test('a folder with the name of a segment is damage, and is given up', async () => {
  for (const behind of [0, 3]) {
    const name = `events-${String(segments(original).length + behind).padStart(6, '0')}.mcap`;
    const folder = damagedCopy((path) => mkdirSync(join(path, name)));
    const words = behind === 0 ? /"events-.*" is not a file/ : /"events-.*" is missing/;
    await assert.rejects(replayRun(folder), isCode('record-damaged', words));
    await assert.rejects(Orchestrator.resume({ runDirectory: folder }), isCode('record-damaged', words));
    const plan = planRepair(folder)!;
    assert.deepEqual([plan.files, plan.keptTick], [[{ file: name, fromByte: 0, bytes: 0 }], ticks]);
    repairRun(folder);
    assert.ok(readdirSync(folder).includes(`${name}.given-up`));
    await checkRepaired(folder, ticks);
  }
});

test('a lost head record costs nothing but certainty', async () => {
  for (const damage of [
    (path: string) => rmSync(join(path, 'head')),
    (path: string) => writeFileSync(join(path, 'head'), new Uint8Array(8192)),
  ]) {
    const folder = damagedCopy(damage);
    await assert.rejects(replayRun(folder), isCode('record-damaged', /"head"/));
    const plan = planRepair(folder)!;
    assert.deepEqual([plan.files, plan.events.count, plan.headLost, plan.keptTick], [[], 0, true, ticks]);
    repairRun(folder);
    await checkRepaired(folder, ticks);
  }
});

test('damaged snapshots are given up, with those that need their pages', async () => {
  const folder = damagedCopy((path) => flip(path, 'snapshots/000000000024.pages', 0.5));
  const plan = planRepair(folder)!;
  assert.deepEqual([plan.files, plan.keptTick, plan.lastTick], [[], ticks, ticks]);
  assert.ok(plan.snapshots.includes(24) && !plan.snapshots.includes(16));
  repairRun(folder);
  await checkRepaired(folder, ticks);
});

test('what a record begins from keeps its pages, though older snapshots that a compaction left are given up', async () => {
  const folder = newFolder();
  const one = { module: countingAgent(), capabilities: ['output'] as const };
  const system = await createSystem({ host: { snapshotTicks: 8 }, agents: { one, two: one } });
  const run = await Orchestrator.create({ system, runDirectory: folder }, ports);
  for (let sent = 0; run.tick < 24; sent++) {
    run.send('one', { payload: sent });
    // Later snapshots refer to its page.
    if (sent === 0) run.send('two', { payload: sent });
    await run.settle();
  }
  await run.close();
  const before = newFolder();
  cpSync(join(folder, 'snapshots'), before, { recursive: true });
  const manyChunks = { ...ports, logSizes: { segmentBytesMax: 16_000, chunkBytesMax: 1 } };
  await compactRun(folder, 16, {}, manyChunks);
  // As if the compaction had been cut off before it removed anything.
  cpSync(before, join(folder, 'snapshots'), { recursive: true });
  // The first place behind the one event that says what the record begins from.
  const log = join(folder, 'log-1/events-000000.mcap');
  const whole = readFileSync(log);
  const isBehindFirst = (at: number): boolean => {
    writeFileSync(log, whole.with(at, whole[at]! ^ 4));
    try {
      return planRepair(folder) !== undefined;
    } catch {
      return false;
    }
  };
  let at = 4000;
  while (!isBehindFirst(at)) at += 20;
  const plan = repairRun(folder)!;
  assert.ok(plan.keptTick < 8 && plan.snapshots.includes(8), `${plan.keptTick}: ${plan.snapshots}`);
  assert.equal(planRepair(folder), undefined);
  const again = await Orchestrator.resume({ runDirectory: folder });
  assert.equal(again.tick, 16);
  await again.close();
  assert.equal((await replayRun(folder)).complete, true);
});

test('what a crash merely cut off, or nothing, needs no repair', () => {
  assert.equal(planRepair(original), undefined);
  assert.equal(repairRun(original), undefined);
});

test('what nothing can be made of is refused, and stays as it is', () => {
  const first = damagedCopy((path) => flip(path, 'events-000000.mcap', 0.0005));
  assert.throws(() => repairRun(first), isCode('record-damaged', /events-000000.mcap/));
  const config = damagedCopy((path) => flip(path, 'config.json', 0.5));
  assert.throws(() => repairRun(config), isCode('record-damaged', /config.json/));
});

test('a record that somebody writes into is not repaired', async () => {
  const folder = damagedCopy(() => {});
  const run = await Orchestrator.resume({ runDirectory: folder });
  assert.throws(() => repairRun(folder), isCode('run-directory-invalid', /writing into it/));
  await run.close();
});
