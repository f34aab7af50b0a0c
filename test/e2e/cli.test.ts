// The commands as a person or a program meets them: real processes, exit codes, and what they print.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSystem, Orchestrator } from '../../src/engine/index.ts';
import { agent, echoAgent, restlessAgent } from '../../src/engine/testing/agents.ts';
import { assemble } from '../../src/wasm/test-module.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-main-'));
after(() => rmSync(root, { recursive: true, force: true }));
// Dozens of processes that load the same files.
const cache = { NODE_COMPILE_CACHE: join(root, 'cache') };
const main = join(import.meta.dirname, '../../src/cli/main.ts');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(words: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const { FORCE_COLOR: _, NO_COLOR: __, WASM_ENGINE_DEBUG: ___, ...inherited } = process.env;
  return spawn(process.execPath, [main, ...words], {
    cwd: root,
    env: { ...inherited, ...cache, ...environment },
  });
}

async function ended(child: ChildProcess, input?: string): Promise<Ended> {
  let [out, err] = ['', ''];
  child.stdout!.on('data', (chunk) => (out += chunk));
  child.stderr!.on('data', (chunk) => (err += chunk));
  child.stdin!.on('error', () => {});
  if (input !== undefined) child.stdin!.end(input);
  const [code] = await once(child, 'close');
  return { code, out, err };
}

function cli(words: readonly string[], input = '', environment: Record<string, string> = {}): Promise<Ended> {
  return ended(start(words, environment), input);
}

