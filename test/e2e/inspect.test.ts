// What `inspect` prints of states and runs, as lines and as objects.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspectCommand } from '../../src/cli/inspect.ts';
import { runText } from '../../src/cli/inspect-run.ts';
import { stateJson, stateLines } from '../../src/cli/inspect-state.ts';
import { createSystem, EngineError, gatherRun, inspectState, Orchestrator } from '../../src/engine/index.ts';
import { agent } from '../../src/engine/testing/agents.ts';
import { newFolder } from '../../src/engine/testing/runs.ts';

async function recordedRun(): Promise<string> {
  const folder = newFolder();
  const counting = agent({
    before: '(global (export "count") (mut i32) (i32.const 7))',
    receive: '(i32.store (i32.const 64) (i32.const 0x646c6f67)) i32.const 0',
  });
  const system = await createSystem({ agents: { one: { module: counting }, two: { module: counting } } });
  const run = await Orchestrator.create({ system, runDirectory: folder });
  run.send('one', { payload: 1 });
  run.pauseAgent('two');
  run.send('two', { payload: { deep: [1, 2] } });
  await run.run();
  return folder;
}

test('a run without a tick is told as a table, one line an agent', async () => {
  const folder = await recordedRun();
  const lines = runText(folder, gatherRun(folder));
  assert.ok(lines.some((line) => /^ {2}state +ended: quiescence$/.test(line)));
  assert.ok(lines.some((line) => /^ {2}one +stopped +3 /.test(line)));
});

test('the state after a tick is a table of agents, or all of one agent with its memory in hexadecimal', async () => {
  const folder = await recordedRun();
  const all = stateLines(await inspectState(folder, { tick: 1 }), 1);
  assert.equal(all[0], 'State after tick 1');
  assert.ok(
    all.some((line) => /^ {2}two +0\.2 +starting, paused +2 +0 +0 +0$/.test(line)),
    all.join('\n'),
  );
  const memory = { start: 64, length: 16 };
  const one = stateLines(await inspectState(folder, { tick: 1, agent: 'one', memory }), 1).join('\n');
  assert.match(one, /^ {4}count {2}i32 {2}7$/m);
  assert.match(one, /^ {4}00000040 {2}67 6f 6c 64 00.*gold\.+$/m);
  const two = stateLines(await inspectState(folder, { tick: 1, agent: 'two' }), 4).join('\n');
  assert.match(two, /^State after tick 1, the last until 4$/m);
  assert.match(
    two,
    /mailbox \(2\)\n {4}\d+ {2}init .*\n {4}\d+ {2}message {2}from outside .*payload \{"deep":\[1,2\]\}$/m,
  );
  assert.match(two, /instance +none/);
});

test('the object of a state is JSON, with payloads as they are and memory in base64', async () => {
  const folder = await recordedRun();
  const memory = { start: 64, length: 4 };
  const one = JSON.parse(stateJson(await inspectState(folder, { tick: 1, agent: 'one', memory })));
  assert.deepEqual(one.agent.instance.memory, { start: 64, base64: Buffer.from('gold').toString('base64') });
  assert.deepEqual(one.agent.instance.globals[0], { index: 0, name: 'count', type: 'i32', value: '7' });
  const two = JSON.parse(stateJson(await inspectState(folder, { tick: 1, agent: 'two' })));
  assert.deepEqual(two.agent.mailbox.at(-1).payload, { deep: [1, 2] });
  assert.equal(two.agent.instance, null);
  assert.equal(JSON.parse(stateJson(await inspectState(folder, { tick: 1 }))).agents.length, 2);
});

test('memory is shown of one agent at one tick, and of nothing else', async () => {
  const memory = { start: 0, length: 16 };
  for (const options of [{}, { tick: 1 }, { agent: 'one' }, { tick: 1, agent: 'one', state: false }]) {
    const refused = inspectCommand('nowhere', { memory, state: true, ...options });
    await assert.rejects(refused, (error) => error instanceof EngineError && error.code === 'usage');
  }
});
