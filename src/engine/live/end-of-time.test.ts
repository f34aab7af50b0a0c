// Numbers of ticks stay exact: whatever agents and lines ask for, a run stops before they would not be.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { openInput, replayRun } from '../index.ts';
import { agent, importText } from '../testing/agents.ts';
import { create, isCode } from '../testing/create-run.ts';
import { newFolder } from '../testing/runs.ts';

/** At each step it sets the longest timer that there is. */
const patient = {
  module: agent({
    before: importText('set_timer', 2),
    init: '(call $set_timer (i32.const -1) (i32.const 0))',
    step: '(drop (call $set_timer (i32.const -1) (i32.const 0))) (i32.const 0)',
  }),
  capabilities: ['timer' as const],
};
const system = { agents: { patient }, run: { tickMs: 1_000_000 } };
const end = Math.floor(2 ** 52 / 1_000_000);

test('a run whose agents set ever later timers stops at the end of time, and replays', async () => {
  const run = await create(system);
  const { reason, ticks, digest, executed, runDirectory } = await run.run();
  assert.deepEqual([reason, ticks, executed], ['ticks', end, 3]);
  assert.equal((await replayRun(runDirectory, { workers: 1 })).digest, digest);
});

test('settling stops before it, and the run can still be stopped', async () => {
  const run = await create(system);
  await run.settle();
  assert.ok(run.tick < end && run.tick > end - 2 ** 32, `it is at ${run.tick}`);
  assert.equal((await run.stop()).reason, 'quiescence');
});

test('no line enters there, and no last tick lies behind it', async () => {
  const path = `${newFolder()}.jsonl`;
  const line = (tick: number): string => JSON.stringify({ agent: 'patient', payload: 1, tick });
  writeFileSync(path, [end, Number.MAX_SAFE_INTEGER, end - 1].map(line).join('\n'));
  const run = await create(system);
  const problems: string[] = [];
  const reportBadLine = (problem: string): number => problems.push(problem);
  const { ticks, messages } = await run.run({ source: await openInput(path), reportBadLine });
  assert.deepEqual([ticks, messages, problems.length], [end, 1, 2]);
  for (const problem of problems)
    assert.match(problem, new RegExp(`wanted one before ${end}, where time ends`));
  const other = await create(system);
  await assert.rejects(
    other.run({ ticks: end + 1 }),
    isCode('config-invalid', new RegExp(`up to ${end} was`)),
  );
  const third = await create(system);
  assert.equal((await third.run({ ticks: end })).ticks, end);
});
