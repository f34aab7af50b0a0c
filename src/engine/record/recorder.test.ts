// What the record says of a run: each event in its channel, in the order in which things happened.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome } from '../../abi/record.ts';
import { encodeHex } from '../../base/encoding.ts';
import { inputKindName, openRunDirectory, readEvents } from '../../log/index.ts';
import { normalisedBytes, type Trace } from '../config/system-config.ts';
import { type AgentDescription, createSystem, Orchestrator } from '../index.ts';
import { sha256 } from '../sha256.ts';
import { agent, importText } from '../testing/agents.ts';
import { create, echo } from '../testing/create-run.ts';
import { newFolder, recorded } from '../testing/runs.ts';
import { engineVersion } from '../version.ts';

const failing: AgentDescription = {
  module: agent({
    before: `${importText('log', 3)} ${importText('output', 2)} (data (i32.const 0) "alas")`,
    receive: `(drop (call $log (i32.const 3) (i32.const 0) (i32.const 4)))
      (drop (call $output (i32.const 0) (i32.const 4)))
      (drop (call $output (i32.const -1) (i32.const 4)))
      (drop (call $output (i32.const -1) (i32.const 4)))
      unreachable`,
  }),
  capabilities: ['log', 'output'],
};

/** Where the only `drop` with an `unreachable` behind it stands. */
function unreachableOffset(): number {
  const bytes = Buffer.from(failing.module as Uint8Array);
  const found = bytes.indexOf(Uint8Array.of(0x1a, 0x00, 0x0b));
  assert.equal(bytes.lastIndexOf(Uint8Array.of(0x1a, 0x00, 0x0b)), found);
  return found + 1;
}

async function record(trace: Trace): Promise<string> {
  const runDirectory = newFolder();
  const system = await createSystem({ host: { trace, durability: 'none' }, agents: { failing, echo } });
  const run = await Orchestrator.create({ system, runDirectory });
  run.send('failing', { payload: 1 });
  run.send('failing', { payload: 2 });
  run.send('echo', { payload: 3 });
  await run.settle();
  run.send('failing', { payload: 4 });
  await run.run();
  return runDirectory;
}

test('a failing task leaves its fault, its log texts and its refused calls, and none of its outputs', async () => {
  const folder = await record('none');
  assert.deepEqual(
    recorded(folder, 'faults').map(({ tick, agent: name, number, kind, taskKind, message, ...place }) => [
      tick,
      name,
      number,
      kind,
      taskKind,
      message,
      place.functions,
      place.functionIndex,
      place.offset,
    ]),
    [
      [
        1,
        'failing',
        1,
        'unreachable',
        1,
        'Agent "failing" failed in agent_receive: it reached an "unreachable" instruction, ' +
          `in agent_receive at byte ${unreachableOffset()} of its module`,
        'agent_receive',
        3,
        unreachableOffset(),
      ],
    ],
  );
  assert.deepEqual(
    recorded(folder, 'texts').map(({ tick, agent: name, level, text, failed }) => [
      tick,
      name,
      level,
      text,
      failed,
    ]),
    [[1, 'failing', 3, 'alas', true]],
  );
  assert.deepEqual(
    recorded(folder, 'outputs').map(({ agent: name, payload }) => `${name} ${Buffer.from(payload)}`),
    ['echo 3'],
  );
  const events = recorded(folder, 'events').map(({ tick, kind, agent: name, reason, count }) =>
    [tick, kind, name, reason, count].join(' '),
  );
  assert.deepEqual(events.slice(0, 2), ['1 spawned failing  1', '1 spawned echo  1']);
  assert.ok(events.includes('1 failed failing unreachable 1'));
  assert.ok(events.includes('1 call-refused failing bad-pointer 2'));
  assert.equal(
    events.filter((text) => text.startsWith('1 dropped failing')).length,
    2,
    'both messages are lost',
  );
  assert.ok(events.includes('2 dropped failing receiver-stopped 1'));
});

test('inputs come before the events of their tick, and its digest after all of them', async () => {
  const folder = await record('full');
  const order = [...readEvents(openRunDirectory(folder))].map(({ channel, tick }) => `${tick} ${channel}`);
  const first = order.filter((text) => text.startsWith('1 '));
  const distinct = first.filter((text, i) => text !== first[i - 1]);
  assert.deepEqual(distinct, [
    ...['1 inputs', '1 events', '1 faults', '1 texts', '1 outputs', '1 outcomes', '1 traces', '1 digests'],
  ]);
  assert.deepEqual([order[0], order.at(-1)], ['0 run-started', '3 run-ended']);
  assert.deepEqual(
    recorded(folder, 'inputs').map(({ tick, inputs }) => [
      tick,
      ...inputs.map(({ kind }) => inputKindName[kind as 1]),
    ]),
    [
      [1, 'message', 'message', 'message'],
      [2, 'message'],
      [3, 'stop'],
    ],
  );
});

test('the trace decides whether outcomes and transcripts are kept, and the transcript hashes to the digest', async () => {
  const counts = { none: [0, 0], outcomes: [3, 0], full: [3, 3] } as const;
  for (const trace of ['none', 'outcomes', 'full'] as const) {
    const folder = await record(trace);
    const found = [recorded(folder, 'outcomes').length, recorded(folder, 'traces').length];
    assert.deepEqual(found, counts[trace], trace);
  }
  const folder = await record('full');
  assert.deepEqual(
    recorded(folder, 'traces').map(({ transcript }) => encodeHex(sha256(transcript))),
    recorded(folder, 'digests').map(({ digest }) => encodeHex(digest)),
  );
  const [first] = recorded(folder, 'outcomes');
  const { done, failed } = Outcome;
  assert.deepEqual([...(first!.agent as number[])], [1, 2, 1, 2]);
  assert.deepEqual([...(first!.outcome as number[])], [done, done, failed, done]);
  const [digest] = recorded(folder, 'digests');
  assert.deepEqual([digest!.tasks, digest!.messages, digest!.faults], [4, 3, 1]);
  assert.equal(
    digest!.fuel,
    [...(first!.fuel as number[])].reduce((sum, fuel) => sum + fuel, 0),
  );
});

test('the start names engine, configuration, modules and Node; the end its reason and digest', async () => {
  const folder = await record('none');
  const [started] = recorded(folder, 'run-started');
  const directory = openRunDirectory(folder);
  assert.deepEqual(
    [started!.engine, started!.durability, started!.node],
    [engineVersion, 'none', process.version],
  );
  assert.equal(encodeHex(started!.configSha256), encodeHex(sha256(directory.config())));
  assert.deepEqual(started!.moduleSha256.map(encodeHex), directory.moduleHashes());
  const [ended] = recorded(folder, 'run-ended');
  assert.deepEqual([ended!.tick, ended!.reason], [3, 'quiescence']);
  assert.equal(encodeHex(ended!.digest), encodeHex(recorded(folder, 'digests').at(-1)!.digest));
});

test('the record holds the normalised configuration, and nothing of its host', async () => {
  const texts = await Promise.all(
    [{ workers: 0 }, { workers: 2, trace: 'full' }].map(async (more) => {
      const system = await createSystem({ host: { durability: 'none', ...more } as never, agents: { echo } });
      const runDirectory = newFolder();
      await (await Orchestrator.create({ system, runDirectory })).close();
      const config = openRunDirectory(runDirectory).config();
      assert.deepEqual(config, normalisedBytes(system.config));
      return Buffer.from(config).toString();
    }),
  );
  assert.equal(texts[1], texts[0]);
  await (await create()).close();
});
