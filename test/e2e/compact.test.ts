// What a run still owes its reader is not compacted away: the command refuses, says how the outputs are given, and does
// it once they were.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DeliveryMark } from '../../src/cli/delivery-mark.ts';
import { echoAgent } from '../../src/engine/testing/agents.ts';
import { commandIn } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-compact-'));
after(() => rmSync(root, { recursive: true, force: true }));
const cli = commandIn(root);

function run(name: string, ...words: string[]): void {
  const done = cli('run', 'echo.toml', '--run-dir', name, ...words);
  assert.equal(done.code, 0, done.err);
}

writeFileSync(join(root, 'echo.wasm'), echoAgent());
writeFileSync(
  join(root, 'echo.toml'),
  '[host]\nsnapshotTicks = 5\n[agents.echo]\nmodule = "echo.wasm"\ncapabilities = ["output"]\n',
);
const lines = Array.from({ length: 12 }, (_, i) => `{"agent":"echo","payload":${i},"tick":${i + 1}}\n`);
writeFileSync(join(root, 'lines.jsonl'), lines.join(''));

/** As a crash leaves it: outputs are recorded that reached nobody. */
function undeliverBehind(name: string, tick: number): void {
  const mark = new DeliveryMark(join(root, name));
  mark.note({ epoch: 0, tick, index: 0 });
  mark.close();
}

test('a record that owes outputs is not compacted before they were given; then it is', () => {
  run('owes', '--input', 'lines.jsonl');
  undeliverBehind('owes', 7);
  const planned = cli('compact', 'owes', '--to', '10');
  assert.equal(planned.code, 0, planned.err);
  assert.match(
    planned.out,
    /^3 of these outputs have not reached their reader.*: wasm-engine run --run-dir owes$/m,
  );
  assert.match(planned.out, /^Until then compacting is refused.*--drop-outputs$/m);
  const refused = cli('compact', 'owes', '--to', '10', '--yes');
  assert.equal(refused.code, 1);
  assert.match(
    refused.err,
    /^error: Cannot compact "owes": 3 of the outputs .* their reader; .*--run-dir owes; .*: --drop-outputs\n$/,
  );
  const given = cli('run', '--run-dir', 'owes');
  assert.equal(given.code, 0, given.err);
  assert.deepEqual(
    given.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).tick),
    [8, 9, 10, 11, 12],
  );
  const done = cli('compact', 'owes', '--to', '10', '--yes', '--json');
  assert.equal(done.code, 0, done.err);
  const { undelivered, deliveryKnown, outputs } = JSON.parse(done.out);
  assert.deepEqual([undelivered, deliveryKnown, outputs], [0, true, 10]);
});

test('an ended run gives what it owes once, with or without a supervisor, to a file or not', () => {
  for (const words of [['--no-supervisor'], ['--output', 'again.jsonl'], []]) {
    const name = `ended-${words.length}-${words[0] ?? ''}`;
    run(name, '--input', 'lines.jsonl');
    undeliverBehind(name, 11);
    const given = cli('run', '--run-dir', name, ...words);
    assert.equal(given.code, 0, given.err);
    assert.match(cli('run', '--run-dir', name).err, /it has ended/, name);
  }
});

test('outputs that are owed are given up where that is asked for, and it is said', () => {
  run('drops', '--input', 'lines.jsonl', '--output', 'out.jsonl');
  assert.equal(readFileSync(join(root, 'out.jsonl'), 'utf8').split('\n').length, 13);
  assert.doesNotMatch(cli('compact', 'drops', '--to', '10').out, /reader/);
  undeliverBehind('drops', 9);
  const done = cli('compact', 'drops', '--to', '10', '--yes', '--drop-outputs');
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /^1 of these outputs never reached their reader\.$/m);
});

test('where nobody kept count of what was delivered, that is said', () => {
  run('uncounted', '--input', 'lines.jsonl');
  rmSync(join(root, 'uncounted', 'outputs-delivered'));
  assert.match(
    cli('compact', 'uncounted', '--to', '10', '--yes').out,
    /^Nobody kept count of which of these outputs reached their reader\.$/m,
  );
});
