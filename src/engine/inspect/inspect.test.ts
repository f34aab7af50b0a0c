// What a record tells about a run, compared with what was seen while it ran.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSystem } from '../config/index.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { gatherRun } from '../record/run-facts.ts';
import type { RunSummary } from '../run-types.ts';
import { agent, countingAgent, echoAgent, importText } from '../testing/agents.ts';
import { cutRecord, KeptOutputs, newFolder } from '../testing/runs.ts';
import { type Happening, happenings } from './happenings.ts';

const loop = agent({ receive: '(loop $l (br $l)) i32.const 0' });
const chatty = agent({
  before: `${importText('log', 3)} (data (i32.const 0) "hi")`,
  receive: '(call $log (i32.const 2) (i32.const 0) (i32.const 2))',
});

interface Ran {
  readonly folder: string;
  readonly summary: RunSummary;
  readonly outputs: KeptOutputs;
}

async function ran(): Promise<Ran> {
  const folder = newFolder();
  const outputs = new KeptOutputs();
  const system = await createSystem({
    agents: {
      echo: { module: echoAgent(), count: 2, capabilities: ['output'] },
      loop: { module: loop, limits: { fuelPerTask: 500 } },
      chatty: { module: chatty, capabilities: ['log'] },
      child: { module: countingAgent(), count: 0, capabilities: ['output'] },
    },
  });
  const orchestrator = await Orchestrator.create({ system, runDirectory: folder, outputs });
  const child = orchestrator.spawnAgent({ agent: 'child' });
  orchestrator.send('echo/1', { payload: { a: 1 }, priority: 3 });
  orchestrator.send('loop', { payload: 1 });
  orchestrator.send('chatty', { payload: 1 });
  await orchestrator.settle();
  orchestrator.send(child, { payload: Uint8Array.of(255) });
  return { folder, summary: await orchestrator.run(), outputs };
}

/** Payloads are views: kept as text. */
function all(
  folder: string,
  wanted: Parameters<typeof happenings>[1] = {},
): (Happening & { text?: string })[] {
  return [...happenings(folder, wanted)].map((happening) => {
    const { payload, ...rest } = happening;
    return payload === undefined ? rest : { ...rest, text: Buffer.from(payload).toString('latin1') };
  });
}

test('gatherRun() counts what the run itself counted', async () => {
  const { folder, summary } = await ran();
  const facts = gatherRun(folder);
  const { ticks, executed, digest, tasks, messages, fuel, faults, outputs } = summary;
  const { manifest: _, modules, agents, firstFaults, ended, ...totals } = facts;
  assert.deepEqual(
    { ...totals, node: '', inputs: 0, epoch: 0, dropped: 0, refusedCalls: 0 },
    {
      ...{ ticks, executed, digest, tasks, messages, fuel, faults, outputs },
      ...{ node: '', inputs: 0, epoch: 0, dropped: 0, refusedCalls: 0 },
    },
  );
  assert.equal(ended, 'quiescence');
  assert.equal(modules.length, 4);
  assert.deepEqual(
    agents.map(({ name, state, outputs, texts }) => [name, state, outputs, texts]),
    [
      ['echo/0', 'stopped', 0, 0],
      ['echo/1', 'stopped', 1, 0],
      ['loop', 'failed', 0, 0],
      ['chatty', 'stopped', 0, 1],
      [agents[4]!.name, 'stopped', 1, 0],
    ],
  );
  assert.equal(
    agents.reduce((sum, { tasks }) => sum + tasks, 0),
    tasks,
  );
  assert.equal(
    agents.reduce((sum, { fuel }) => sum + fuel, 0),
    fuel,
  );
  assert.deepEqual(
    firstFaults.map(({ agent, kind }) => [agent, kind]),
    [['loop', 'out-of-fuel']],
  );
});

test('happenings() tell a tick in order: inputs, events, faults, texts, outputs, tasks, digest', async () => {
  const { folder, summary, outputs } = await ran();
  const first = all(folder, { tick: 1 });
  assert.ok(first.every(({ tick }) => tick === 1));
  const order = ['input', 'event', 'fault', 'log', 'output', 'task', 'digest'];
  const seen = first.map(({ what }) => order.indexOf(what));
  assert.deepEqual(seen, seen.toSorted());
  const input = first.find(({ what, agent }) => what === 'input' && agent === 'echo/1')!;
  assert.deepEqual([input.kind, input.priority, input.text], ['message', 3, '{"a":1}']);
  const log = first.find(({ what }) => what === 'log')!;
  assert.deepEqual([log.agent, log.level, log.text], ['chatty', 'warning', 'hi']);
  const everything = all(folder);
  const given = everything.filter(({ what }) => what === 'output').map(({ text }) => text);
  assert.deepEqual(
    given,
    outputs.list.map(({ payload }) => Buffer.from(payload).toString('latin1')),
  );
  assert.equal(everything.at(-1)!.digest, summary.digest);
});

test('happenings() of one agent leave out those of others, and name spawned ones', async () => {
  const { folder } = await ran();
  const child = gatherRun(folder).agents[4]!.name;
  assert.match(child, /^child/);
  const own = all(folder, { agent: child });
  assert.ok(own.length > 3);
  assert.ok(own.every(({ agent, other }) => agent === child || other === child));
  assert.ok(own.some(({ what }) => what === 'task'));
});

test('a record that was cut off is told as far as it goes, and is not changed', async () => {
  const { folder } = await ran();
  const log = join(folder, 'events-000000.mcap');
  const size = readFileSync(log).length;
  let last = gatherRun(folder).executed;
  for (let cut = size - 20; cut > size / 4; cut -= Math.ceil(size / 12)) {
    cutRecord(folder, cut);
    const before = readFileSync(log);
    const facts = gatherRun(folder);
    assert.equal(facts.ended, undefined);
    assert.ok(facts.executed <= last);
    last = facts.executed;
    assert.deepEqual(readFileSync(log), before);
  }
  assert.equal(last, 0);
});
