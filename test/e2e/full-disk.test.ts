// A disk that is really full: a file system of 1 MiB in memory. Where none can be mounted, the test says so.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { restlessAgent } from '../../src/engine/testing/agents.ts';
import { commandIn } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-full-'));
const disk = join(root, 'disk');
mkdirSync(disk);
const cli = commandIn(root);

function mount(options: string): boolean {
  if (process.platform !== 'linux') return false;
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]).status === 0;
}

const mounted = mount('size=1m');
after(() => {
  if (mounted) spawnSync('umount', [disk]);
  rmSync(root, { recursive: true, force: true });
});

const skip = mounted ? false : 'no file system could be mounted here';

test('a run on a disk that is full ends with one clear line, and goes on when there is space', {
  skip,
}, () => {
  writeFileSync(join(root, 'restless.wasm'), restlessAgent());
  writeFileSync(join(root, 'start.jsonl'), '{"agent":"r","payload":1}\n');
  const out = ['--output', join(root, 'out.jsonl'), '--input', 'start.jsonl', '--ticks', '9000'];
  for (const durability of ['tick', 'none', 'batch']) {
    const toml = `[host]\ndurability = "${durability}"\n[agents.r]\nmodule = "restless.wasm"\ncapabilities = ["output"]\n`;
    writeFileSync(join(root, `${durability}.toml`), toml);
    const run = join(disk, durability);
    const full = cli('run', `${durability}.toml`, ...out, '--run-dir', run);
    assert.equal(full.code, 70, full.err);
    assert.match(
      full.err,
      /^error: Cannot write "events-000000.mcap" in ".*": ENOSPC: no space left on device/m,
    );
    assert.doesNotMatch(full.err, /^\s+at /m);
    if (durability !== 'batch') {
      rmSync(run, { recursive: true });
      continue;
    }
    const size = statSync(join(run, 'events-000000.mcap')).size;

    const replay = cli('replay', run, '--json');
    assert.equal(replay.code, 0, replay.err);
    const { ticks, complete } = JSON.parse(replay.out) as { ticks: number; complete: boolean };
    assert.ok(ticks > 100 && !complete, `${ticks} ticks`);

    const again = cli('run', '--run-dir', run, ...out);
    assert.equal(again.code, 70, 'there is no space for the rest either');
    assert.match(again.err, /ENOSPC/);
    assert.ok(statSync(join(run, 'events-000000.mcap')).size <= size, 'nothing was added to a torn record');

    assert.ok(mount('remount,size=64m'));
    const done = cli('run', '--run-dir', run, ...out, '--json');
    assert.equal(done.code, 0, done.err);
    const whole = cli('replay', run, '--json');
    assert.deepEqual([whole.code, (JSON.parse(whole.out) as { complete: boolean }).complete], [0, true]);
  }
});

test('what works with a run on a full disk ends with one clear line, leaves the run as it is, and is done with space', {
  skip,
}, () => {
  writeFileSync(join(root, 'restless.wasm'), restlessAgent());
  writeFileSync(join(root, 'start.jsonl'), '{"agent":"r","payload":1}\n');
  const host = '[host]\nsnapshotTicks = 1000\n';
  writeFileSync(
    join(root, 'kept.toml'),
    `${host}[agents.r]\nmodule = "restless.wasm"\ncapabilities = ["output"]\n`,
  );
  assert.ok(mount('remount,size=64m'));
  const [run, fork, archive] = [join(disk, 'kept'), join(disk, 'fork'), join(disk, 'kept.tar')];
  const out = ['--output', join(root, 'kept.jsonl')];
  const begun = cli(
    'run',
    'kept.toml',
    ...out,
    '--input',
    'start.jsonl',
    '--ticks',
    '3000',
    '--run-dir',
    run,
  );
  assert.equal(begun.code, 0, begun.err);
  const ballast = join(disk, 'ballast');
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, new Uint8Array((bavail - 2) * bsize));
  const before = readdirSync(disk).sort();

  const works = [
    ['export', run, '-o', archive],
    ['compact', run, '--to', '2000', '--yes'],
    ['fork', run, '--tick', '2500', '--run-dir', fork, ...out],
  ];
  for (const work of works) {
    const full = cli(...work);
    assert.equal(full.code, 70, full.err);
    assert.match(full.err, /^error: Cannot write ".*" in ".*": ENOSPC: no space left on device/m);
    assert.doesNotMatch(full.err, /^\s+at /m);
    // Only the fork has begun something that somebody else could want.
    if (work[0] !== 'fork') assert.deepEqual(readdirSync(disk).sort(), before);
    assert.equal(cli('replay', run).code, 0);
  }

  rmSync(ballast);
  for (const work of works) {
    const done = cli(...work);
    assert.equal(done.code, 0, done.err);
  }
  for (const whole of [run, archive, fork]) assert.equal(cli('replay', whole).code, 0);
});
