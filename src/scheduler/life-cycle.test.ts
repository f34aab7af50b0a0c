// How agents begin and end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskKind } from '../abi/envelope.ts';
import { hasRunnable, nextTimerTick, restoreState, saveState } from './index.ts';
import { host, join, publish, send, setTimer, spawn, subscribe } from './test-effects.ts';
import { type Act, type Script, type SystemOptions, TestSystem } from './test-system.ts';

function begun(options: SystemOptions): TestSystem {
  const system = new TestSystem(options);
  system.tick();
  return system;
}

const fails = (): Act => ({ outcome: 'failed' });

test('init is the first task, then the configuration, then messages by priority', () => {
  for (const policy of ['fifo', 'priority', 'round-robin'] as const) {
    const system = new TestSystem({ agents: { a: { configuration: 'c' }, b: {} }, policy });
    const a = system.agent('a');
    const { plan } = system.tick([host.message(a, '1'), host.message(a, '2', { priority: 9 })]);
    const own = plan.filter((text) => text.startsWith('a'));
    assert.deepEqual(own, ['a init', 'a configuration c', 'a message 2', 'a message 1'], policy);
  }
});

test('init counts in tasksPerTickMax, and messages wait for it', () => {
  const system = new TestSystem({ agents: { a: {}, b: {} }, tasksPerTickMax: 1 });
  const b = system.agent('b');
  assert.deepEqual(system.tick([host.message(b, 'x', { priority: 5 })]).plan, ['a init']);
  assert.deepEqual(system.tick().plan, ['b init']);
  assert.deepEqual(system.tick().plan, ['b message x']);
});

test('an init that fails ends the agent with all that waits for it', () => {
  const system = new TestSystem({ agents: { a: { configuration: 'c', everyTick: true } } });
  const a = system.agent('a');
  const { ran, events } = system.tick([host.message(a)], fails);
  assert.deepEqual(ran, ['a init']);
  assert.deepEqual(events, ['spawned a', 'failed a: 8', 'dropped a: receiver-stopped']);
  assert.deepEqual(system.tick().plan, []);
});

test('an init that returns 2 is followed by shutdown alone', () => {
  const system = new TestSystem({ agents: { a: { configuration: 'c' } } });
  const a = system.agent('a');
  const { ran } = system.tick([host.message(a)], () => ({ outcome: 'finished' }));
  assert.deepEqual(ran, ['a init']);
  assert.deepEqual(system.tick().plan, ['a shutdown']);
  assert.equal(a.phase, 'stopped');
});

test('an init that returns 1 is followed by a step', () => {
  const system = new TestSystem({ agents: { a: {} } });
  system.tick([], () => ({ outcome: 'again' }));
  assert.deepEqual(system.tick().plan, ['a again']);
});

test('every-tick steps begin in the tick after init', () => {
  const system = new TestSystem({ agents: { a: { everyTick: true } } });
  assert.deepEqual(system.tick().plan, ['a init']);
  assert.deepEqual(system.tick().plan, ['a everyTick']);
});

test('a shutdown that fails, returns 1 or returns 2 is still the end', () => {
  for (const outcome of ['failed', 'again', 'finished'] as const) {
    const system = begun({ agents: { a: {} } });
    const { plan } = system.tick([host.terminate(system.agent('a'))], () => ({ outcome }));
    assert.deepEqual(plan, ['a shutdown']);
    assert.equal(system.agent('a').phase, outcome === 'failed' ? 'failed' : 'stopped');
    assert.deepEqual(system.state.released, [system.agent('a')]);
    assert.equal(hasRunnable(system.state), false);
  }
});

test('terminate from outside makes shutdown the only task of that tick', () => {
  const system = begun({ agents: { a: { everyTick: true } } });
  const a = system.agent('a');
  const inputs = [host.message(a, 'x'), host.terminate(a), host.terminate(a), host.message(a, 'y')];
  const { plan, events } = system.tick(inputs);
  assert.deepEqual(plan, ['a shutdown']);
  assert.deepEqual(events, [
    'stopping a',
    'dropped a: receiver-stopped',
    'stopped a',
    'dropped a: receiver-stopped',
  ]);
});

