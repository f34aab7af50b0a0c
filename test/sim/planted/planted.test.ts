// The planted mistakes still stand where they say; that each is found takes minutes: `npm run sim:planted`.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { plantedBugs } from './bugs.ts';
import { plant } from './plant.ts';

const root = join(import.meta.dirname, '..', '..', '..');

test('every planted mistake can be planted, and has a name of its own', () => {
  for (const bug of plantedBugs) {
    const text = readFileSync(join(root, bug.file), 'utf8');
    const planted = plant(bug, text);
    assert.ok(
      planted !== undefined && planted !== text,
      `"${bug.name}": its text does not stand once in ${bug.file}; say in test/sim/planted how it looks now`,
    );
  }
  assert.equal(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length);
  assert.ok(plantedBugs.length >= 20);
});

test('a mistake that is planted is found', () => {
  const planted = ['scripts/sim-planted.ts', '--seeds', '25', '--ticks', '25', 'the random stream is not'];
  const { stdout, status } = spawnSync(process.execPath, planted, { cwd: root, encoding: 'utf8' });
  assert.match(
    stdout,
    /\d+ of 25 seeds +the random stream is not in the snapshot\n.*\n1 passed, 0 failed\n$/,
  );
  assert.equal(status, 0);
});