function lastObject(text: string): Record<string, unknown> {
  return JSON.parse(text.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
}

/** One line that says what is wrong, perhaps with a list below, and nothing of our own code. */
function oneError({ err }: Ended, wanted: RegExp): void {
  assert.equal(err.match(/^error: /gm)?.length, 1, err);
  assert.match(err, wanted);
  assert.doesNotMatch(err, /^\s+at |node:internal|\.ts:\d/m);
}

const echoToml = '[agents.echo]\nmodule = "echo.wasm"\ncapabilities = ["output"]\n';
const lines = '{"agent":"echo","payload":{"b":1,"a":"é"}}\n{"agent":"echo","payload":{"$base64":"/w=="}}\n';

before(() => {
  writeFileSync(join(root, 'echo.wasm'), echoAgent());
  writeFileSync(join(root, 'restless.wasm'), restlessAgent());
  writeFileSync(join(root, 'loop.wasm'), agent({ receive: '(loop $l (br $l)) i32.const 0' }));
  writeFileSync(join(root, 'cut.wasm'), echoAgent().subarray(0, 60));
  writeFileSync(join(root, 'echo.toml'), echoToml);
  writeFileSync(join(root, 'lines.jsonl'), lines);
  writeFileSync(
    join(root, 'restless.toml'),
    '[agents.r]\nmodule = "restless.wasm"\ncapabilities = ["output"]\n',
  );
  writeFileSync(join(root, 'cut.toml'), '[agents.a]\nmodule = "cut.wasm"\n');
  writeFileSync(join(root, 'bad.toml'), '[agents.a]\nmodule = "gone.wasm"\ncuont = 1\n');
  writeFileSync(join(root, 'syntax.toml'), '[agents.a\n');
});

test('run gives outputs, a summary and a record; replay and inspect agree with it', async () => {
  const words = ['--input', 'lines.jsonl', '--json', '--run-dir'];
  const run = await cli(['run', 'echo.toml', ...words, 'first']);
  assert.deepEqual([run.code, run.err], [0, '']);
  const [one, two, last] = run.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(one, { epoch: 0, tick: 1, index: 0, agent: 'echo', payload: { a: 'é', b: 1 } });
  assert.deepEqual([two.payload, two.encoding], [{ $base64: '/w==' }, 'base64']);
  assert.deepEqual([last.ticks, last.outputs, last.faults, last.runDirectory], [2, 2, 0, 'first']);
  const [again, replay, inspect, tick, agentOnly] = await Promise.all([
    cli(['run', 'echo.toml', ...words, 'second', '--workers', '2']),
    cli(['replay', 'first', '--workers', '2', '--json']),
    cli(['inspect', 'first', '--json']),
    cli(['inspect', 'first', '--tick', '1', '--json']),
    cli(['inspect', 'first', '--agent', 'echo']),
  ]);
  assert.equal(lastObject(again.out).digest, last.digest);
  const { ticks, digest, complete } = lastObject(replay.out);
  assert.deepEqual([replay.code, ticks, digest, complete], [0, 2, last.digest, true]);
  assert.deepEqual(
    [lastObject(inspect.out).digest, lastObject(inspect.out).ended],
    [last.digest, 'quiescence'],
  );
  const happenings = lastObject(tick.out).happenings as {
    what: string;
    payload?: unknown;
    encoding?: string;
  }[];
  const outputs = happenings.filter(({ what }) => what === 'output');
  assert.deepEqual(
    outputs.map(({ payload }) => payload),
    [{ a: 'é', b: 1 }, { $base64: '/w==' }],
  );
  assert.match(agentOnly.out, /^echo: stopped; \d+ tasks/);
});

test('without --json the summary is for a person, on standard error, and the record gets a free name', async () => {
  const run = await cli(['run', 'echo.toml', '--input', '-', '--output', 'out.jsonl'], lines);
  assert.deepEqual([run.code, run.out], [0, '']);
  assert.match(run.err, /^echo: done: the inputs have ended/);
  assert.match(run.err, /record {4}runs[\\/]echo-1\n/);
  assert.equal(readFileSync(join(root, 'out.jsonl'), 'utf8').split('\n').length, 3);
  assert.ok(run.err.split('\n').every((line) => !line.includes('\u001b') && !line.includes('\r')));
  const replay = await cli(['replay', join('runs', 'echo-1')]);
  assert.match(replay.out, /^Every digest agrees: 2 ticks up to tick 2\.\n/);
});

test('a bad line is told by number and skipped, and the run exits with 1; --strict stops there', async () => {
  const input = 'nonsense\n{"agent":"nobody","payload":1}\n{"agent":"echo","payload":7}\n';
  const [run, strict] = await Promise.all([
    cli(['run', 'echo.toml', '--input', '-', '--json', '--run-dir', 'badlines'], input),
    cli(['run', 'echo.toml', '--input', '-', '--strict', '--run-dir', 'strict'], input),
  ]);
  assert.equal(run.code, 1);
  assert.match(run.err, /^warning: bad line skipped: standard input:1: found nonsense, wanted JSON$/m);
  assert.match(run.err, /^warning: bad line skipped: standard input:2: .*nobody/m);
  oneError(run, /^error: 2 input lines were refused$/m);
  assert.deepEqual([lastObject(run.out).badLines, lastObject(run.out).outputs], [2, 1]);
  assert.equal(strict.code, 1);
  oneError(strict, /standard input:1: found nonsense, wanted JSON/);
  assert.match(strict.err, /^warning: the run did not end well; its record so far is in strict$/m);
  assert.equal((await cli(['replay', 'strict'])).code, 0);
});

test('what cannot be run is one clear error, with the exit code of its kind', async () => {
  mkdirSync(join(root, 'plain'));
  mkdirSync(join(root, 'damaged'));
  writeFileSync(join(root, 'damaged', 'run.json'), '');
  const cases: [words: string[], code: number, wanted: RegExp][] = [
    [['run', 'syntax.toml'], 1, /syntax\.toml:2:1 {2}not valid TOML/],
    [
      ['run', 'bad.toml'],
      1,
      /\(2 problems\):\n {2}bad\.toml:2:1 .*no file at .*\n {2}bad\.toml:3:1 .*did you mean "count"/,
    ],
    [['run', 'none.toml'], 1, /no file at "none\.toml"/],
    [['run', 'cut.toml'], 1, /cut\.wasm/],
    [
      ['run', 'echo.toml', '--input', 'none.jsonl'],
      1,
      /Cannot open the input .*none\.jsonl": there is no such file/,
    ],
    [['run', 'echo.toml', '--live'], 2, /Cannot run live: there is no input/],
    [['run', 'echo.toml', '--run-dir', 'plain/../echo.wasm'], 1, /run directory/],
    [['replay', 'plain'], 1, /Cannot open "plain" as a run directory: "run\.json" is missing/],
    [['replay', 'gone'], 1, /there is no such folder/],
    [['inspect', 'plain'], 1, /"run\.json" is missing/],
    [['run', '--run-dir', 'plain'], 1, /"run\.json" is missing/],
    [['run', 'echo.toml', '--output', 'echo.toml'], 2, /the run reads ".*echo\.toml", which is that file/],
    [['run', 'echo.toml', '--output', 'echo.wasm'], 2, /the run reads ".*echo\.wasm"/],
    [['run', 'plain'], 1, /cannot read "plain": it is a folder/],
    [['run', 'damaged'], 2, /it is the record of one; to go on with it: wasm-engine run --run-dir damaged$/m],
    [['instrument', 'cut.wasm', '-o', 'x.wasm'], 1, /cut\.wasm/],
    [['instrument', 'echo.wasm', '-o', 'plain/../echo.wasm'], 2, /it is the module that was read/],
    [['instrument', 'gone.wasm', '-o', 'x.wasm'], 1, /Cannot read "gone\.wasm"/],
  ];
  const results = await Promise.all(cases.map(([words]) => cli(words)));
  for (const [i, [words, code, wanted]] of cases.entries()) {
    assert.deepEqual(
      [results[i]!.code, results[i]!.out],
      [code, ''],
      `${words.join(' ')}\n${results[i]!.err}`,
    );
    oneError(results[i]!, wanted);
  }
  assert.deepEqual(readdirSync(join(root, 'plain')), []);
  writeFileSync(join(root, 'kept.jsonl'), 'kept');
  assert.equal((await cli(['run', 'bad.toml', '--output', 'kept.jsonl'])).code, 1);
  assert.equal(readFileSync(join(root, 'kept.jsonl'), 'utf8'), 'kept');
  const json = await cli(['replay', 'plain', '--json']);
  assert.equal((lastObject(json.out).error as { code: string }).code, 'run-directory-invalid');
});

test('a record that was changed is damaged: exit code 4', async () => {
  const run = await cli(['run', 'echo.toml', '--input', 'lines.jsonl', '--run-dir', 'changed', '--json']);
  assert.equal(run.code, 0);
  const log = join(root, 'changed', 'events-000000.mcap');
  const bytes = readFileSync(log);
  const at = bytes.indexOf('{"a":"');
  bytes[at + 3] = bytes[at + 3]! ^ 1;
  writeFileSync(log, bytes);
  for (const result of await Promise.all([cli(['replay', 'changed']), cli(['inspect', 'changed'])])) {
    assert.equal(result.code, 4);
    oneError(result, /events-000000\.mcap/);
  }
});

test('a fault of an agent is told, and does not fail the run', async () => {
  writeFileSync(
    join(root, 'loop.toml'),
    `${echoToml}[agents.l]\nmodule = "loop.wasm"\nlimits.fuelPerTask = 1000\n`,
  );
  const input = '{"agent":"l","payload":1}\n{"agent":"echo","payload":2}\n';
  const run = await cli(['run', 'loop.toml', '--input', '-', '--json', '--run-dir', 'loop'], input);
  assert.deepEqual([run.code, lastObject(run.out).faults, lastObject(run.out).outputs], [0, 1, 1]);
  const inspect = await cli(['inspect', 'loop']);
  assert.match(
    inspect.out,
    /Faults\n {2}tick 1 {2}out-of-fuel {2}Agent "l" failed in agent_receive: it used up its fuel, in agent_receive at byte \d+ of its module/,
  );
});

test('a run of which nothing is recorded is not gone on with, since nobody knows what it was to read', async () => {
  const system = await createSystem({ agents: { echo: { module: echoAgent(), capabilities: ['output'] } } });
  const orchestrator = await Orchestrator.create({ system, runDirectory: join(root, 'unbegun') });
  await orchestrator.close();
  const run = await cli(['run', '--run-dir', 'unbegun']);
  assert.equal(run.code, 1);
  oneError(run, /Cannot go on with the run in "unbegun": nothing of it is recorded yet; begin it again/);
  const named = await cli(['run', '--run-dir', 'unbegun', '--input', 'lines.jsonl', '--json']);
  assert.deepEqual([named.code, lastObject(named.out).outputs], [0, 2], named.err);
  const fork = await Orchestrator.fork({
    from: join(root, 'unbegun'),
    tick: 1,
    runDirectory: join(root, 'unbegun-fork'),
  });
  await fork.close();
  oneError(await cli(['run', '--run-dir', 'unbegun-fork']), /nothing of it is recorded yet; begin it again/);
});

test('Ctrl-C leaves a run that can be replayed and gone on with', {
  skip: process.platform === 'win32',
}, async () => {
  const child = start(['run', 'echo.toml', '--input', '-', '--live', '--run-dir', 'stopped']);
  const end = ended(child);
  child.stdin!.write(lines);
  await once(child.stdout!, 'data');
  child.kill('SIGINT');
  const run = await end;
  assert.equal(run.code, 130);
  assert.match(run.err, /interrupted: it can go on/);
  assert.match(run.err, /^Go on with: wasm-engine run --run-dir stopped$/m);
  const [inspect, replay] = await Promise.all([cli(['inspect', 'stopped']), cli(['replay', 'stopped'])]);
  assert.match(inspect.out, /state {7}ended: interrupted/);
  assert.equal(replay.code, 0, replay.err);
  oneError(
    await cli(['run', '--run-dir', 'stopped']),
    /was reading standard input; give the rest with --input/,
  );
  const rest = '{"agent":"echo","payload":3}\n';
  const more = await cli(['run', '--run-dir', 'stopped', '--input', '-', '--json'], rest);
  assert.deepEqual([more.code, lastObject(more.out).outputs], [0, 3], more.err);
  oneError(await cli(['run', '--run-dir', 'stopped', '--input', '-']), /Cannot go on .* it has ended/);
});

test('a reader that goes away ends the run quietly', { skip: process.platform === 'win32' }, async () => {
  const child = start(['run', 'restless.toml', '--input', '-', '--run-dir', 'endless']);
  let err = '';
  child.stderr!.on('data', (chunk) => (err += chunk));
  child.stdin!.end('{"agent":"r","payload":1}\n');
  await once(child.stdout!, 'data');
  child.stdout!.destroy();
  const [code] = await once(child, 'exit');
  assert.deepEqual([code, err], [0, '']);
});

test('a run that waits on a named pipe can be interrupted', {
  skip: process.platform === 'win32',
}, async () => {
  const pipe = join(root, 'pipe');
  if (spawnSync('mkfifo', [pipe]).status !== 0) return;
  const child = start(['run', 'echo.toml', '--input', 'pipe', '--live', '--run-dir', 'piped']);
  const end = ended(child);
  const writer = openSync(pipe, 'w');
  writeFileSync(writer, lines);
  await once(child.stdout!, 'data');
  child.kill('SIGINT');
  const { code } = await end;
  closeSync(writer);
  assert.equal(code, 130);
});

test('instrument writes a module that V8 takes, and says what is in it', async () => {
  const result = await cli(['instrument', 'echo.wasm', '-o', 'metered.wasm', '--json']);
  assert.equal(result.code, 0, result.err);
  const facts = lastObject(result.out);
  assert.deepEqual(facts.imports, ['output']);
  assert.equal(facts.bytesAfter, readFileSync(join(root, 'metered.wasm')).length);
  assert.ok(WebAssembly.validate(readFileSync(join(root, 'metered.wasm'))));
});

test('instrument takes functions of other hosts only when told to, and names them', async () => {
  writeFileSync(join(root, 'own.wasm'), assemble('(module (import "env" "tell" (func (param i32))))'));
  const refused = await cli(['instrument', 'own.wasm', '-o', 'metered.wasm']);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /imports "env\.tell", only imports from "wasm_engine" are taken/);
  const taken = await cli(['instrument', 'own.wasm', '-o', 'metered.wasm', '--own-imports', '--json']);
  assert.equal(taken.code, 0, taken.err);
  assert.deepEqual(lastObject(taken.out).imports, ['env.tell']);
});
