// A run in one file: executed, told, compared and forked from there as from its directory; redacted, it says what it
// cannot do.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { readWhole } from '../../log/files.ts';
import { openRunDirectory, type Storage } from '../../log/index.ts';
import { createSystem } from '../config/index.ts';
import {
  diffRuns,
  EngineError,
  exportRun,
  gatherRun,
  happenings,
  inspectState,
  Orchestrator,
  redactionLines,
  replayRun,
} from '../index.ts';
import { nodePorts } from '../ports.ts';
import { agent, importText } from '../testing/agents.ts';
import { chainOf, newFolder } from '../testing/runs.ts';

/** Gives out what it gets, and logs it. */
function tellingAgent(): Uint8Array<ArrayBuffer> {
  const payload = '(i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at))';
  return agent({
    before: `${importText('log', 3)} ${importText('output', 2)}`,
    receive: `(drop (call $log (i32.const 1) ${payload})) (call $output ${payload})`,
  });
}

async function recordedRun(): Promise<string> {
  const folder = newFolder();
  const system = await createSystem({
    agents: {
      echo: { module: tellingAgent(), capabilities: ['output', 'log'], subscriptions: ['orders', 'news'] },
    },
    topics: { orders: {}, news: {} },
    host: { snapshotTicks: 2, trace: 'full' },
  });
  const run = await Orchestrator.create({ system, runDirectory: folder });
  for (let i = 0; i < 6; i++) {
    run.publish('news', { payload: `known ${i}` });
    run.publish('orders', { payload: `secret ${i}` });
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

test('snapshots that cannot be read stay behind, and it says so', async () => {
  const folder = await recordedRun();
  const { ticks } = exportRun(folder, `${folder}.tar`);
  const name = join(folder, 'snapshots', '000000000004.snapshot');
  truncateSync(name, 100);
  const summary = exportRun(folder, `${folder}.tar`);
  assert.deepEqual([summary.unreadableSnapshots, summary.ticks], [[4], ticks]);
  const { complete } = await replayRun(`${folder}.tar`, { from: 5 });
  assert.ok(complete);
  assert.deepEqual(chainOf(`${folder}.tar`), chainOf(folder));
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
  const names = readdirSync(join(fork, 'snapshots')).filter((name) => name.endsWith('.pages'));
  assert.notDeepEqual(names, []);
  for (const name of names) rmSync(join(fork, 'snapshots', name));
  assert.throws(() => exportRun(fork, `${fork}-2.tar`), { code: 'record-damaged' });
  assert.equal(existsSync(`${fork}-2.tar`), false);
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
  const made = { derived: 'left-out', again: false, outputs: 12, texts: 12, answers: 0, modelWords: 0 };
  const counts = { payloads: 6, otherInputs: 6, ...made };
  assert.deepEqual([redacted, snapshots], [{ topics: ['orders'], ...counts }, 0]);
  const inputs = [...happenings(file, {})].filter(({ what }) => what === 'input');
  const named = inputs.filter(({ name }) => name === 'orders');
  assert.equal(named.length, 6);
  for (const { payload, payloadSha256 } of named) {
    assert.equal(payload, undefined);
    assert.match(String(payloadSha256), /^[0-9a-f]{64}$/);
  }
  const bytes = readFileSync(file).toString('latin1');
  // Inputs to another topic; what the agent gave back, said and kept in memory is not there.
  assert.equal(bytes.split('known').length - 1, 6);
  assert.match(bytes, /Redacted: payloads that came from outside to "orders"/);
  assert.equal(gatherRun(file).outputs, 12, 'counts stay');
  const more = exportRun(file, `${folder}-2.tar`, { redact: ['news'] });
  assert.deepEqual([more.redacted!.topics, more.redacted!.payloads], [['news', 'orders'], 12]);
  const asItWas = exportRun(file, `${folder}-3.tar`);
  assert.deepEqual([asItWas.redacted, asItWas.redactedBefore], [undefined, ['orders']]);
  assert.deepEqual(readFileSync(`${folder}-3.tar`), readFileSync(file), 'packed again it is the same');
});

test('what is redacted again says of what it counts; what was kept can be left out later', async () => {
  const folder = await recordedRun();
  const [kept, again] = [`${folder}-kept.tar`, `${folder}-again.tar`];
  exportRun(folder, kept, { redact: ['orders'], keepDerived: true });
  const { redacted } = exportRun(kept, again, { redact: ['orders'] });
  const counts = { payloads: 6, otherInputs: 6, outputs: 12, texts: 12, answers: 0, modelWords: 0 };
  assert.deepEqual(redacted, { topics: ['orders'], ...counts, derived: 'left-out', again: true });
  assert.doesNotMatch(contentOf(again).join(), /secret/);
  const third = exportRun(again, `${folder}-third.tar`, { redact: ['news'] });
  assert.equal(third.redacted!.outputs, 0);
  assert.match(
    redactionLines(third.redacted!).join('\n'),
    /was redacted before: what was left out then is not/,
  );
});

test('an export touches nothing beside its file, whatever it is called, and leaves nothing there', async () => {
  const folder = await recordedRun();
  const place = newFolder();
  const file = join(place, 'x.tar');
  for (const mine of ['x.tar.staging', 'x.tar.tmp']) {
    mkdirSync(join(place, mine), { recursive: true });
    writeFileSync(join(place, mine, 'mine'), 'precious');
  }
  exportRun(folder, file);
  exportRun(folder, file, { redact: ['orders'] });
  assert.throws(() => exportRun(folder, file, { redact: ['orders', 'nobody'] }), /Cannot redact "nobody"/);
  assert.deepEqual(readdirSync(place), ['x.tar', 'x.tar.staging', 'x.tar.tmp']);
  for (const mine of ['x.tar.staging', 'x.tar.tmp'])
    assert.equal(readFileSync(join(place, mine, 'mine'), 'utf8'), 'precious');
});

/** An archive as it is, and each of its packs of pages decompressed. */
function contentOf(file: string): string[] {
  const { storage } = openRunDirectory(file);
  const packs = (storage.list('snapshots') ?? []).filter((name) => name.endsWith('.pages'));
  const pages = packs.map((name) => zstdDecompressSync(readWhole(storage, `snapshots/${name}`)!));
  return [readFileSync(file), ...pages].map((bytes) => bytes.toString('latin1'));
}

test('no secret of a redacted topic is anywhere in the file, compressed or not', async () => {
  const folder = await recordedRun();
  exportRun(folder, `${folder}.tar`);
  const [plain = '', ...compressed] = contentOf(`${folder}.tar`);
  assert.match(plain, /secret/);
  assert.ok(
    compressed.some((text) => text.includes('secret')),
    'memories in snapshots hold it, and are looked into',
  );
  exportRun(folder, `${folder}-redacted.tar`, { redact: ['orders'] });
  assert.doesNotMatch(contentOf(`${folder}-redacted.tar`).join(), /secret/);
  const file = `${folder}-kept.tar`;
  const kept = exportRun(folder, file, { redact: ['orders'], keepDerived: true });
  assert.deepEqual([kept.redacted!.derived, kept.redacted!.outputs], ['kept', 12]);
  const [content = ''] = contentOf(file);
  assert.equal(content.split('secret').length - 1, 12, 'six outputs and six texts');
  assert.match(content, /KEPT, though they may repeat payloads: 12 outputs, 12 log texts/);
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
    assert.equal(existsSync(file), false);
  }
});

test('an export takes the name of a file or of nothing, never that of a folder, a pipe, a device or a lost link', async () => {
  const folder = await recordedRun();
  const place = newFolder();
  mkdirSync(join(place, 'folder'), { recursive: true });
  symlinkSync(join(place, 'nothing'), join(place, 'lost'));
  const names = ['folder', 'lost'];
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [join(place, 'pipe')]);
    symlinkSync('pipe', join(place, 'way-to-the-pipe'));
    names.push('pipe', 'way-to-the-pipe');
  }
  const before = names.map((name) => lstatSync(join(place, name)).ino);
  for (const name of names)
    assert.throws(
      () => exportRun(folder, join(place, name)),
      (error) =>
        error instanceof EngineError &&
        error.code === 'run-failed' &&
        error.message.includes(`${name}": it is a`),
      name,
    );
  assert.deepEqual(
    names.map((name) => lstatSync(join(place, name)).ino),
    before,
  );
  assert.equal(readdirSync(place).length, names.length);
});

