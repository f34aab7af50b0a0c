// The engine process dies of everything that a process can die of, and the run goes on as if it had not.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { agent, countingAgent, echoAgent, importText } from '../../src/engine/testing/agents.ts';
import {
  type Ended,
  engineOf,
  isAlive,
  kill,
  lastObject,
  outputLines,
  type Started,
  start,
  until,
} from './supervised.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-supervisor-'));
after(() => rmSync(root, { recursive: true, force: true }));
const environment = { NODE_COMPILE_CACHE: join(root, 'cache') };
const hook = join(import.meta.dirname, 'abort-in-turn.ts');
const skip = process.platform === 'win32';

function cli(words: readonly string[], preload: readonly string[] = []): Started {
  return start(words, { cwd: root, environment, preload });
}

async function ended(words: readonly string[], input = ''): Promise<Ended> {
  const started = cli(words);
  started.child.stdin!.end(input);
  return started.ended;
}

function lines(from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) {
    text += `${JSON.stringify({ agent: i % 2 === 0 ? 'echo' : 'counting', payload: { line: i } })}\n`;
  }
  return text;
}

before(() => {
  // Logs what it gets, and gives it back.
  const telling = agent({
    before: `${importText('log', 3)} ${importText('output', 2)}`,
    receive: `(drop (call $log (i32.const 1) (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at))))
      (call $output (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at)))`,
  });
  writeFileSync(join(root, 'echo.wasm'), echoAgent());
  writeFileSync(join(root, 'counting.wasm'), countingAgent());
  writeFileSync(join(root, 'telling.wasm'), telling);
  const system = `[run]
inputsPerTickMax = 4
[agents.echo]
module = "echo.wasm"
capabilities = ["output"]
[agents.counting]
module = "counting.wasm"
capabilities = ["output"]
everyTick = true
`;
  const teller = '[agents.NAME]\nmodule = "telling.wasm"\ncapabilities = ["log", "output"]\n';
  writeFileSync(join(root, 'plain.toml'), system);
  writeFileSync(join(root, 'unsynced.toml'), `${system}[host]\ndurability = "none"\n`);
  const tellers = ['one', 'two', 'three'].map((name) => teller.replace('NAME', name)).join('');
  writeFileSync(join(root, 'tellers.toml'), `[run]\ninputsPerTickMax = 4\n${tellers}`);
  writeFileSync(join(root, 'all.jsonl'), lines(0, 400));
});

test('an engine process that is killed is started again: no line, tick or output is lost or given twice', {
  skip,
}, async () => {
  const [whole, run] = [
    ended(['run', 'plain.toml', '-i', 'all.jsonl', '-d', 'whole', '--json', '--no-supervisor']),
    cli(['run', 'plain.toml', '-i', '-', '-d', 'killed', '--json', '--restarts', '50']),
  ];
  let [fed, pid] = [0, 0];
  for (const part of [100, 200, 300]) {
    pid = await engineOf(run, pid);
    run.child.stdin!.write(lines(fed, part));
    fed = part;
    const before = outputLines(run.said.out).length;
    await until(() => outputLines(run.said.out).length > before + 20);
    kill(pid);
  }
  run.child.stdin!.end(lines(fed, 400));
  const [expected, got] = [await whole, await run.ended];
  assert.deepEqual([expected.code, got.code], [0, 0], got.err);
  assert.deepEqual(outputLines(got.out), outputLines(expected.out));
  assert.equal(lastObject(got.out).digest, lastObject(expected.out).digest);
  assert.equal(lastObject(got.out).outputs, lastObject(expected.out).outputs);
  assert.equal(got.err.match(/^warning: the engine process died \(SIGKILL\)/gm)?.length, 3, got.err);
  assert.equal((await ended(['replay', 'killed'])).code, 0);
});

