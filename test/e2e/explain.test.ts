// Commands that explain, pack and shorten a run, as real processes: what they print, and what they say to mistakes.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { commandIn, lastObject } from './command.ts';

const root = dirname(dirname(import.meta.dirname));
const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-explain-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const command = commandIn(folder);

copyFileSync(join(root, 'examples/hello/build/hello.wasm'), join(folder, 'hello.wasm'));
writeFileSync(
  join(folder, 'system.toml'),
  `[host]\nsnapshotTicks = 3\n[run]\ninputsPerTickMax = 1\n[topics.names]\n[agents.hello]\nmodule = "hello.wasm"\n` +
    'capabilities = ["output"]\nsubscriptions = ["names"]\n',
);
const people = ['Ada', 'Grace', 'Barbara', 'Frances', 'Radia', 'Hedy', 'Mary'];
const lines = people.map((name) => JSON.stringify({ topic: 'names', payload: { name } }));
writeFileSync(join(folder, 'names.jsonl'), lines.join('\n'));
const ran = command('run', 'system.toml', '--input', 'names.jsonl', '-d', 'run', '--json');
assert.equal(ran.code, 0, ran.err);
const { digest } = lastObject(ran);

test('inspect --tick shows what an agent held, with its memory', () => {
  const shown = command('inspect', 'run', '--tick', '4', '--agent', 'hello', '--memory', '0x400:32');
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^State after tick 4$/m);
  assert.match(shown.out, /^ {2}topics +names$/m);
  assert.match(shown.out, /^ {4}00000400 {2}[0-9a-f]{2} /m);
  assert.match(shown.out, /^tick 4 {2}output {2}hello .*Frances/m);
  const json = lastObject(command('inspect', 'run', '--tick', '4', '--agent', 'hello', '--json'));
  const { state } = json as { state: { tick: number } };
  assert.equal(state.tick, 4);
});

test('an export is replayed, shown and compared in place of the run', () => {
  assert.equal(command('export', 'run', '-o', 'run.tar').code, 0);
  assert.equal(lastObject(command('replay', 'run.tar', '--from', '5', '--json')).digest, digest);
  assert.match(command('diff', 'run', 'run.tar').out, /^The runs are equal/);
  assert.match(command('inspect', 'run.tar').out, /^ {2}state +ended: quiescence$/m);
});

test('a redacted export says what it cannot do, and shows hashes', () => {
  const shared = command('export', 'run', '-o', 'shared.tar', '--redact', 'names');
  assert.match(shared.out, /^Redacted: payloads .* to "names"\. Of 7 of them only the SHA-256 is there/m);
  assert.match(shared.out, /^Left out, since they may repeat payloads: 7 outputs/m);
  const replayed = command('replay', 'shared.tar');
  assert.equal(replayed.code, 1);
  assert.match(
    replayed.err,
    /^error: Cannot execute "shared.tar" again: the payloads of "names" were redacted.*log is whole/,
  );
  const shown = command('inspect', 'shared.tar', '--tick', '2');
  assert.equal(shown.code, 0);
  assert.match(shown.err, /^warning: the state is not shown/);
  assert.match(shown.out, /input .*payloadSha256 [0-9a-f]{64}/);
});

test('compact says what goes, does it when told to, and later ticks replay to the same digest', () => {
  command('export', 'run', '-o', 'whole.tar');
  const planned = command('compact', 'run', '--to', '5');
  assert.match(planned.out, /^Compacting would give up for good:\n {2}ticks +3, up to tick 3$/m);
  assert.match(planned.out, /Nothing was changed/);
  assert.equal(command('compact', 'run', '--to', '5', '--yes').code, 0);
  assert.equal(lastObject(command('replay', 'run', '--json')).digest, digest);
  assert.match(command('inspect', 'run').out, /^ {2}begins +from tick 3: what was before was given up$/m);
  assert.match(command('diff', 'whole.tar', 'run').out, /^The runs are equal/);
});

test('mistakes get one line that says what was found and what was wanted', () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['inspect', 'run', '--tick', '2'], 2, /Cannot show tick 2 of "run": its record begins from tick 3/],
    [
      ['inspect', 'run', '--agent', 'nobody'],
      2,
      /Cannot find an agent "nobody" in "run"; wanted one of "hello"/,
    ],
    [['inspect', 'run', '--memory', 'all'], 2, /found "all", wanted start:length/],
    [['replay', 'run', '--from', '2'], 1, /Cannot replay "run" from tick 2: its record begins with tick 4/],
    [['replay', 'names.jsonl'], 1, /neither a folder nor a tar archive of one/],
    [['diff', 'run', 'nowhere'], 1, /Cannot open "nowhere" as a run directory/],
    [['fork', 'run', '--tick', '2'], 1, /Cannot go to tick 2 of ".*": its record goes from tick 3/],
    [['export', 'run', '-o', 'nowhere/x.tar'], 1, /there is no folder "nowhere"/],
    [['export', 'run', '-o', 'x.tar', '--redact', 'orders'], 1, /nothing was published there from outside/],
    [['compact', 'run', '--to', '4'], 1, /it needs a snapshot up to there behind tick 3/],
    [['compact', 'run.tar', '--to', '7', '--yes'], 1, /it is an archive/],
    [['run', '--run-dir', 'run.tar'], 1, /it is an archive|has ended/],
  ];
  for (const [words, code, wanted] of cases) {
    const { code: found, err } = command(...words);
    assert.equal(err.match(/^error: /gm)?.length, 1, `${words.join(' ')}: ${err}`);
    assert.match(err, wanted);
    assert.equal(found, code, words.join(' '));
  }
});
