// How a tick's records become effects: order, outcomes, and what the transcript covers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasRunnable } from './index.ts';
import { host, log, output, publish, refusal, send, spawn, subscribe, terminate } from './test-effects.ts';
import { type Act, type SystemOptions, TestSystem } from './test-system.ts';

function begun(options: SystemOptions): TestSystem {
  const system = new TestSystem(options);
  system.tick();
  return system;
}

test('effects apply in plan order, not grouped by agent and not in order of execution', () => {
  const system = begun({ agents: { a: {}, b: {}, c: {} }, executors: 3, scatter: 1 });
  const [a, b, c] = [system.agent('a'), system.agent('b'), system.agent('c')];
  const inputs = [a, b, a, b].map((agent, i) => host.message(agent, `${i}`));
  system.tick(inputs, (task) => ({ effects: [send(c, `${task.position}x`), send(c, `${task.position}y`)] }));
  assert.deepEqual(
    system.tick().plan,
    ['0x', '0y', '1x', '1y', '2x', '2y', '3x', '3y'].map((text) => `c message ${text}`),
  );
});

test('effects of a tick run in the next at the earliest', () => {
  const system = begun({ agents: { a: {} } });
  const a = system.agent('a');
  const first = system.tick([host.message(a, 'x')], () => ({ effects: [send(a, 'y')], outcome: 'again' }));
  assert.deepEqual(first.plan, ['a message x']);
  assert.deepEqual(system.tick().plan, ['a message y', 'a again']);
});