test('an agent that has not begun just ends', () => {
  const system = new TestSystem({ agents: { a: { configuration: 'c' } } });
  const a = system.agent('a');
  const { plan, events } = system.tick([host.message(a), host.terminate(a)]);
  assert.deepEqual(plan, []);
  assert.deepEqual(events, ['spawned a', 'stopped a', 'dropped a: receiver-stopped']);
});

test('identities are never used again: an ended agent stays known as such', () => {
  const system = begun({ agents: { a: {}, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.terminate(b)]);
  assert.equal(system.find(0, 2), b);
  const { events } = system.tick([host.spawn(3, 'b'), host.message(a)], ({ agent }) => ({
    effects: agent === a ? [send({ origin: 0, counter: 2 })] : [],
  }));
  assert.deepEqual(events, ['spawned b/0.3', 'dropped b from a: receiver-stopped']);
});

test('what an agent subscribed to, joined or set goes with it', () => {
  const system = begun({ agents: { a: { channels: ['d'] }, b: {} }, topics: ['t'] });
  const a = system.agent('a');
  system.tick([host.message(a)], () => ({ effects: [subscribe(0), join('c'), setTimer(0, 5)] }));
  system.tick([host.message(a)], fails);
  const { state } = system;
  assert.deepEqual([state.channels.size, state.topics[0]!.subscribers.size, state.everyTick.size], [0, 0, 0]);
  assert.equal(nextTimerTick(state), undefined);
});

const restart = { policy: 'from-init', restartsMax: 9, backoffTicks: 3, backoffTicksMax: 5 } as const;

test('after a restart firings that were planned are gone like those that were not', () => {
  const system = begun({ agents: { a: { restart } } });
  const a = system.agent('a');
  system.tick([host.message(a)], () => ({ effects: [setTimer(0, 1), setTimer(1, 1), setTimer(2, 2)] }));
  const { ran } = system.tick([host.message(a, 'x')], fails);
  assert.deepEqual(ran, ['a message x']);
  assert.equal(nextTimerTick(system.state), 6);
  assert.deepEqual(system.tick([], undefined, 6).plan, ['a init', 'a message x']);
});

test('a notice that goes back is still the one that coalesces', () => {
  const system = begun({ agents: { a: { restart }, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.pause(b), host.message(a)], () => ({
    effects: [send({ origin: 9, counter: 9 }), send(b)],
  }));
  const killed = system.tick([host.message(a, 'kills', { priority: 1 })], fails);
  assert.deepEqual(killed.plan, ['a message kills', 'a notice']);
  // The end of b is news for a, which waits for its restart.
  system.tick([host.terminate(b)]);
  let told = 0;
  const { plan } = system.tick(
    [],
    ({ kind, bytes }) => {
      if (kind === TaskKind.notice) told = bytes[0]!;
      return undefined;
    },
    6,
  );
  assert.deepEqual([plan, told], [['a init', 'a message kills', 'a notice'], 2]);
});

test('an agent that ends while it backs off leaves no tick to wait for', () => {
  const system = begun({ agents: { a: { restart } } });
  const a = system.agent('a');
  system.tick([host.message(a)], fails);
  assert.equal(nextTimerTick(system.state), 5);
  system.tick([host.terminate(a)]);
  assert.equal(nextTimerTick(system.state), undefined);
});

/** `a` is blocked by `b`, and behind the waiting message are a subscription and a timer. */
function blocked(ending: Script): TestSystem {
  const agents = { a: { restart }, b: { overflow: 'block', limits: { mailboxMessagesMax: 1 } } } as const;
  const system = begun({ agents, topics: ['t'], tasksPerTickMax: 2 });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const effects = [send(b, '1'), send(b, '2'), send(b, '3'), subscribe(0), join('c'), setTimer(0, 1)];
  system.tick([host.message(a), host.message(a)], (task) =>
    task.position === 0 ? { effects } : ending(task),
  );
  assert.ok(a.outbox !== null);
  return system;
}

test('an outbox that drains after its agent has ended makes no subscription and no timer', () => {
  const system = blocked(() => ({ outcome: 'done' }));
  const { events } = system.tick([host.terminate(system.agent('a'))]);
  assert.ok(events.includes('stopped a'), `${events}`);
  for (let i = 0; i < 5; i++) system.tick();
  assert.equal(system.agent('a').outbox, null);
  assert.equal(nextTimerTick(system.state), undefined);
  assert.equal(hasRunnable(system.state), false);
});

test('an outbox of an earlier incarnation makes no subscription and no timer', () => {
  const system = blocked(fails);
  for (let i = 0; i < 8; i++) system.tick();
  const a = system.agent('a');
  assert.deepEqual([a.phase, a.incarnation, a.outbox], ['active', 1, null]);
  assert.deepEqual([a.topics.size, a.timers.size], [0, 0]);
});

test('spawning is over once the run stops', () => {
  const system = begun({ agents: { a: {}, b: { count: 0 } } });
  const { events, plan } = system.tick([host.stop(), host.spawn(2, 'b')], () => ({
    effects: [spawn(1, 1), publish(0)].slice(0, 1),
  }));
  assert.deepEqual(plan, ['a shutdown']);
  assert.deepEqual(events, [
    'stopping a',
    'dropped: spawn-refused',
    'dropped from a: spawn-refused',
    'stopped a',
  ]);
});

test('an agent that has ended keeps nothing of what it had', () => {
  const system = begun({
    agents: { a: { configuration: 'c', channels: ['d'] }, b: { restart } },
    topics: ['t'],
  });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(a), host.message(b)], () => ({ effects: [subscribe(0), setTimer(0, 9)] }));
  system.tick([host.terminate(a), host.terminate(b)]);
  system.tick();
  const [ended, other] = [system.agent('a'), system.agent('b')];
  assert.deepEqual([ended.configuration.length, ended.topics.size, ended.timers.size], [0, 0, 0]);
  assert.equal(ended.topics, other.topics, 'those who have ended share what is empty');
  assert.throws(() => {
    ended.phase = 'active';
  }, TypeError);
});