test('without durability, too, no output comes twice or is lost when engine processes are killed while it runs', {
  skip,
}, async () => {
  writeFileSync(join(root, 'long.jsonl'), lines(0, 12_000));
  const words = ['run', 'unsynced.toml', '-i', 'long.jsonl', '--json'];
  const whole = ended([...words, '-d', 'unsynced-whole', '--no-supervisor']);
  const run = cli([...words, '-d', 'unsynced', '--restarts', '50']);
  let pid = 0;
  for (const part of [100_000, 300_000, 500_000]) {
    pid = await engineOf(run, pid);
    await until(() => run.said.out.length > part);
    kill(pid);
  }
  const [expected, got] = [await whole, await run.ended];
  assert.deepEqual([expected.code, got.code], [0, 0], got.err);
  assert.equal(got.err.match(/^warning: the engine process died \(SIGKILL\)/gm)?.length, 3, got.err);
  const withoutEpoch = (text: string): string[] =>
    outputLines(text).map((line) => line.slice(line.indexOf(',')));
  assert.deepEqual(withoutEpoch(got.out), withoutEpoch(expected.out));
  assert.equal(lastObject(got.out).digest, lastObject(expected.out).digest);
});

test('a turn that ends the process twice, alone, is quarantined, with any number of workers; replay repeats it', {
  skip,
}, async () => {
  const say = (agent: string, payload: string): string => `${JSON.stringify({ agent, payload })}\n`;
  const input = `${say('one', 'a')}${say('two', 'b')}${say('three', 'c')}${say('one', 'd')}
${say('one', 'e')}${say('two', 'abort')}${say('three', 'f')}${say('two', 'g')}
${say('one', 'h')}${say('two', 'i')}${say('three', 'j')}`;
  writeFileSync(join(root, 'abort.jsonl'), input);
  const runs = await Promise.all(
    ['0', '2'].map(
      (workers) =>
        cli(
          ['run', 'tellers.toml', '-i', 'abort.jsonl', '-d', `abort-${workers}`, '-w', workers, '--json'],
          [hook],
        ).ended,
    ),
  );
  const [first] = runs;
  for (const run of runs) {
    assert.equal(run.code, 0, run.err);
    assert.equal(run.err.match(/died \(SIGSEGV\)/g)?.length, 3, run.err);
    assert.equal(lastObject(run.out).digest, lastObject(first!.out).digest);
    const said = outputLines(run.out).map((line) => JSON.parse(line) as { agent: string; payload: string });
    assert.equal(
      said.map(({ agent, payload }) => `${agent} ${payload}`).join(', '),
      'one a, two b, three c, one d, one e, three f, one h, three j',
    );
  }
  // Without what ended the process.
  const replay = await ended(['replay', 'abort-2', '--workers', '1', '--json']);
  assert.deepEqual([replay.code, lastObject(replay.out).digest], [0, lastObject(first!.out).digest]);
  const inspect = await ended(['inspect', 'abort-0', '--agent', 'two']);
  assert.match(inspect.out, /failed.*quarantined/);
  assert.equal(existsSync(join(root, 'abort-0', 'turn-marker')), false);
});

test('a process that hangs is ended and started again; who hung is to blame for nothing, and in the end it is given up', {
  skip,
}, async () => {
  writeFileSync(
    join(root, 'hang.jsonl'),
    '{"agent":"one","payload":"a"}\n{"agent":"two","payload":"hang"}\n',
  );
  const words = ['run', 'tellers.toml', '-i', 'hang.jsonl', '-d', 'hung', '--json'];
  const run = await cli([...words, '--watchdog', '2', '--restarts', '2'], [hook]).ended;
  assert.equal(run.code, 70);
  assert.match(
    run.err,
    /^error: Cannot go on: the engine process died 3 times.*no sign of life \(--watchdog 2\)/m,
  );
  assert.match(run.err, /its record so far is in hung$/m);
  assert.equal((lastObject(run.out).error as { code: string }).code, 'host-fault');
  // Without what hung, nothing was wrong with it.
  const again = await ended(['run', '-d', 'hung', '--json']);
  assert.deepEqual(
    [again.code, lastObject(again.out).outputs, lastObject(again.out).faults],
    [0, 2, 0],
    again.err,
  );
});