test('an archive or an empty file is replaced, and no other', async () => {
  const folder = await recordedRun();
  const place = newFolder();
  mkdirSync(place, { recursive: true });
  const file = join(place, 'x');
  writeFileSync(file, '');
  const { bytes } = exportRun(folder, file);
  assert.equal(exportRun(folder, file).bytes, bytes);
  for (const text of ['[run]\nseed = 5\n', 'a text of mine']) {
    writeFileSync(file, text);
    assert.throws(() => exportRun(folder, file), { code: 'run-failed', message: /another file is there/ });
    assert.deepEqual(readFileSync(file), Buffer.from(text));
  }
});

test('a link to a file stays a link, and the file is replaced', async () => {
  const folder = await recordedRun();
  const place = newFolder();
  mkdirSync(place, { recursive: true });
  exportRun(folder, join(place, 'real.tar'), { snapshots: false });
  const before = statSync(join(place, 'real.tar')).size;
  symlinkSync('real.tar', join(place, 'link.tar'));
  exportRun(folder, join(place, 'link.tar'));
  assert.equal(readlinkSync(join(place, 'link.tar')), 'real.tar');
  assert.ok(statSync(join(place, 'real.tar')).size > before);
});

test('what an export says of a run that is going is what it holds', async () => {
  const folder = newFolder();
  const echo = { module: tellingAgent(), capabilities: ['output', 'log'] } as const;
  const system = await createSystem({ agents: { echo }, host: { durability: 'tick' } });
  const run = await Orchestrator.create({ system, runDirectory: folder });
  const log = join(folder, 'events-000000.mcap');
  const sizes: number[] = [];
  let head = new Uint8Array();
  for (let i = 0; i < 9; i++) {
    run.send('echo', { payload: i });
    await run.settle();
    sizes.push(statSync(log).size);
    if (i === 0) head = readFileSync(join(folder, 'head'));
  }
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  await run.close();
  writeFileSync(join(copy, 'head'), head);
  // Whenever somebody asks, the log has grown.
  const growing = (path: string): Storage => {
    const inner = nodePorts.openStorage(path);
    const openRead: Storage['openRead'] = (name) => {
      const handle = inner.openRead(name);
      if (name !== 'events-000000.mcap' || handle === undefined) return handle;
      const size = (): number => (sizes.length > 1 ? sizes.shift()! : sizes[0]!);
      return { size, read: (into, offset) => handle.read(into, offset), close: () => handle.close() };
    };
    return { ...inner, openRead };
  };
  const { ticks, digest } = exportRun(copy, `${copy}.tar`, { snapshots: false }, { openStorage: growing });
  const held = await replayRun(`${copy}.tar`);
  assert.ok(ticks < 9, 'it went on meanwhile');
  assert.deepEqual([ticks, digest], [held.ticks, held.digest]);
});

test('a run is not exported into itself, by whatever link that is named', async () => {
  const folder = await recordedRun();
  const link = `${folder}-link`;
  symlinkSync(folder, link, 'junction');
  const file = `${folder}.tar`;
  exportRun(link, file);
  const before = readFileSync(join(folder, 'head'));
  for (const [run, into] of [
    [folder, join(link, 'head')],
    [link, join(folder, 'head')],
    [link, join(folder, 'snapshots', 'run.tar')],
    [file, join(link, '..', basename(file))],
  ] as const)
    assert.throws(() => exportRun(run, into), { code: 'run-directory-invalid' }, into);
  assert.deepEqual(readFileSync(join(folder, 'head')), before);
});
