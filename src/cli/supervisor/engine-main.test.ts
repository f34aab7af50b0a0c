// The engine process is nobody's to start but the supervisor's.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('an engine process without a supervisor says so and ends', () => {
  const main = join(import.meta.dirname, 'engine-main.ts');
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, 'run', 'x.toml'], {
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^error: Cannot run without a supervisor: start "wasm-engine" instead\n$/);
});