test('an agent that has ended keeps its name, its place and its children, whatever still waits of it', () => {
  const two = { count: 2, overflow: 'block', limits: { mailboxMessagesMax: 1 } } as const;
  const system = begun({ agents: { a: two, child: { count: 0 }, never: { restart: { policy: 'never' } } } });
  const [first, second, never] = ['a/0', 'a/1', 'never'].map((name) => system.agent(name));
  const effects = [spawn(1, 1, 'c'), send(second!, '1'), send(second!, '2'), send(second!, '3')];
  system.tick([host.pause(never!), host.message(first!)], ({ agent }) =>
    agent === first ? { effects, outcome: 'finished' } : undefined,
  );
  const child = system.find(first!.number, 1)!;
  system.tick([host.terminate(never!), host.terminate(child)]);
  system.tick();
  for (let i = 0; i < 3; i++) system.tick();
  for (const before of [first!, never!, child]) {
    const { number, origin, counter, name, phase, paused, declarationIndex } = before;
    const now = system.find(origin, counter)!;
    assert.notEqual(now, before);
    assert.equal(system.state.agents[number], now);
    assert.deepEqual(
      [now.number, now.name, now.phase, now.paused, now.declarationIndex],
      [number, name, phase, paused, declarationIndex],
    );
  }
  assert.equal(system.find(first!.number, 1)!.name, `child/${first!.number}.1`);
  const saved = saveState(system.state);
  assert.deepEqual(saveState(restoreState(system.state.config, saved)), saved);
});
