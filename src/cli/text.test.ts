// Text that leaves the commands: outputs, escapes, numbers, names of run directories, summaries.

import assert from 'node:assert/strict';
import fs, { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../base/errors.ts';
import { path, wholeNumber } from './command-options.ts';
import { makeRunDirectory, removeIfEmpty, systemName } from './default-run-directory.ts';
import { differenceLines } from './diff.ts';
import { OutputFile } from './output-file.ts';
import { outputLine } from './output-lines.ts';
import { grouped, printable, printableJson } from './printable.ts';
import { refuseOutput } from './refuse-output.ts';
import { progressText, summaryText } from './run-summary.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-cli-'));
after(() => rmSync(root, { recursive: true, force: true }));

function line(payload: Uint8Array | string): string {
  return outputLine({ epoch: 0, tick: 3, index: 1, agent: 'a/0', payload: Buffer.from(payload) });
}

test('an output that is JSON is shown as it was written, on one line', () => {
  assert.equal(
    line('{\r\n"b": 12345678901234567890,\n "a": 1.0}'),
    '{"epoch":0,"tick":3,"index":1,"agent":"a/0","payload":{ "b": 12345678901234567890,  "a": 1.0}}',
  );
});

test('an output that is text or neither says so', () => {
  assert.deepEqual(JSON.parse(line('hello')), {
    epoch: 0,
    tick: 3,
    index: 1,
    agent: 'a/0',
    payload: 'hello',
    encoding: 'text',
  });
  const { payload, encoding } = JSON.parse(line(Uint8Array.of(0xff, 0)));
  assert.deepEqual({ payload, encoding }, { payload: { $base64: '/wA=' }, encoding: 'base64' });
  assert.equal(JSON.parse(line('')).payload, '');
});

test('every output is one line of JSON without control characters, and keeps its value', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json({ maxDepth: 3 }), fc.string({ unit: 'binary' })), (text) => {
      const bytes = Buffer.from(text);
      const shown = line(bytes);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
      assert.doesNotMatch(shown, /[\u0000-\u001f\u007f-\u009f]/);
      const parsed = JSON.parse(shown);
      const decoded = bytes.toString();
      assert.deepEqual(parsed.payload, parsed.encoding === undefined ? JSON.parse(decoded) : decoded);
    }),
  );
});

test('escape sequences of guests do not reach a terminal', () => {
  assert.equal(printable('a\u001b[2J\u009b1mb\r\n\u202ec\td'), 'a\uFFFD[2J\uFFFD1mb\uFFFD\uFFFD\uFFFDc\td');
  assert.equal(printableJson('"\u009b\u202e"'), '"\\u009b\\u202e"');
});

test('numbers are grouped the same everywhere', () => {
  assert.deepEqual([0, 999, 1000, 1_234_567, 12.6].map(grouped), ['0', '999', '1,000', '1,234,567', '13']);
});

test('options take whole numbers in range only', () => {
  const parse = wholeNumber(1, 64);
  assert.equal(parse('64'), 64);
  for (const text of ['0', '65', '-1', '1.0', '1e1', '0x1', '', ' 1', '99999999999999999999'])
    assert.throws(() => parse(text), /wanted a whole number from 1 to 64/);
  assert.throws(() => path(''), /wanted a path/);
});

test('a run directory is called after the system, and takes the first free number', () => {
  assert.equal(systemName('/x/market/system.toml'), 'market');
  assert.equal(systemName('/x/my world.toml'), 'my-world');
  assert.equal(systemName('/x/日本 größe/system.toml'), '日本-größe');
  for (const odd of ['/x/--.toml', '/x/../system.toml', '/x/ ?/system.toml', '/system.toml'])
    assert.match(systemName(odd), /^[a-z]/, 'no command takes it for an option');
  const parent = join(root, 'runs');
  assert.equal(makeRunDirectory('/x/market/system.toml', parent), join(parent, 'market-1'));
  assert.equal(makeRunDirectory('/x/market/system.toml', parent), join(parent, 'market-2'));
  removeIfEmpty(join(parent, 'market-1'));
  assert.equal(makeRunDirectory('/x/market/system.toml', parent), join(parent, 'market-1'));
  mkdirSync(join(parent, 'market-2', 'x'));
  removeIfEmpty(join(parent, 'market-2'));
  assert.equal(makeRunDirectory('/x/market/system.toml', parent), join(parent, 'market-3'));
  writeFileSync(join(root, 'file'), '');
  assert.throws(() => makeRunDirectory('/x/a.toml', join(root, 'file')), EngineError);
});