test('whoever is killed from outside while turns run alone is held against nobody, however often', {
  skip,
}, async () => {
  const said = [
    ['one', 'abort'],
    ['two', 'a'],
    ['three', 'hang'],
  ];
  const input = said.map(([agent, payload]) => `${JSON.stringify({ agent, payload })}\n`).join('');
  writeFileSync(join(root, 'careful.jsonl'), input);
  const words = ['run', 'tellers.toml', '-i', 'careful.jsonl', '-d', 'careful', '--json', '--restarts', '50'];
  const run = cli(words, [hook]);
  const marker = join(root, 'careful', 'turn-marker');
  const isAlone = (): boolean => existsSync(marker) && readFileSync(marker, 'utf8').endsWith('\n1 0 3\n');
  let pid: number | undefined;
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
    // The turn of the third agent runs by itself: the first one has ended the process and was quarantined.
    await until(() => isAlone() || run.child.exitCode !== null);
    assert.equal(run.child.exitCode, null, run.said.err);
    pid = await engineOf(run, pid);
    kill(pid, signal);
    await engineOf(run, pid);
  }
  await until(() => isAlone() || run.child.exitCode !== null);
  const impatient = setInterval(() => run.child.kill('SIGINT'), 200);
  const { code, err } = await run.ended;
  clearInterval(impatient);
  assert.equal(code, 130, err);
  assert.deepEqual(
    [err.match(/died \(SIGSEGV\)/g)?.length, err.match(/died \(SIG(KILL|TERM)\)/g)?.length],
    [3, 3],
    err,
  );
  // Without what ends or stops the process.
  const again = await ended(['run', '-d', 'careful', '--json']);
  assert.deepEqual([again.code, lastObject(again.out).outputs], [0, 2], again.err);
  const { agents } = lastObject((await ended(['inspect', 'careful', '--json'])).out);
  assert.deepEqual(
    (agents as { name: string; state: string }[]).map(({ name, state }) => [name, state]),
    [
      ['one', 'failed'],
      ['two', 'stopped'],
      ['three', 'stopped'],
    ],
  );
});

test('a process that is killed before it has read its options is restarted as often as they say', {
  skip,
}, async () => {
  const run = cli(['run', 'plain.toml', '-i', 'all.jsonl', '-d', 'early', '--restarts', '0']);
  kill(await engineOf(run));
  const { code, err } = await run.ended;
  assert.equal(code, 70, err);
  assert.match(
    err,
    /^error: Cannot go on: the engine process died once without getting on, at last by SIGKILL$/m,
  );
});

test('a second Ctrl-C ends a run that does not stop, and it can go on', { skip }, async () => {
  const run = cli(['run', 'tellers.toml', '-i', '-', '-d', 'stuck', '--json'], [hook]);
  run.child.stdin!.write('{"agent":"one","payload":"a"}\n'.repeat(4));
  await until(() => outputLines(run.said.out).length === 4);
  run.child.stdin!.write('{"agent":"one","payload":"hang"}\n'.repeat(4));
  const pid = await engineOf(run);
  // Two at once would be one.
  const impatient = setInterval(() => run.child.kill('SIGINT'), 200);
  const { code, err } = await run.ended;
  clearInterval(impatient);
  assert.equal(code, 130, err);
  assert.equal(isAlive(pid), false);
  const again = await ended(['run', '-d', 'stuck', '-i', '-', '--json'], '{"agent":"one","payload":"b"}\n');
  assert.equal(again.code, 0, again.err);
});

