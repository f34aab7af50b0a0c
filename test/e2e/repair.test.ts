// A damaged record as a person meets it: exit code 4 with file and byte from every command that reads it, and `repair`.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { echoAgent } from '../../src/engine/testing/agents.ts';
import { commandIn } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-repair-'));
after(() => rmSync(root, { recursive: true, force: true }));
const cli = commandIn(root);

test('every command refuses a damaged record with 4 and says where; repair says what it costs, then mends it', () => {
  writeFileSync(join(root, 'echo.wasm'), echoAgent());
  const host =
    '[host]\ndurability = "tick"\n[agents.echo]\nmodule = "echo.wasm"\ncapabilities = ["output"]\n';
  writeFileSync(join(root, 'echo.toml'), host);
  const lines = Array.from({ length: 400 }, (_, i) => `{"agent":"echo","payload":${i},"tick":${i + 1}}\n`);
  writeFileSync(join(root, 'lines.jsonl'), lines.join(''));
  assert.equal(cli('run', 'echo.toml', '--input', 'lines.jsonl', '--run-dir', 'good').code, 0);
  cpSync(join(root, 'good'), join(root, 'bad'), { recursive: true });
  const log = join(root, 'bad', 'events-000000.mcap');
  const bytes = readFileSync(log);
  const offset = Math.floor(bytes.length / 2);
  bytes[offset]! ^= 1;
  writeFileSync(log, bytes);

  for (const words of [
    ['run', '--run-dir', 'bad'],
    ['replay', 'bad'],
    ['inspect', 'bad'],
    ['diff', 'good', 'bad'],
    ['diff', 'bad', 'good'],
    ['fork', 'bad', '--tick', '399', '--run-dir', 'other'],
  ]) {
    const { code, err } = cli(...words);
    assert.equal(code, 4, `${words.join(' ')}: ${err}`);
    assert.match(err, /^error: Cannot read "events-000000.mcap".* at byte \d+: /m, words.join(' '));
    assert.doesNotMatch(err, /^\s+at /m);
  }
  const plan = cli('repair', 'bad');
  assert.equal(plan.code, 4);
  assert.match(plan.out, /^Damaged: Cannot read "events-000000.mcap".* at byte \d+: /);
  assert.match(plan.out, /^ {2}ticks {6}\d+ to 401 \(\d+\)$/m);
  assert.match(
    plan.out,
    /^ {2}events {5}[\d,]+; [\d,]+ can still be read, \d+ inputs and \d+ outputs among them$/m,
  );
  assert.match(plan.out, /^ {2}file {7}events-000000.mcap, from byte [\d,]+ on: [\d,]+ bytes$/m);
  assert.match(plan.out, /Nothing was changed\..* wasm-engine repair bad --yes$/m);
  assert.deepEqual(readFileSync(log), bytes);
  const object = JSON.parse(cli('repair', 'bad', '--json').out) as Record<string, unknown>;
  assert.deepEqual([object.damaged, object.repaired, object.lastTick], [true, false, 401]);

  const done = cli('repair', 'bad', '--yes');
  assert.deepEqual([done.code, /^Repaired\./m.test(done.out)], [0, true], done.out);
  assert.equal(cli('replay', 'bad').code, 0);
  const again = cli('run', '--run-dir', 'bad', '--json');
  assert.equal(again.code, 0, again.err);
  assert.equal(cli('diff', 'good', 'bad').code, 0);
  assert.match(cli('repair', 'bad').out, /^Nothing to repair/);
});
