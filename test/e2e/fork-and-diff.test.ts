// Snapshots, replays from them, forks and comparisons, through the command's own runs of the hello example.

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { Orchestrator } from '../../src/engine/index.ts';
import { commandIn, type Ended, lastObject } from './command.ts';

const root = dirname(dirname(import.meta.dirname));
const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-fork-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = commandIn(folder);

function command(...words: string[]): Ended & { readonly last: Record<string, unknown> } {
  const ended = inFolder(...words, '--json');
  return { ...ended, last: ended.out === '' ? {} : lastObject(ended) };
}

/** Names come one by one, each in a tick of its own. */
function input(name: string, names: readonly string[], firstTick: number): string {
  const file = join(folder, name);
  const line = (text: string, i: number): string =>
    JSON.stringify({ tick: firstTick + i * 10, agent: 'hello', payload: { name: text } });
  writeFileSync(file, names.map(line).join('\n'));
  return file;
}

const system = join(root, 'examples/hello/system.toml');
const names = ['Ada', 'Grace', 'Barbara', 'Frances', 'Radia'];
const runA = join(folder, 'a');

test('a fork without other input ends as the run that it goes on from', () => {
  assert.equal(command('run', system, '--input', input('a.jsonl', names, 1), '-d', runA).code, 0);
  const fork = command('fork', runA, '--tick', '20', '-d', join(folder, 'same'));
  assert.equal(fork.code, 0, fork.err);
  assert.equal(fork.last.digest, command('replay', runA).last.digest);
  assert.equal(command('replay', join(folder, 'same'), '--workers', '2').last.digest, fork.last.digest);
  const difference = command('diff', runA, join(folder, 'same'));
  assert.equal(difference.code, 0);
  assert.equal(difference.last.equal, true);
});

test('a fork whose last tick is not behind its first is refused before anything is made', () => {
  const directory = join(folder, 'nowhere');
  const fork = command('fork', runA, '--tick', '20', '--ticks', '20', '-d', directory);
  assert.deepEqual([fork.code, existsSync(directory)], [2, false], fork.err);
  assert.match(fork.err, /--ticks needs a number above that of --tick/);
});

test('diff names the tick and the input in which a fork with other input differs', () => {
  const other = input('b.jsonl', ['Barbara', 'Hedy'], 21);
  const fork = command('fork', runA, '--tick', '20', '--input', other, '-d', join(folder, 'other'));
  assert.equal(fork.code, 0, fork.err);
  const { code, last } = command('diff', runA, join(folder, 'other'));
  assert.equal(code, 3);
  const first = last.first as { tick: number; what: string; a: string; b: string };
  assert.deepEqual([first.tick, first.what], [31, 'input']);
  assert.match(first.a, /Frances/);
  assert.match(first.b, /Hedy/);
});

test('a fork with another module says so, is told by inspect, and replays', () => {
  const module = join(root, 'examples/hello/build/hello.wasm');
  const other = join(folder, 'other.wasm');
  // The same code with a section that nobody reads is another module.
  writeFileSync(other, Buffer.concat([readFileSync(module), Uint8Array.of(0, 2, 1, 0x78)]));
  const fork = command(
    'fork',
    runA,
    '--tick',
    '20',
    '--module',
    `hello=${other}`,
    '-d',
    join(folder, 'module'),
  );
  assert.equal(fork.code, 0, fork.err);
  const { origin } = command('inspect', join(folder, 'module')).last as {
    origin: { changes: string[]; tick: number };
  };
  assert.match(origin.changes.join(), /^module of hello: /);
  assert.equal(command('replay', join(folder, 'module'), '--workers', '1').code, 0);
  const { last } = command('diff', runA, join(folder, 'module'));
  assert.equal((last.configuration as { path: string }[])[0]!.path, 'agents.hello.module');
});

test('a fork is refused with a module that is not there or is none, by its name, and for agents that are not', () => {
  for (const [module, wanted] of [
    ['hello=nowhere.wasm', /Cannot read the module "nowhere.wasm" for "hello"/],
    [
      `hello=${join(folder, 'a.jsonl')}`,
      /Cannot load module "[^"]*\/a\.jsonl": it is not a WebAssembly module/,
    ],
    ['nobody=/dev/null', /Cannot give "nobody" another module: .*wanted one of "hello"/],
    ['hello', /wanted NAME=FILE/],
  ] as const) {
    const { code, err } = command(
      'fork',
      runA,
      '--tick',
      '20',
      '--module',
      module,
      '-d',
      join(folder, 'refused'),
    );
    assert.ok(code === 1 || code === 2);
    assert.match(err, wanted);
    assert.equal(existsSync(join(folder, 'refused')), false);
  }
});

test('a fork at a tick that the record does not have is refused', () => {
  const { code, err } = command('fork', runA, '--tick', '9999', '-d', join(folder, 'none'));
  assert.equal(code, 1);
  assert.match(err, /Cannot go to tick 9999 of .*: its record goes from tick 1 to tick \d+/);
});

test('an interrupted fork takes its inputs from the run that it comes from, and from no other that lies there', async () => {
  const [parent, moved, fork] = ['parent', 'moved', 'interrupted'].map((name) => join(folder, name));
  cpSync(runA, parent!, { recursive: true });
  const forked = await Orchestrator.fork({ from: parent!, tick: 5, runDirectory: fork! });
  const controller = new AbortController();
  const onTick = ({ ticks }: { readonly ticks: number }): void => void (ticks >= 11 && controller.abort());
  const { reason } = await forked.run({ recorded: parent!, signal: controller.signal, onTick });
  assert.equal(reason, 'interrupted');
  renameSync(parent!, moved!);
  assert.equal(command('run', system, '--input', input('c.jsonl', ['Hedy'], 31), '-d', parent!).code, 0);
  const { code, err } = command('run', '-d', fork!);
  assert.deepEqual(
    [code, /its inputs come from run .* is run .*; --input gives others/.test(err)],
    [1, true],
    err,
  );
  rmSync(parent!, { recursive: true });
  renameSync(moved!, parent!);
  assert.equal(command('run', '-d', fork!).code, 0);
  assert.equal(command('diff', runA, fork!).last.equal, true);
});