test('a supervisor that is killed takes its engine process with it, and outputs that nobody got are given again', {
  skip,
}, async () => {
  const run = cli(['run', 'plain.toml', '-i', '-', '-d', 'orphan', '--json']);
  run.child.stdin!.write(lines(0, 40));
  await until(() => outputLines(run.said.out).length > 10);
  const pid = await engineOf(run);
  kill(run.child.pid!);
  const first = await run.ended;
  await until(() => !isAlive(pid));
  // As if the last of them had been on their way.
  writeFileSync(join(root, 'orphan', 'outputs-delivered'), `0 3 0${' '.repeat(42)}\n`);
  const rest = await ended(['run', '-d', 'orphan', '-i', '-', '--json'], lines(40, 60));
  assert.equal(rest.code, 0, rest.err);
  const [given, again] = [outputLines(first.out), outputLines(rest.out)];
  assert.match(again[0]!, /^\{"epoch":0,"tick":3,"index":1,/);
  const at = given.indexOf(again[0]!);
  assert.ok(at > 0);
  assert.deepEqual(again.slice(0, given.length - at), given.slice(at), 'repeats are the same, place and all');
  assert.equal(lastObject(rest.out).outputs, at + again.length);
});

test('without a supervisor a process that is killed is not started again, and the run can go on', {
  skip,
}, async () => {
  const run = cli(['run', 'plain.toml', '-i', '-', '-d', 'alone', '--no-supervisor']);
  run.child.stdin!.write(lines(0, 40));
  await until(() => outputLines(run.said.out).length > 10);
  kill(run.child.pid!);
  const { signal, err } = await run.ended;
  assert.deepEqual([signal, err], ['SIGKILL', '']);
  const again = await ended(['run', '-d', 'alone', '-i', '-', '--json'], lines(40, 44));
  assert.equal(again.code, 0, again.err);
});

test('a named pipe is kept like standard input: an engine process that is killed loses no line of it', {
  skip,
}, async () => {
  const pipe = join(root, 'pipe');
  if (spawnSync('mkfifo', [pipe]).status !== 0) return;
  const words = ['-d', 'piped', '--json', '--restarts', '50'];
  const run = cli(['run', 'plain.toml', '-i', 'pipe', ...words]);
  let writer: FileHandle | undefined;
  let pid = 0;
  for (const part of [100, 200, 300]) {
    pid = await engineOf(run, pid);
    writer ??= await open(pipe, 'w');
    await writer.writeFile(lines(part - 100, part));
    const before = outputLines(run.said.out).length;
    await until(() => outputLines(run.said.out).length > before + 20);
    kill(pid);
  }
  await writer!.writeFile(lines(300, 400));
  await writer!.close();
  const [expected, got] = [await ended(['run', 'plain.toml', '-i', 'all.jsonl', '--json']), await run.ended];
  assert.deepEqual([expected.code, got.code], [0, 0], got.err);
  assert.deepEqual(outputLines(got.out), outputLines(expected.out));
  assert.equal(lastObject(got.out).digest, lastObject(expected.out).digest);
  assert.equal(got.err.match(/^warning: the engine process died \(SIGKILL\)/gm)?.length, 3, got.err);
});

test('a run that read a pipe and was interrupted wants to be told where the rest is', { skip }, async () => {
  const pipe = join(root, 'half');
  if (spawnSync('mkfifo', [pipe]).status !== 0) return;
  const run = cli(['run', 'plain.toml', '-i', 'half', '-d', 'half-run']);
  await engineOf(run);
  const writer = await open(pipe, 'w');
  await writer.writeFile(lines(0, 100));
  await until(() => outputLines(run.said.out).length > 20);
  run.child.kill('SIGINT');
  assert.equal((await run.ended).code, 130);
  await writer.close();
  const again = await ended(['run', '-d', 'half-run']);
  assert.equal(again.code, 2);
  assert.match(again.err, /the run was reading .*half; give the rest with --input/);
});

test('standard input by its path in /dev is standard input', { skip }, async () => {
  const got = await ended(['run', 'plain.toml', '-i', '/dev/stdin', '--json'], lines(0, 8));
  assert.equal(got.code, 0, got.err);
  assert.equal(outputLines(got.out).length > 3, true);
});

test('an input that is no file and cannot be read is one clear error', { skip }, async () => {
  const path = join(root, 'socket');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const got = await ended(['run', 'plain.toml', '-i', 'socket']);
  server.close();
  assert.equal(got.code, 1, got.err);
  assert.match(got.err, /^error: Cannot read .*socket: ENXIO/m);
  assert.doesNotMatch(got.err, /restart/);
});
