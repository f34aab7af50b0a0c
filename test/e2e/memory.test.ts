// A long input streams through a run, and a long record through a replay, in memory that does not grow with them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { newFolder } from '../../src/engine/testing/runs.ts';

interface Told {
  readonly outputs: number;
  readonly messages: number;
  readonly same: boolean;
  /** Largest heap and buffers seen, in bytes. */
  readonly runBytes: number;
  readonly replayBytes: number;
}

function stream(lineCount: number): Told {
  const script = join(import.meta.dirname, 'memory-process.ts');
  const limit = ['--max-old-space-size=64', '--max-semi-space-size=4'];
  const child = spawnSync(process.execPath, [...limit, script, String(lineCount), newFolder()], {
    encoding: 'utf8',
  });
  assert.equal(child.status, 0, child.stderr);
  return JSON.parse(child.stdout) as Told;
}

test('200,000 lines of input, 40 MB, run and replay in a heap of 64 MB', () => {
  const told = stream(200_000);
  assert.deepEqual([told.outputs, told.messages, told.same], [200_000, 200_000, true]);
  // The lines with their bookkeeping would take more than 100 MB.
  assert.ok(told.runBytes < 80e6, `the run held ${told.runBytes} bytes`);
  assert.ok(told.replayBytes < 80e6, `the replay held ${told.replayBytes} bytes`);
});
