// What enters from outside.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasRunnable } from './index.ts';
import { host, send, setTimer, spawn } from './test-effects.ts';
import { type SystemOptions, TestSystem } from './test-system.ts';

function begun(options: SystemOptions): TestSystem {
  const system = new TestSystem(options);
  system.tick();
  return system;
}

test('inputs may run in their own tick', () => {
  const system = begun({ agents: { a: { subscriptions: [0] }, b: {} }, topics: ['t'] });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const inputs = [host.publish('t', '1'), host.task(b, '2'), host.message(a, '3'), host.spawn(3, 'b', '4')];
  assert.deepEqual(system.tick(inputs).plan, [
    'a topic 1',
    'b scheduled 2',
    'a message 3',
    'b/0.3 init',
    'b/0.3 configuration 4',
  ]);
});

test('a line whose receiver is full waits, and holds back the lines behind it', () => {
  const system = begun({ agents: { a: { limits: { mailboxMessagesMax: 2 } }, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const lines = ['1', '2', '3', '4'].map((text) => host.message(a, text, { waits: true }));
  const other = host.message(b, '5', { waits: true });
  const first = system.tick([...lines, other, host.message(b, 'from a program')]);
  assert.deepEqual(first.plan, ['a message 1', 'a message 2', 'b message from a program']);
  assert.deepEqual(first.events, ['input-waiting a', 'input-waiting a', 'input-waiting b']);
  assert.equal(hasRunnable(system.state), true);
  assert.deepEqual(system.tick().plan, ['a message 3', 'a message 4', 'b message 5']);
  assert.equal(hasRunnable(system.state), false);
});

test('a line for a topic waits behind a line that waits', () => {
  const agents = { a: { limits: { mailboxMessagesMax: 1 } }, b: { subscriptions: [0] } };
  const system = begun({ agents, topics: ['t'] });
  const a = system.agent('a');
  const waits = { waits: true };
  const inputs = [host.message(a, '1', waits), host.message(a, '2', waits), host.publish('t', '3', waits)];
  assert.deepEqual(system.tick(inputs).plan, ['a message 1']);
  assert.deepEqual(system.tick().plan, ['a message 2', 'b topic 3']);
});

test('a line that waits for an agent that ends is a dead letter, and those behind it go on', () => {
  const system = begun({ agents: { a: { limits: { mailboxMessagesMax: 1 } }, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const waits = { waits: true };
  system.tick(
    [host.message(a, '1', waits), host.message(a, '2', waits), host.message(b, '3', waits)],
    ({ agent }) => (agent === a ? { outcome: 'failed' } : {}),
  );
  const { plan, events } = system.tick();
  assert.deepEqual([plan, events], [['b message 3'], ['dropped a: receiver-stopped']]);
});

test('an input from a program does not wait: a full or missing receiver makes it a dead letter', () => {
  const system = begun({ agents: { a: { limits: { mailboxMessagesMax: 1 } } }, topics: ['t'] });
  const a = system.agent('a');
  const nobody = { origin: 0, counter: 9 };
  const inputs = [host.message(a, '1'), host.task(a, '2'), host.message(nobody), host.publish('unknown')];
  const { plan, events } = system.tick(inputs);
  assert.deepEqual(plan, ['a message 1']);
  assert.deepEqual(events, [
    'dropped a: mailbox-full',
    'dropped: receiver-unknown',
    'dropped: receiver-unknown',
  ]);
});

test('a full receiver of a published line is a dead letter of its own', () => {
  const agents = { a: { subscriptions: [0], limits: { mailboxMessagesMax: 1 } }, b: { subscriptions: [0] } };
  const system = begun({ agents, topics: ['t'] });
  const inputs = [host.publish('t', '1', { waits: true }), host.publish('t', '2', { waits: true })];
  const { plan, events } = system.tick(inputs);
  assert.deepEqual(plan, ['a topic 1', 'b topic 1', 'b topic 2']);
  assert.deepEqual(events, ['dropped a: mailbox-full']);
});

test('agents join and leave channels from outside, and messages to a channel reach its members', () => {
  const system = begun({ agents: { a: {}, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const inputs = [host.join(b, 'c'), host.join(a, 'c'), host.publish('c', '1')];
  assert.deepEqual(system.tick(inputs).plan, ['b topic 1', 'a topic 1']);
  assert.deepEqual(system.tick([host.leave(b, 'c'), host.publish('c', '2')]).plan, ['a topic 2']);
  system.tick([host.terminate(a)]);
  system.tick([host.join(a, 'c'), host.join({ origin: 0, counter: 9 }, 'd'), host.leave(b, 'c')]);
  assert.equal(system.state.channels.size, 0);
});

test('a spawn from outside past agentsMax is refused, and its identity is not used', () => {
  const system = begun({ agents: { a: {} }, agentsMax: 2 });
  const { events } = system.tick([host.spawn(2, 'a'), host.spawn(3, 'a')]);
  assert.deepEqual(events, ['spawned a/0.2', 'dropped: spawn-refused']);
  assert.equal(system.find(0, 3), undefined);
});

test('the stop shuts all agents down in creation order, and nothing else runs any more', () => {
  const agents = { a: { everyTick: true }, b: {}, c: { count: 0 } };
  const system = begun({ agents });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(b)], ({ agent }) => ({
    effects: agent === b ? [spawn(1, 2), send(a, 'x'), setTimer(0, 1)] : [],
    outcome: agent === b ? 'again' : 'done',
  }));
  const { plan, events } = system.tick([host.message(b, 'y'), host.stop()], () => ({ effects: [send(b)] }));
  assert.deepEqual(plan, ['a shutdown', 'b shutdown']);
  assert.deepEqual(events, [
    'stopping a',
    'stopping b',
    'stopped c/2.1',
    'dropped b from a: receiver-stopped',
    'stopped a',
    'dropped a from b: receiver-stopped',
    'dropped b from b: receiver-stopped',
    'stopped b',
    'dropped b: receiver-stopped',
  ]);
  assert.equal(system.state.aliveCount, 0);
  assert.equal(hasRunnable(system.state), false);
});

test('a stop with more agents than tasks in a tick goes on until all are down', () => {
  const system = new TestSystem({ agents: { a: { count: 3 } }, tasksPerTickMax: 2 });
  system.tick();
  system.tick();
  const plans = [system.tick([host.stop()]).plan, system.tick().plan];
  assert.deepEqual(plans, [['a/0 shutdown', 'a/1 shutdown'], ['a/2 shutdown']]);
  assert.equal(hasRunnable(system.state), false);
});

test('an input of a kind that this version does not know is a bug, not silence', () => {
  const system = begun({ agents: { a: {} } });
  assert.throws(() => system.tick([{ ...host.stop(), kind: 99 }]), { code: 'bug' });
});

test('a quarantined agent ends as failed before the plan, and what waits for it is dropped; one that has ended stays so', () => {
  const system = begun({ agents: { a: { restart: { policy: 'from-init', restartsMax: 3 } }, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const tick = system.tick([host.message(a, '1'), host.message(b, '2'), host.quarantine(a)]);
  assert.deepEqual(tick.plan, ['b message 2']);
  assert.equal(a.phase, 'failed');
  const ended = system.tick([host.terminate(b)]);
  assert.deepEqual(ended.plan, ['b shutdown']);
  assert.deepEqual(system.tick([host.quarantine(b), host.quarantine(a)]).events, []);
  assert.deepEqual([a.phase, b.phase], ['failed', 'stopped']);
});
