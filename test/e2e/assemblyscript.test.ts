// An agent of the AssemblyScript SDK under the engine: each function it can call, and what comes of it.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { compiled } from '../../sdk/assemblyscript/test/compiled.ts';
import { capabilities } from '../../src/abi/host-functions.ts';
import { createSystem, type JsonValue, Orchestrator, replayRun } from '../../src/engine/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-sdk-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const probe = { module: await compiled('probe'), capabilities: [...capabilities] };
const system = await createSystem({
  run: { seed: 5 },
  agents: {
    probe: { ...probe, config: { unused: true } },
    other: { ...probe, count: 2, subscriptions: ['news'] },
    small: { ...probe, limits: { timersMax: 0 } },
  },
  topics: { news: {} },
});

interface Output {
  readonly agent: string;
  readonly text: string;
}

let runs = 0;
let orchestrator: Orchestrator;
let directory: string;
let outputs: Output[];

beforeEach(async () => {
  directory = join(folder, String(++runs));
  outputs = [];
  const take = ({ agent, payload }: { agent: string; payload: Uint8Array }): void => {
    outputs.push({ agent, text: Buffer.from(payload).toString() });
  };
  orchestrator = await Orchestrator.create({ system, runDirectory: directory, outputs: { write: take } });
  await orchestrator.settle();
  outputs.length = 0;
});

/** Commands an agent and answers all outputs until nothing is left to do. */
async function obey(command: Record<string, JsonValue>, agent = 'probe'): Promise<Output[]> {
  orchestrator.send(agent, { payload: command });
  await orchestrator.settle();
  await orchestrator.acknowledged();
  return outputs.splice(0);
}

async function textsOf(command: Record<string, JsonValue>, agent?: string): Promise<string[]> {
  return (await obey(command, agent)).map(({ text }) => text);
}

function seen(output: Output | undefined): Record<string, unknown> {
  return JSON.parse(output?.text ?? 'null') as Record<string, unknown>;
}

test('find answers the identities of the system file', async () => {
  assert.deepEqual(await textsOf({ do: 'find', name: 'probe' }), ['0.1']);
  assert.deepEqual(await textsOf({ do: 'find', name: 'other/1' }), ['0.3']);
  assert.deepEqual(await textsOf({ do: 'find', name: 'nobody' }), ['none -4']);
});

test('what is published reaches the subscribers in the next tick, with topic and sender', async () => {
  const [code, first, second, ...more] = await obey({ do: 'publishText', name: 'news', text: 'größe 😀' });
  assert.deepEqual([code?.text, first?.agent, second?.agent, more.length], ['0', 'other/0', 'other/1', 0]);
  const { hook, topic, sender, payload, tick, self } = seen(first);
  assert.deepEqual([hook, topic, sender, self], ['message', 'news', [0, 1], [0, 2]]);
  assert.equal(Buffer.from(payload as number[]).toString(), 'größe 😀');
  assert.equal(tick, orchestrator.tick);
});

test('publishing to a channel without being a member comes back as a notice', async () => {
  const [code, notice] = await obey({ do: 'publishText', name: 'elsewhere', text: 'x' });
  assert.equal(code?.text, '0');
  assert.deepEqual((seen(notice)['numbers'] as number[]).slice(0, 2), [1, 4]);
});

test('subscribing and unsubscribing take effect', async () => {
  assert.deepEqual(await textsOf({ do: 'subscribe', name: 'news' }), ['0']);
  assert.equal((await obey({ do: 'publishText', name: 'news', text: 'x' })).length, 4);
  assert.deepEqual(await textsOf({ do: 'unsubscribe', name: 'news' }), ['0']);
  assert.equal((await obey({ do: 'publishText', name: 'news', text: 'x' })).length, 3);
});

test('members of a channel hear each other', async () => {
  for (const agent of ['probe', 'other/0']) await obey({ do: 'join', name: 'room' }, agent);
  const [code, ...heard] = await obey({ do: 'publishBytes', name: 'room' });
  assert.equal(code?.text, '0');
  assert.deepEqual(
    heard.map((output) => [output.agent, seen(output)['topic'], seen(output)['payload']]),
    ['probe', 'other/0'].map((agent) => [agent, 'room', [254, 254, 254]]),
  );
  assert.deepEqual(await textsOf({ do: 'leave', name: 'room' }), ['0']);
});

test('a timer fires after its delay with its number and tag, unless it is cancelled', async () => {
  const [number, fired] = await obey({ do: 'setTimer', number: 5 });
  assert.equal(number?.text, '0');
  const { hook, timer, tag } = seen(fired);
  assert.deepEqual([hook, timer, tag], ['timer', 0, -7]);
  assert.deepEqual(await textsOf({ do: 'setTimer', number: 0 }), ['-6']);
  assert.deepEqual((await textsOf({ do: 'cancelTimer', number: 99 })).length, 1);
});

test('limits are told by their codes', async () => {
  assert.deepEqual(await textsOf({ do: 'setTimer', number: 1 }, 'small'), ['-3']);
});

test('a message to nobody comes back as a notice', async () => {
  const [code, notice] = await obey({ do: 'sendText', text: 'x' });
  assert.equal(code?.text, '0');
  const { hook, sender, numbers } = seen(notice);
  assert.deepEqual([hook, sender, (numbers as number[]).slice(0, 2)], ['notice', [3, 4], [1, 2]]);
});

test('a spawned agent starts with its configuration', async () => {
  const [id, start, config] = await obey({ do: 'spawn', name: 'other', text: 'born' });
  assert.equal(id?.text, '1.1');
  assert.equal(start?.text, 'start');
  const { hook, payload } = seen(config);
  assert.deepEqual([hook, Buffer.from(payload as number[]).toString()], ['config', '"born"']);
  assert.deepEqual(await textsOf({ do: 'spawn', name: 'nothing', text: '' }), ['none -4']);
});

test('again gives a step, finish and terminate the last task', async () => {
  assert.deepEqual(
    (await obey({ do: 'again' })).map((output) => [seen(output)['hook'], seen(output)['kind']]),
    [['step', 19]],
  );
  assert.deepEqual(await textsOf({ do: 'finish' }), ['shutdown']);
  assert.deepEqual(await textsOf({ do: 'terminate' }, 'other/0'), ['0', 'shutdown']);
});

test('random numbers follow the seed and are each agent’s own', async () => {
  const [first] = await textsOf({ do: 'random' });
  const [second] = await textsOf({ do: 'random' });
  const [others] = await textsOf({ do: 'random' }, 'other/0');
  assert.equal(new Set([first, second, others]).size, 3);
  for (const text of [first, second, others]) assert.ok(Number(text) >= 0 && Number(text) < 1);
  assert.equal((await obey({ do: 'randomBytes', number: 33 })).length, 1);
});

test('a task that fails gives nothing, and its agent ends alone', async () => {
  assert.deepEqual(await textsOf({ do: 'fail', number: 7 }), []);
  assert.deepEqual(await textsOf({ do: 'find', name: 'probe' }, 'other/0'), ['0.1']);
});

test('a run of all this replays to the same digest', async () => {
  await obey({ do: 'setTimer', number: 3 });
  await obey({ do: 'spawn', name: 'other', text: 'x' });
  await obey({ do: 'random' });
  await obey({ do: 'log', text: 'careful' });
  await obey({ do: 'fail', number: 1 });
  const { digest } = await orchestrator.stop();
  assert.equal((await replayRun(directory, { workers: 2 })).digest, digest);
});
