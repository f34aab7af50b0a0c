// Runs that differ in one known thing, and what is said of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import wabt from 'wabt';
import { createSystem, type SystemDescription } from '../config/index.ts';
import { diffRuns, EngineError, Orchestrator, type RunDifference } from '../index.ts';
import { agentText, importText } from '../testing/agents.ts';
import { newFolder } from '../testing/runs.ts';

const assembler = await wabt();

/** Bytes of a module with the names that its text gives. */
function named(text: string): Uint8Array<ArrayBuffer> {
  const parsed = assembler.parseWat('agent.wat', text, {});
  try {
    return new Uint8Array(parsed.toBinary({ write_debug_names: true }).buffer);
  } finally {
    parsed.destroy();
  }
}

/** Says a text of two bytes at each message; counts them in a global and keeps a byte at 0x20010. */
function speaker(text: string): Uint8Array<ArrayBuffer> {
  return named(
    agentText({
      before: `${importText('output', 2)} (data (i32.const 8) "${text}")
        (global $count (mut i32) (i32.const 0))
        (func $decide (result i32) (call $say))
        (func $say (result i32) (call $output (i32.const 8) (i32.const 2)))`,
      memory: '3',
      receive: `(global.set $count (i32.add (global.get $count) (i32.load8_u (i32.load offset=52 (local.get $at)))))
        (i32.store8 (i32.const 0x20010) (global.get $count)) (call $decide)`,
    }),
  );
}

async function ran(
  module: Uint8Array,
  payloads: readonly string[],
  run: SystemDescription['run'] = {},
): Promise<string> {
  const folder = newFolder();
  const system = await createSystem({ run, agents: { one: { module, capabilities: ['output', 'random'] } } });
  const orchestrator = await Orchestrator.create({ system, runDirectory: folder });
  for (const text of payloads) {
    orchestrator.send('one', { payload: Buffer.from(text) });
    await orchestrator.settle();
  }
  await orchestrator.stop();
  return folder;
}

function first(difference: RunDifference): NonNullable<RunDifference['first']> {
  assert.ok(difference.first !== undefined);
  return difference.first;
}

test('the same run twice is equal, and a run is equal to itself', async () => {
  const [a, b] = [await ran(speaker('hi'), ['x', 'y']), await ran(speaker('hi'), ['x', 'y'])];
  for (const other of [a, b]) {
    const found = await diffRuns(a, other);
    assert.deepEqual(
      [found.equal, found.lastEqualTick, found.configuration, found.first],
      [true, 3, [], undefined],
    );
  }
});

test('another input is named with both sides', async () => {
  const found = await diffRuns(await ran(speaker('hi'), ['x', 'y']), await ran(speaker('hi'), ['x', 'z']));
  assert.deepEqual([found.equal, found.lastEqualTick], [false, 1]);
  const { tick, what, a, b } = first(found);
  assert.deepEqual(
    [tick, what, a, b],
    [2, 'input', 'message  to "one"  payload "y"', 'message  to "one"  payload "z"'],
  );
});

test('a longer record is named, and nothing else where all before is equal', async () => {
  const short = newFolder();
  const system = await createSystem({
    agents: { one: { module: speaker('hi'), capabilities: ['output', 'random'] } },
  });
  const run = await Orchestrator.create({ system, runDirectory: short });
  run.send('one', { payload: Buffer.from('x') });
  await run.settle();
  await run.close();
  const found = await diffRuns(await ran(speaker('hi'), ['x', 'y']), short);
  assert.deepEqual([found.equal, found.longer, found.lastEqualTick, found.first], [false, 'a', 1, undefined]);
});

test('another module is said first; then the effect, both sides decoded, and the functions that asked for it', async () => {
  const found = await diffRuns(await ran(speaker('hi'), ['x']), await ran(speaker('ho'), ['x']));
  assert.deepEqual(
    found.configuration.map(({ path }) => path),
    ['agents.one.module'],
  );
  const { tick, what, agent, index, a, b, placeA, instance } = first(found);
  assert.deepEqual([tick, what, agent, index], [1, 'effect', 'one', 0]);
  assert.deepEqual([a, b], ['output  payload "hi"', 'output  payload "ho"']);
  assert.match(placeA!, /^say < decide < agent_receive at byte \d+$/);
  assert.equal(instance, undefined, 'memories of two modules are not compared');
});

test('a trap on one side is an outcome, with the function that it was in', async () => {
  const text = agentText({
    before: `${importText('output', 2)} (data (i32.const 8) "hi") (func $fail unreachable)`,
    receive: '(call $fail) i32.const 0',
  });
  const found = await diffRuns(await ran(speaker('hi'), ['x']), await ran(named(text), ['x']));
  const { what, a, b, placeA, placeB } = first(found);
  assert.deepEqual([what, a, b, placeA], ['outcome', 'done', 'failed: unreachable', undefined]);
  assert.match(placeB!, /^fail < agent_receive at byte \d+$/);
});

test('another seed is said first, and shows where a draw is first held: page, address, global', async () => {
  const drawing = named(
    agentText({
      before: `${importText('random', 2)} (global $drawn (mut i32) (i32.const 0))`,
      memory: '3',
      receive: `(drop (call $random (i32.const 0x20010) (i32.const 4)))
        (global.set $drawn (i32.load (i32.const 0x20010))) i32.const 0`,
    }),
  );
  const found = await diffRuns(
    await ran(drawing, ['x'], { seed: 1 }),
    await ran(drawing, ['x'], { seed: 2 }),
  );
  assert.deepEqual(found.configuration, [{ path: 'run.seed', a: '1', b: '2' }]);
  const { tick, what, agent, instance } = first(found);
  assert.deepEqual([tick, what, agent], [1, 'state', 'one']);
  const { memory, globals, other } = instance!;
  assert.equal(globals![0]!.name, 'drawn');
  assert.deepEqual([memory!.page, memory!.pages, other], [2, 1, undefined]);
  assert.ok(memory!.address >= 0x20010 && memory!.address < 0x20014);
  assert.equal(memory!.a.length, 4, 'a view does not leave its page');
  assert.match(memory!.a[1]!, /^00020010 {2}/);
});

test('runs that began elsewhere have nothing to compare', async () => {
  const from = await ran(speaker('hi'), ['x', 'y']);
  const folder = newFolder();
  const fork = await Orchestrator.fork({ from, tick: 2, runDirectory: folder });
  await fork.stop();
  assert.equal(first(await diffRuns(folder, await ran(speaker('hi'), ['x', 'z']))).what, 'base');
  assert.equal(first(await diffRuns(await ran(speaker('hi'), []), folder)).what, 'base');
  const own = await diffRuns(from, folder);
  assert.deepEqual([own.equal, own.lastEqualTick], [true, 3]);
});

test('what is no run is refused by name', async () => {
  const run = await ran(speaker('hi'), []);
  for (const pair of [
    [run, 'nowhere'],
    ['nowhere', run],
  ] as const) {
    await assert.rejects(diffRuns(pair[0], pair[1]), (error) => {
      return (
        error instanceof EngineError &&
        error.code === 'run-directory-invalid' &&
        /nowhere/.test(error.message)
      );
    });
  }
});