test('the folder of all runs has its name on the disk when it is made', (t) => {
  if (process.platform === 'win32') return t.skip('it needs none there');
  const parent = join(mkdtempSync(join(root, 'new-')), 'runs');
  const sync = t.mock.method(fs, 'fsyncSync');
  syncBuiltinESMExports();
  try {
    makeRunDirectory('/x/market/system.toml', parent);
    assert.equal(sync.mock.callCount(), 1);
  } finally {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

test('outputs go into nothing that is read, and into no record', () => {
  const place = mkdtempSync(join(root, 'out-'));
  const file = (name: string): string => join(place, name);
  mkdirSync(file('run/modules'), { recursive: true });
  for (const name of ['run/run.json', 'run/config.json', 'run/lock', 'in.jsonl', 'run.json'])
    writeFileSync(file(name), '');
  symlinkSync(file('in.jsonl'), file('link.jsonl'));
  const refused = { code: 'usage', message: /^Cannot write outputs to ".*": / };
  for (const output of ['in.jsonl', 'link.jsonl'])
    assert.throws(() => refuseOutput(file(output), [undefined, file('none'), file('in.jsonl')]), refused);
  for (const output of ['run/head', 'run/new.jsonl', 'run/modules/x.wasm'])
    assert.throws(() => refuseOutput(file(output), []), refused);
  // A file of that name alone makes no run directory; what cannot be written is told by whoever writes it.
  for (const output of ['out.jsonl', 'no/folder/out.jsonl', '/dev/null'])
    refuseOutput(file(output), [file('in.jsonl')]);
  refuseOutput(undefined, [file('in.jsonl')]);
});

test('an output file that cannot be opened is one clear error', () => {
  assert.throws(() => new OutputFile(join(root, 'no', 'x'), false), /Cannot open the output file .*ENOENT/);
});

test('a summary shows what happened and leaves out what did not', () => {
  const totals = { ticks: 30, executed: 2, agents: 1, messages: 1234, tasks: 6, fuel: 72_140 };
  const rest = { faults: 0, dropped: 0, outputs: 3, badLines: 0 };
  const summary = {
    ...totals,
    ...rest,
    reason: 'quiescence',
    digest: 'ab',
    runDirectory: 'runs/x-1',
  } as const;
  const text = summaryText('x', summary, 1500);
  assert.match(text, /^x: done: the inputs have ended/);
  assert.match(text, /ticks {5}30 \(2 executed/);
  assert.match(text, /messages {2}1,234\n/);
  assert.match(text, /time {6}1\.50 s/);
  assert.doesNotMatch(text, /dropped|bad lines/);
  assert.match(summaryText('x', { ...summary, dropped: 2 }, 1), /dropped {3}2\n/);
  const times = {
    queueMicros: 6000,
    computeMicros: 2000,
    batches: new Map([[3, { runs: 1, computeMicros: 2000 }]]),
  };
  const sizes = { bytes: 3 * 2 ** 20, processBytes: 1, loads: 1, difference: 0, variance: 0 };
  const model = {
    model: 'm',
    version: '1',
    provider: 'cpu',
    requests: 4,
    failures: 1,
    ...times,
    ...sizes,
  } as const;
  const line =
    '  model     m/1 on cpu, 4 requests (1 failed), 1 runs of 2.00 ms, 1.50 ms beside them, 3.0 MiB\n';
  assert.ok(summaryText('x', summary, 1, [model]).includes(line));
  assert.equal(
    progressText({ ...totals, ...rest, faults: 2 }, 1000),
    'tick 30  1,234 messages  1,234/s  2 faults',
  );
});

test('runs of two modules that did the same are not said to be alike in what their agents hold', () => {
  const lines = (path: string): string[] => {
    const facts = { equal: false, lastEqualTick: 0, first: undefined, longer: undefined } as const;
    return differenceLines({ ...facts, configuration: [{ path, a: '1', b: '2' }] });
  };
  assert.deepEqual(lines('run.seed').slice(2), ['Nothing that happened differs.']);
  assert.match(lines('agents.a.module')[3]!, /^What agents of two modules hold .* is not compared\.$/);
});