test('tasks that are done free their slots before any effect applies', () => {
  const system = begun({ agents: { a: {}, b: { limits: { mailboxMessagesMax: 1 } } } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const { events } = system.tick([host.message(a), host.message(b)], ({ agent }) =>
    agent === a ? { effects: [send(b, 'fits'), send(b, 'does not')] } : {},
  );
  assert.deepEqual(events, ['dropped b from a: mailbox-full']);
  assert.deepEqual(system.tick().plan, ['b message fits', 'a notice']);
});

test('an earlier subscribe of the tick catches a later publish', () => {
  const system = begun({ agents: { a: {}, b: {} }, topics: ['news'] });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const script = ({ agent }: { agent: unknown }): Act => ({
    effects: agent === a ? [subscribe(0)] : [publish(0, 'x')],
  });
  system.tick([host.message(b), host.message(a)], script);
  assert.deepEqual(system.tick().plan, [], 'published before');
  system.tick([host.message(a), host.message(b)], script);
  assert.deepEqual(system.tick().plan, ['a topic x']);
});

test('return 1 gives one step in the next tick, at most one pending, outside the mailbox bound', () => {
  const system = begun({ agents: { a: { limits: { mailboxMessagesMax: 2 } } } });
  const a = system.agent('a');
  const again = (): Act => ({ outcome: 'again' });
  system.tick([host.message(a, '1'), host.message(a, '2')], again);
  const next = system.tick([host.message(a, '3'), host.message(a, '4')], again);
  assert.deepEqual(next.plan, ['a again', 'a message 3', 'a message 4']);
  assert.deepEqual(next.events, []);
  assert.deepEqual(system.tick().plan, ['a again']);
  assert.deepEqual(system.tick().plan, []);
});

test('return 2 lets the effects stand, and shutdown is the only task in the next tick', () => {
  const system = begun({ agents: { a: {}, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const inputs = [host.message(a, '1'), host.message(a, '2'), host.message(b)];
  const { ran, events } = system.tick(inputs, ({ agent }) =>
    agent === a ? { effects: [output('last'), send(a, 'self')], outcome: 'finished' } : {},
  );
  assert.deepEqual(ran, ['a message 1', 'b message'], 'the turn ends with it');
  assert.deepEqual(events, ['stopping a']);
  const last = system.tick([host.message(a, '3')], () => ({ effects: [send(b, 'bye')] }));
  assert.deepEqual(last.plan, ['a shutdown']);
  assert.deepEqual(last.events, [
    'dropped a: receiver-stopped',
    'stopped a',
    'dropped a: receiver-stopped',
    'dropped a from a: receiver-stopped',
  ]);
  assert.deepEqual(system.tick().plan, ['b message bye']);
  assert.equal(a.phase, 'stopped');
});

test('a turn of very many tasks may end at its first', () => {
  const system = begun({ agents: { a: { limits: { mailboxMessagesMax: 1_000_000 } } } });
  const a = system.agent('a');
  const inputs = Array.from({ length: 200_000 }, () => host.message(a));
  const { ran } = system.tick(inputs, () => ({ outcome: 'finished' }));
  assert.equal(ran.length, 1);
  assert.equal(system.tick().events.length, 199_999 + 1);
});

test('an agent that fails ends: its message and all that wait are dead letters, and nobody else is touched', () => {
  const system = begun({ agents: { a: {}, b: {} }, topics: ['news'] });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(a), host.message(b)], ({ agent }) => ({
    effects: agent === a ? [subscribe(0)] : [send(a, '1'), send(a, '2'), send(a, '3')],
  }));
  const { ran, events, committed } = system.tick([], ({ position }) =>
    position === 1 ? { outcome: 'failed', fault: 8, effects: [log('why')], fuel: 2 ** 40 } : {},
  );
  assert.deepEqual(ran, ['a message 1', 'a message 2']);
  assert.deepEqual(events, [
    'failed a: 8',
    'dropped a from b: receiver-stopped',
    'dropped a from b: receiver-stopped',
  ]);
  assert.equal(a.phase, 'failed');
  assert.deepEqual(committed.faults, [{ agent: a, taskKind: 1, code: 8, returned: 0, fuel: 2 ** 40 }]);
  assert.deepEqual(
    committed.sink.texts.map(({ agent, failed }) => [agent, failed]),
    [[a, true]],
  );
  assert.deepEqual(system.tick([host.message(b, 'x')]).plan, ['b notice', 'b message x']);
  assert.equal(system.state.topics[0]!.subscribers.size, 0);
});

test('an agent may end itself and then fail, and ends once', () => {
  const system = begun({ agents: { a: {} } });
  const a = system.agent('a');
  const { events } = system.tick([host.message(a, '1'), host.message(a, '2')], ({ position }) =>
    position === 0 ? { effects: [terminate(a)] } : { outcome: 'failed' },
  );
  assert.deepEqual(events, ['stopping a', 'failed a: 8', 'dropped a: receiver-stopped']);
  assert.deepEqual(system.state.released, [a]);
  assert.deepEqual(system.tick().plan, []);
});

test('a parent ends its child in a tick in which the child runs, fails or finishes', () => {
  for (const outcome of ['done', 'again', 'finished', 'failed'] as const) {
    const system = begun({ agents: { parent: {}, child: { count: 0 } } });
    const parent = system.agent('parent');
    system.tick([host.message(parent)], () => ({ effects: [spawn(1, 1)] }));
    system.tick();
    const child = system.agent('child/1.1');
    const { events } = system.tick([host.message(parent), host.message(child, 'x')], ({ agent }) =>
      agent === parent ? { effects: [terminate(child)] } : { outcome },
    );
    assert.equal(events[0], 'stopping child/1.1', outcome);
    const plan = outcome === 'failed' ? [] : ['child/1.1 shutdown'];
    assert.deepEqual(system.tick().plan, plan, outcome);
    assert.equal(child.phase, outcome === 'failed' ? 'failed' : 'stopped');
    assert.equal(hasRunnable(system.state), false, outcome);
  }
});

test('fuel and counts of a tick are those of its records', () => {
  const system = begun({ agents: { a: {}, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const { committed } = system.tick(
    [host.message(a, '1'), host.message(b), host.message(a, '2')],
    (task) => ({
      fuel: 2 ** 33 + task.position,
      outcome: task.position === 0 ? 'finished' : 'done',
      effects: [refusal(0, -3 >>> 0, 7)],
    }),
  );
  assert.equal(committed.taskCount, 2);
  assert.equal(committed.messageCount, 3);
  assert.equal(committed.fuel, 2 ** 34 + 1);
  assert.deepEqual(committed.sink.refusals, [
    { agent: a, functionIndex: 0, code: -3, count: 7 },
    { agent: b, functionIndex: 0, code: -3, count: 7 },
  ]);
  const sizes = [...committed.recordAt].map((at) => committed.words[at]);
  assert.deepEqual(sizes, [11, 11, 0], 'a record of size 0 did not run');
});

test('outputs leave in commit order, and their payloads outlive the blocks they came in', () => {
  const system = begun({ agents: { a: {}, b: {} }, executors: 2, scatter: 3 });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const { outputs } = system.tick([host.message(b), host.message(a)], ({ agent }) => ({
    effects: [output(`${agent.name}1`), output(''), output(`${agent.name}2 of some length`)],
  }));
  assert.deepEqual(outputs, ['b1', '', 'b2 of some length', 'a1', '', 'a2 of some length']);
});
