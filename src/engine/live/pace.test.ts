// The wall clock delays ticks and decides none of them, whatever it shows.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Pace } from '../config/system-config.ts';
import { createSystem, Orchestrator, openInput } from '../index.ts';
import { type Clock, nodePorts } from '../ports.ts';
import { echo } from '../testing/create-run.ts';
import { chainOf, newFolder } from '../testing/runs.ts';

/** A clock that is so much later at each look, and for which nobody waits. */
function hasty(stepMs: number): Clock {
  let nowMs = 0;
  return {
    nowMs: () => (nowMs += stepMs),
    yield: () => Promise.resolve(),
    after(_waitMs, callback) {
      setImmediate(callback);
      return () => {};
    },
  };
}

async function chain(lines: readonly string[], pace: Pace, clock: Clock): Promise<string[]> {
  const runDirectory = newFolder();
  const input = `${runDirectory}.jsonl`;
  writeFileSync(input, lines.map((line) => `${line}\n`).join(''));
  const system = await createSystem({ run: { inputsPerTickMax: 1 }, agents: { echo } });
  const run = await Orchestrator.create({ system, runDirectory }, { ...nodePorts, clock });
  await run.run({ source: openInput(input), pace });
  return chainOf(runDirectory);
}

test('lines of a pulled source enter the same ticks at any pace, though a tick finds nothing but a bad line', async () => {
  const line = (payload: number): string => JSON.stringify({ agent: 'echo', payload });
  const lines = [line(1), 'broken', 'broken', line(2), 'broken', line(3)];
  const free = await chain(lines, 'free', hasty(0));
  assert.equal(free.length, 4);
  for (const stepMs of [1, 7, 10, 400, 315_576_000_000]) {
    assert.deepEqual(await chain(lines, 'wall-clock', hasty(stepMs)), free, `${stepMs} ms a look`);
  }
});
