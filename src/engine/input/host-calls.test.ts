// What the embedding program and its lines ask for: taken as it is, or refused at once by name.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { openInput } from '../index.ts';
import { create, echo, isCode } from '../testing/create-run.ts';
import { KeptOutputs, newFolder, recorded } from '../testing/runs.ts';

test('calls with what does not exist, or is too large, are refused at once and change nothing', async () => {
  const run = await create();
  const refused: [() => void, RegExp][] = [
    [() => run.send('nobody', { payload: 1 }), /"nobody"/],
    [() => run.send('0.9', { payload: 1 }), /"0\.9"/],
    [() => run.send('99999999999.1', { payload: 1 }), /Cannot find agent/],
    [() => run.spawnAgent({ agent: 'nobody' }), /the system declares echo, counting, many/],
    [() => run.send('echo', { payload: new Uint8Array(65_537) }), /65537 bytes/],
    [() => run.send('echo', { payload: 1, priority: 0.5 }), /priority 0\.5/],
    [() => run.send('echo', { payload: 1, priority: 2 ** 31 }), /priority/],
    [() => run.publish('', { payload: 1 }), /0 bytes/],
    [() => run.publish('x'.repeat(65), { payload: 1 }), /65 bytes/],
    [() => run.joinChannel('echo', ''), /0 bytes/],
    [() => run.publish('\ud800', { payload: 1 }), /"\\ud800" as a name: Unicode text/],
    [() => run.joinChannel('echo', '\udc00'), /"\\udc00" as a name: Unicode text/],
    [() => run.joinChannel('echo', undefined as never), /undefined as a name: Unicode text/],
    [() => run.scheduleTask('echo', { payload: 1, taskId: '\ud800' }), /as a taskId: Unicode text/],
    [() => run.terminateAgent('nobody'), /"nobody"/],
    [() => run.send(undefined as never, { payload: 1 }), /Cannot find agent undefined/],
    [() => run.send('echo', undefined as never), /a message: found undefined, wanted an object/],
    [() => run.publish('topic', null as never), /a message: found null, wanted an object/],
    [() => run.scheduleTask('echo', 'task' as never), /a task: found task, wanted an object/],
    [() => run.spawnAgent(undefined as never), /an agent to spawn: found undefined, wanted an object/],
    [
      () => run.registerTelemetryHook(null as never),
      /a telemetry hook: found null, wanted an object of functions/,
    ],
  ];
  for (const [call, words] of refused) assert.throws(call, isCode('input-invalid', words));
  await run.close();
});

test('a payload is taken as it is at the call, whatever the caller does with it then', async () => {
  const outputs = new KeptOutputs();
  const run = await create({}, { outputs });
  const payloads = [new Uint8Array([1, 2, 3]), Buffer.from([4, 5, 6]), Buffer.from([7, 8, 9]).subarray(1)];
  run.pauseAgent('echo');
  for (const payload of payloads) run.send('echo', { payload });
  await run.settle();
  for (const payload of payloads) payload.fill(99);
  run.resumeAgent('echo');
  await run.run();
  assert.deepEqual(
    outputs.list.map(({ payload }) => [...payload]),
    [
      [1, 2, 3],
      [4, 5, 6],
      [8, 9],
    ],
  );
});

test('a payload that JSON cannot carry is refused, with what and where, and never changed', async () => {
  const run = await create();
  const around: Record<string, unknown> = { list: [1] };
  (around['list'] as unknown[]).push(around);
  let deep: unknown = 1;
  for (let i = 0; i < 30_000; i++) deep = [deep];
  const refused: [unknown, RegExp][] = [
    [undefined, /payload: found undefined, wanted a JSON value/],
    [() => 1, /found a function/],
    [1n, /found a bigint/],
    [Symbol('s'), /found a symbol/],
    [Number.NaN, /found NaN, wanted a finite number/],
    [{ a: [1, -Infinity] }, /a\.1: found -Infinity/],
    ['\ud800', /half of a surrogate pair/],
    [{ a: { '\udfff': 1 } }, /half of a surrogate pair/],
    [[1, undefined], /1: found undefined/],
    [{ when: new Date(0) }, /when: found a Date/],
    [new Map([[1, 2]]), /found a Map/],
    [new ArrayBuffer(4), /found a ArrayBuffer/],
    [new Uint16Array(2), /found a Uint16Array/],
    [around, /nested more than 200 deep/],
    [deep, /nested more than 200 deep/],
  ];
  for (const [payload, words] of refused) {
    assert.throws(() => run.send('echo', { payload: payload as never }), isCode('input-invalid', words));
  }
  for (const payload of [null, '', { a: undefined } as never, JSON.parse('{"__proto__":[1]}')])
    run.send('echo', { payload });
  await run.run();
});

