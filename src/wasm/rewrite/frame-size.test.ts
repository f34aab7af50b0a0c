import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Status } from '../../abi/guest-exports.ts';

/** The main thread's default stack less the reserve for the host, in KB. */
const stackKilobytes = 984 - 200;

interface Line {
  readonly shape: string;
  readonly trap: string;
  readonly used: number;
  readonly status: number;
}

async function recurse(...flags: string[]): Promise<Line[]> {
  const program = join(import.meta.dirname, 'sample-recursion.ts');
  const all = [`--stack-size=${stackKilobytes}`, '--disable-warning=ExperimentalWarning', ...flags, program];
  const { stdout } = await promisify(execFile)(process.execPath, all);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

test('endless recursion of any shape meets the budget before the stack, with the same fuel in every tier', async () => {
  const [mixed, baseline, optimised] = await Promise.all([
    recurse(),
    recurse('--liftoff-only'),
    recurse('--no-liftoff'),
  ]);
  for (const lines of [mixed, baseline, optimised]) {
    const bad = lines.filter(
      (line) => line.status !== Status.stackExhausted || !/unreachable/.test(line.trap),
    );
    assert.deepEqual(bad, []);
  }
  assert.deepEqual(baseline, mixed);
  assert.deepEqual(optimised, mixed);
});
