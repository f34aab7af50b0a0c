// What a run that goes on knows of its inputs: identities, names, source and cursor; and which runs cannot go on.

import assert from 'node:assert/strict';
import { appendFileSync, cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { decodeUtf8 } from '../../base/encoding.ts';
import { openRunDirectory, readEvents } from '../../log/index.ts';
import {
  createSystem,
  EngineError,
  Orchestrator,
  openInput,
  replayRun,
  type SystemDescription,
} from '../index.ts';
import { countingAgent, echoAgent } from '../testing/agents.ts';
import { isCode } from '../testing/create-run.ts';
import { chainOf, cutRecord, KeptOutputs, newFolder, recorded } from '../testing/runs.ts';
import { LineStream } from './line-stream.ts';

const echo = { module: echoAgent(), capabilities: ['output'] } as const;
const counting = { module: countingAgent(), capabilities: ['output'] } as const;

function description(more: SystemDescription['run'] = {}): SystemDescription {
  return { run: more, host: { durability: 'tick' }, agents: { echo, counting, many: { ...echo, count: 0 } } };
}

function lines(texts: readonly unknown[]): string {
  const path = `${newFolder()}.jsonl`;
  writeFileSync(
    path,
    texts.map((text) => `${typeof text === 'string' ? text : JSON.stringify(text)}\n`).join(''),
  );
  return path;
}

function payloads(outputs: KeptOutputs): (string | undefined)[] {
  return outputs.list.map(({ payload }) => decodeUtf8(payload));
}

/** A copy of a record as a crash may leave it: cut before the first event of a channel in a tick. */
function cutBefore(folder: string, channel: 'digests' | 'run-ended', tick: number): string {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  for (const event of readEvents(openRunDirectory(copy), { channels: [channel] })) {
    if (event.tick !== tick) continue;
    // A chunk in the middle of which is cut is lost as a whole.
    cutRecord(copy, event.offset + 1);
    return copy;
  }
  throw new Error(`the record has no "${channel}" in tick ${tick}`);
}

async function interrupted(
  system: SystemDescription,
  work: (run: Orchestrator) => Promise<void>,
): Promise<string> {
  const runDirectory = newFolder();
  const orchestrator = await Orchestrator.create({ system: await createSystem(system), runDirectory });
  await work(orchestrator);
  await orchestrator.close();
  return runDirectory;
}

test('an identity is never handed out twice, be the spawn executed or refused before the interruption', async () => {
  const folder = await interrupted(description({ agentsMax: 3 }), async (run) => {
    assert.equal(run.spawnAgent({ agent: 'many' }), '0.3');
    assert.equal(run.spawnAgent({ agent: 'many' }), '0.4');
    await run.settle();
    assert.deepEqual(
      run.snapshotState().agents.map(({ id }) => id),
      ['0.1', '0.2', '0.3'],
    );
  });
  const again = await Orchestrator.resume({ runDirectory: folder });
  assert.equal(again.spawnAgent({ agent: 'many' }), '0.5');
  again.send('0.4', { payload: 'to the one that was refused' });
  assert.throws(() => again.send('0.6', { payload: null }), isCode('input-invalid', /"0\.6"/));
  await again.close();
});

test('inputs that were sealed, and not executed, are executed first, and their identities are not handed out again', async () => {
  const runDirectory = newFolder();
  const outputs = new KeptOutputs();
  const run = await Orchestrator.create({ system: await createSystem(description()), runDirectory, outputs });
  await run.settle();
  const child = run.spawnAgent({ agent: 'many' });
  // More than a chunk of the log holds, so that the inputs reach the disk before their tick is executed.
  for (let i = 0; i < 20; i++) run.send(child, { payload: new Uint8Array(60_000).fill(i) });
  await run.run();
  const echoed = outputs.texts;
  assert.ok(echoed.length > 10);
  const copy = cutBefore(runDirectory, 'digests', 2);
  assert.deepEqual([chainOf(copy).length, recorded(copy, 'inputs').at(-1)!.inputs.length], [1, 21]);
  const again = await Orchestrator.resume({ runDirectory: copy, outputs });
  assert.equal(again.tick, 2);
  assert.equal(again.spawnAgent({ agent: 'many' }), '0.4');
  assert.deepEqual(outputs.texts, [...echoed, ...echoed]);
  await again.close();
  assert.deepEqual(chainOf(copy), chainOf(runDirectory).slice(0, 2));
});

test('lines know agents by declared name or identity, before and after an interruption', async () => {
  const texts = [
    { agent: 'echo', payload: 1 },
    { agent: 'many/0.3', payload: 2 },
    { agent: '0.3', payload: 3 },
    { agent: 'counting', payload: 4, tick: 9 },
    { agent: 'many/0.3', payload: 5 },
    { agent: '0.3', payload: 6 },
  ];
  const chains: (readonly string[])[] = [];
  for (const interrupt of [false, true]) {
    const runDirectory = newFolder();
    const bad: string[] = [];
    const options = { source: openInput(lines(texts)), reportBadLine: (text: string) => void bad.push(text) };
    const run = await Orchestrator.create({ system: await createSystem(description()), runDirectory });
    run.spawnAgent({ agent: 'many' });
    const controller = new AbortController();
    const onTick = (): void => {
      if (interrupt && run.tick === 1) controller.abort();
    };
    await run.run({ ...options, onTick, signal: controller.signal });
    if (interrupt) {
      const again = await Orchestrator.resume({ runDirectory });
      assert.deepEqual(again.recordedSource, { name: options.source.name, ended: false });
      await again.run({ ...options, source: openInput(options.source.name) });
    }
    chains.push(chainOf(runDirectory));
    assert.equal(bad.length, 2);
  }
  assert.deepEqual(chains[1], chains[0]);
});

test('a held line is neither lost nor given twice, wherever the run is interrupted', async () => {
  const texts = [
    { agent: 'echo', payload: 'a' },
    { agent: 'echo', payload: 'b', tick: 4 },
    { agent: 'echo', payload: 'c' },
    'no JSON',
    { agent: 'echo', payload: 'd', tick: 20 },
    { agent: 'echo', payload: 'e', tick: 20 },
  ];
  const input = lines(texts);
  const system = await createSystem({
    ...description(),
    agents: { echo, counting: { ...counting, everyTick: true } },
  });
  const whole = newFolder();
  const { digest } = await (await Orchestrator.create({ system, runDirectory: whole })).run({
    source: openInput(input),
  });
  for (let stopAt = 1; stopAt <= 20; stopAt++) {
    const runDirectory = newFolder();
    const outputs = new KeptOutputs();
    const controller = new AbortController();
    const first = await Orchestrator.create({ system, runDirectory, outputs });
    const onTick = (): void => {
      if (first.tick === stopAt) controller.abort();
    };
    await first.run({ source: openInput(input), onTick, signal: controller.signal });
    const second = await Orchestrator.resume({ runDirectory, outputs });
    const summary = await second.run({ source: openInput(input) });
    assert.equal(summary.digest, digest, `interrupted in tick ${stopAt}`);
    const echoed = outputs.list
      .filter((output) => output.agent === 'echo')
      .map(({ payload }) => decodeUtf8(payload));
    assert.deepEqual(echoed, ['"a"', '"b"', '"c"', '"d"', '"e"']);
  }
});

test('a run that was cut before its first tick still knows its source', async () => {
  const input = lines([{ agent: 'echo', payload: 1 }]);
  const runDirectory = newFolder();
  const system = await createSystem({ ...description(), host: { durability: 'none' } });
  const run = await Orchestrator.create({ system, runDirectory });
  const copy = newFolder();
  await run.run({
    source: openInput(input),
    onTick: ({ executed }) => {
      if (executed === 1) cpSync(runDirectory, copy, { recursive: true });
    },
  });
  const again = await Orchestrator.resume({ runDirectory: copy });
  assert.deepEqual([again.tick, again.recordedSource?.name], [0, input]);
  const { outputs } = await again.run({ source: openInput(input) });
  assert.equal(outputs, 1);
  assert.deepEqual(chainOf(copy), chainOf(runDirectory));
});

test('a source of another name is read from its beginning, one that is shorter than its cursor is refused', async () => {
  const runDirectory = newFolder();
  const outputs = new KeptOutputs();
  const system = await createSystem(description());
  const controller = new AbortController();
  const run = await Orchestrator.create({ system, runDirectory, outputs });
  const stream = Readable.from(['{"agent":"echo","payload":1}\n{"agent":"echo","payload":2,"tick":90}\n']);
  await run.run({
    source: new LineStream(stream, 'standard input'),
    signal: controller.signal,
    onTick: () => controller.abort(),
  });
  const rest = lines([{ agent: 'echo', payload: 2 }]);
  const second = await Orchestrator.resume({ runDirectory, outputs });
  assert.deepEqual(second.recordedSource, { name: 'standard input', ended: false });
  const again = new AbortController();
  await second.run({ source: openInput(rest), onTick: () => again.abort(), signal: again.signal });
  assert.deepEqual(payloads(outputs), ['1', '2']);
  truncateSync(rest, 3);
  const third = await Orchestrator.resume({ runDirectory, outputs });
  const source = openInput(rest);
  await assert.rejects(third.run({ source }), isCode('input-refused', /it has 3 bytes/));
  assert.throws(
    () => source.seek({ byte: 0, line: 0, ended: false }),
    /EBADF|closed/,
    'the source was closed',
  );
});

test('a run that ended cannot go on, and is not changed by the try', async () => {
  for (const ticks of [undefined, 3]) {
    const runDirectory = newFolder();
    const agents = { echo, counting: { ...counting, everyTick: true } };
    const system = await createSystem({ ...description(), agents });
    const run = await Orchestrator.create({ system, runDirectory });
    run.send('echo', { payload: 1 });
    await run.run(ticks === undefined ? {} : { ticks });
    const before = readFileSync(join(runDirectory, 'events-000000.mcap'));
    const why = ticks === undefined ? /nothing was left to do/ : /reached its last tick/;
    await assert.rejects(Orchestrator.resume({ runDirectory }), isCode('run-directory-invalid', why));
    assert.deepEqual(readFileSync(join(runDirectory, 'events-000000.mcap')), before);
  }
});

test('a record whose configuration was changed is refused by file, whether it is replayed or gone on with', async () => {
  const folder = await interrupted(description(), async (run) => run.settle());
  const config = join(folder, 'config.json');
  const text = readFileSync(config, 'utf8');
  for (const changed of [text.replace('"seed":0', '"seed":1'), `${text} `, '{}', '']) {
    writeFileSync(config, changed);
    const refused = isCode('record-damaged', /config\.json/);
    await assert.rejects(replayRun(folder), refused);
    await assert.rejects(Orchestrator.resume({ runDirectory: folder }), refused);
  }
  writeFileSync(config, text);
  await replayRun(folder);
});

test('a record with the module of another one is refused, and so is one of another cost table', async () => {
  const folder = await interrupted(description(), async (run) => run.settle());
  const [hash] = openRunDirectory(folder).moduleHashes();
  const module = join(folder, 'modules', `${hash}.wasm`);
  const bytes = readFileSync(module);
  writeFileSync(
    module,
    countingAgent().map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
  );
  await assert.rejects(
    Orchestrator.resume({ runDirectory: folder }),
    isCode('record-damaged', /modules.*hash/),
  );
  writeFileSync(module, bytes);
  const manifest = join(folder, 'run.json');
  const text = readFileSync(manifest, 'utf8');
  writeFileSync(manifest, text.replace(/"costTable": \d+/, '"costTable": 999'));
  await assert.rejects(
    replayRun(folder),
    (error) => error instanceof EngineError && /cost|costTable/.test(error.message),
  );
});

test('a record that says another digest diverges at its tick', async () => {
  const folder = await interrupted(description(), async (run) => {
    run.send('echo', { payload: 1 });
    await run.settle();
  });
  const other = await interrupted(description({ seed: 1 }), async (run) => {
    run.send('echo', { payload: 1 });
    await run.settle();
  });
  // The same inputs under another seed: a log that belongs to another configuration.
  cpSync(join(other, 'config.json'), join(folder, 'config.json'));
  await assert.rejects(replayRun(folder), isCode('record-damaged', /config\.json/));
});

test('going on says each tick that is executed again, and counts what was before', async () => {
  const folder = await interrupted(description(), async (run) => {
    for (let i = 0; i < 3; i++) {
      run.send('counting', { payload: i });
      await run.settle();
    }
  });
  const ticks: number[] = [];
  const again = await Orchestrator.resume({
    runDirectory: folder,
    onReplayedTick: (tick) => ticks.push(tick),
  });
  assert.deepEqual(ticks, [1, 2, 3]);
  const summary = await again.run();
  assert.deepEqual([summary.executed, summary.outputs, summary.messages], [4, 3, 3]);
});

test('epochs count recoveries only where outputs may have left before their tick was durable', async () => {
  for (const [durability, epochs] of [
    ['tick', [0, 0]],
    ['none', [0, 1]],
  ] as const) {
    const system = await createSystem({ ...description(), host: { durability } });
    const runDirectory = newFolder();
    const outputs = new KeptOutputs();
    const run = await Orchestrator.create({ system, runDirectory, outputs });
    run.send('echo', { payload: 1 });
    await run.settle();
    await run.close();
    const again = await Orchestrator.resume({ runDirectory, outputs });
    again.send('echo', { payload: 2 });
    await again.run();
    assert.deepEqual(
      outputs.list.map(({ epoch }) => epoch),
      epochs,
    );
    assert.deepEqual(
      recorded(runDirectory, 'run-started').map(({ epoch }) => epoch),
      epochs,
    );
  }
});

test('what stands behind the end of a cut log is kept beside it', async () => {
  const folder = await interrupted(description(), async (run) => run.settle());
  appendFileSync(join(folder, 'events-000000.mcap'), 'torn');
  await assert.rejects(
    Orchestrator.resume({ runDirectory: folder }),
    isCode('record-damaged', /events-000000/),
  );
});