test('an agent can be spoken to by the identity that spawnAgent() answers, before it exists', async () => {
  const outputs = new KeptOutputs();
  const run = await create({}, { outputs });
  const first = run.spawnAgent({ agent: 'many' });
  const second = run.spawnAgent({ agent: 'many', payload: { hello: 1 } });
  assert.deepEqual([first, second], ['0.3', '0.4']);
  run.send(second, { payload: 'to the second' });
  run.joinChannel(first, 'den');
  run.publish('den', { payload: 'to the channel' });
  run.scheduleTask(first, { payload: 1, taskId: 'a name' });
  await run.settle();
  assert.deepEqual(
    outputs.list.map(({ agent: name, payload }) => `${name} ${Buffer.from(payload)}`),
    ['many/0.4 {"hello":1}', 'many/0.4 "to the second"', 'many/0.3 "to the channel"'],
  );
  run.terminateAgent(first);
  await run.settle();
  assert.deepEqual(
    run.snapshotState().agents.map(({ id, name }) => `${id} ${name}`),
    ['0.1 echo', '0.2 counting', '0.4 many/0.4'],
  );
  await run.close();
});

test('a strict run ends at its first bad line, by name; another one skips, counts and keeps places', async () => {
  const path = `${newFolder()}.jsonl`;
  const texts = [
    '{"agent":"echo","payload":1}',
    '{"agent":"ghost","payload":2}',
    '{"topic":"none","payload":2}',
    '',
    '{',
  ];
  writeFileSync(
    path,
    [...texts, '{"agent":"echo","payload":3,"tick":1}', '{"agent":"echo","payload":4}'].join('\n'),
  );
  const strict = await create();
  await assert.rejects(
    strict.run({ source: openInput(path), strict: true }),
    isCode('input-invalid', /:2: found agent "ghost"/),
  );
  const problems: string[] = [];
  const outputs = new KeptOutputs();
  const run = await create({ run: { inputsPerTickMax: 2 } }, { outputs });
  const { badLines } = await run.run({
    source: openInput(path),
    reportBadLine: (text) => problems.push(text),
  });
  assert.equal(badLines, 4);
  assert.deepEqual(
    problems.map((text) => /:(\d+): /.exec(text)?.[1]),
    ['2', '3', '5', '6'],
  );
  assert.match(problems[3]!, /found tick 1, which is past/);
  assert.deepEqual(
    outputs.list.map(({ payload }) => String.fromCharCode(...payload)),
    ['1', '4'],
  );
});

test('a line that waits for its receiver holds its source back, and nothing is lost', async () => {
  const path = `${newFolder()}.jsonl`;
  writeFileSync(path, Array.from({ length: 6 }, (_, i) => `{"agent":"echo","payload":${i}}\n`).join(''));
  const runDirectory = newFolder();
  const outputs = new KeptOutputs();
  const agents = { echo: { ...echo, limits: { mailboxMessagesMax: 1 } } };
  const run = await create({ run: { inputsPerTickMax: 2 }, agents }, { outputs, runDirectory });
  await run.run({ source: openInput(path) });
  assert.deepEqual(
    outputs.list.map(({ tick, payload }) => `${tick} ${String.fromCharCode(...payload)}`),
    ['1 0', '2 1', '3 2', '4 3', '5 4', '6 5'],
  );
  const lines = recorded(runDirectory, 'inputs').filter(({ inputs }) => inputs.length > 0);
  assert.deepEqual(
    lines.map(({ tick, inputs }) => [tick, inputs.length]),
    [
      [1, 2],
      [3, 2],
      [5, 2],
      [7, 1],
    ],
  );
});
