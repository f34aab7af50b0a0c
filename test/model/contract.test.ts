// The contract of a topic, where messages enter from outside.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { openInput } from '../../src/engine/index.ts';
import { create, echo, isCode } from '../../src/engine/testing/create-run.ts';
import { KeptOutputs, newFolder } from '../../src/engine/testing/runs.ts';

const contract = { type: 'object', required: ['value'], properties: { value: { type: 'number' } } };
const topics = { readings: { contract } };
const agents = { echo: { ...echo, subscriptions: ['readings'] } };

test('a message from outside that breaks the contract of its topic is refused, as a call and as a line', async () => {
  const outputs = new KeptOutputs();
  const run = await create({ agents, topics }, { outputs });
  for (const payload of [{ value: 'warm' }, {}, 7, new Uint8Array([123])]) {
    assert.throws(() => run.publish('readings', { payload }), isCode('input-invalid', /contract/));
  }
  run.publish('readings', { payload: { value: 1 } });
  const path = `${newFolder()}.jsonl`;
  const lines = [{ value: 2 }, { value: null }, { value: 3 }];
  writeFileSync(path, lines.map((payload) => `${JSON.stringify({ topic: 'readings', payload })}\n`).join(''));
  const problems: string[] = [];
  const { badLines } = await run.run({
    source: openInput(path),
    reportBadLine: (text) => problems.push(text),
  });
  assert.equal(badLines, 1);
  assert.match(problems.join(), /:2: the payload does not keep the contract of topic "readings"/);
  assert.deepEqual(
    outputs.list.map(({ payload }) => String.fromCharCode(...payload)),
    ['{"value":1}', '{"value":2}', '{"value":3}'],
  );
});

test('a contract with a construct that may take more than linear time is refused when the system is loaded', async () => {
  for (const slow of [{ pattern: '^(a+)+$' }, { uniqueItems: true }, { $ref: '#' }]) {
    await assert.rejects(
      create({ agents, topics: { readings: { contract: slow } } }),
      isCode('config-invalid', new RegExp(`\\${Object.keys(slow)[0]}`)),
    );
  }
});
