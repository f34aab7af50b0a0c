// What single effects do: topics, channels, timers, spawning.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasRunnable, nextTimerTick } from './index.ts';
import {
  cancelTimer,
  host,
  join,
  leave,
  publish,
  publishChannel,
  send,
  setTimer,
  spawn,
  subscribe,
  terminate,
  unsubscribe,
} from './test-effects.ts';
import { type Act, type SystemOptions, TestSystem } from './test-system.ts';

function begun(options: SystemOptions): TestSystem {
  const system = new TestSystem(options);
  system.tick();
  return system;
}

/** Lets one agent make these effects, and answers the plan of the tick after. */
function after(system: TestSystem, agent: string, ...effects: (readonly number[])[]): readonly string[] {
  system.tick([host.message(system.agent(agent))], () => ({ effects }));
  return system.tick().plan;
}

test('a topic delivers in the order of subscription, to its publisher too', () => {
  const system = begun({ agents: { a: {}, b: {}, c: { subscriptions: [1] } }, topics: ['other', 'news'] });
  after(system, 'b', subscribe(1));
  after(system, 'a', subscribe(1));
  assert.deepEqual(after(system, 'a', publish(1, 'x')), ['c topic x', 'b topic x', 'a topic x']);
  assert.deepEqual(after(system, 'a', publish(0, 'y')), []);
});

test('subscribing twice keeps the first place; after unsubscribing one comes last', () => {
  const system = begun({
    agents: { a: { subscriptions: [0] }, b: { subscriptions: [0] } },
    topics: ['news'],
  });
  assert.deepEqual(after(system, 'a', subscribe(0), publish(0)), ['a topic', 'b topic']);
  assert.deepEqual(after(system, 'a', unsubscribe(0), publish(0)), ['b topic']);
  assert.deepEqual(after(system, 'a', subscribe(0), publish(0)), ['b topic', 'a topic']);
});

test("a topic's order is the order of publication", () => {
  const system = begun({ agents: { a: {}, b: {}, c: { subscriptions: [0] } }, topics: ['news'] });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(a), host.message(b), host.message(a)], ({ position }) => ({
    effects: [publish(0, `${position}x`), publish(0, `${position}y`)],
  }));
  const wanted = ['0x', '0y', '1x', '1y', '2x', '2y'].map((text) => `c topic ${text}`);
  assert.deepEqual(system.tick().plan, wanted);
});

test("a topic's bound counts its own waiting messages per receiver", () => {
  const topics = [{ name: 'news', maxWaiting: 2 }, 'other'];
  const system = begun({ agents: { a: {}, b: { subscriptions: [0, 1] } }, topics });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const { events } = system.tick([host.message(a)], () => ({
    effects: [
      publish(0, '1'),
      publish(1, '2'),
      publish(0, '3'),
      publish(0, '4'),
      publish(1, '5'),
      send(b, '6'),
    ],
  }));
  assert.deepEqual(events, ['dropped b from a: topic-bound']);
  const wanted = ['topic 1', 'topic 2', 'topic 3', 'topic 5', 'message 6'].map((text) => `b ${text}`);
  assert.deepEqual(
    system.tick().plan,
    [...wanted, 'a notice'].sort((x, y) => order(x) - order(y)),
  );
  function order(text: string): number {
    return text === 'a notice' ? 4 : Number(text.at(-1));
  }
});

test('only members publish to a channel, and it is gone with its last member', () => {
  const system = begun({ agents: { a: { channels: ['c'] }, b: {} } });
  assert.deepEqual(after(system, 'b', publishChannel('c', 'x')), ['b notice']);
  assert.deepEqual(after(system, 'b', join('c'), publishChannel('c', 'y')), ['a topic y', 'b topic y']);
  assert.deepEqual(after(system, 'a', leave('c'), leave('c'), leave('none'), publishChannel('c')), [
    'a notice',
  ]);
  assert.deepEqual([...system.state.channels.keys()], ['c']);
  system.tick([host.leave(system.agent('b'), 'c')]);
  assert.deepEqual([...system.state.channels.keys()], []);
});

test('a channel name that begins with a byte order mark is a name of its own', () => {
  const system = begun({ agents: { a: { subscriptions: [0] }, b: {} }, topics: ['news'] });
  after(system, 'b', join('\ufeffnews'));
  assert.deepEqual([...system.state.channels.keys()], ['\ufeffnews']);
  assert.deepEqual(after(system, 'b', publishChannel('news'), publishChannel('\ufeffnews', 'x')), [
    'b notice',
    'b topic x',
  ]);
});

test('a timer fires once, at the tick of its call plus its delay, with number and tag', () => {
  const system = begun({ agents: { a: {} } });
  assert.deepEqual(after(system, 'a', setTimer(0, 3, -7), setTimer(1, 2 ** 32 - 1)), []);
  assert.equal(nextTimerTick(system.state), 5);
  assert.deepEqual(system.tick().plan, []);
  let tag: number | undefined;
  const fired = system.tick([], (task) => {
    tag = task.tag;
    return undefined;
  });
  assert.deepEqual([fired.plan, tag], [['a timer 0'], -7]);
  assert.equal(nextTimerTick(system.state), 2 + 2 ** 32 - 1);
});

test('cancel_timer removes a pending timer, and a firing that waits unplanned, but not a planned one', () => {
  const system = begun({ agents: { a: {} }, tasksPerTickMax: 2 });
  const a = system.agent('a');
  const cancel = (): Act => ({ effects: [cancelTimer(0), cancelTimer(1), cancelTimer(7)] });
  system.tick([host.message(a)], () => ({ effects: [setTimer(0, 1), setTimer(1, 9)] }));
  assert.deepEqual(system.tick([host.message(a)], cancel).plan, ['a message', 'a timer 0']);
  assert.deepEqual(system.tick([], undefined, 20).plan, []);
  system.tick([host.message(a)], () => ({ effects: [setTimer(0, 1)] }));
  assert.deepEqual(system.tick([host.message(a), host.message(a)], cancel).plan, ['a message', 'a message']);
  assert.equal(hasRunnable(system.state), false);
  assert.deepEqual(system.tick().plan, []);
});

test('timers that an overloaded agent sets and cancels leave nothing behind', () => {
  const system = begun({ agents: { a: {} }, policy: 'priority', tasksPerTickMax: 1 });
  const a = system.agent('a');
  system.tick([host.message(a, 'low', { priority: -1 })]);
  for (let number = 0; number < 2000; number++) {
    const cancelled = number === 0 ? [] : [cancelTimer(number - 1)];
    system.tick([host.message(a, '', { priority: 1 })], () => ({
      effects: [...cancelled, setTimer(number, 1)],
    }));
  }
  assert.equal(a.timers.size, 1);
});

test('timers end with their agent', () => {
  const system = begun({ agents: { a: {}, b: {} } });
  after(system, 'a', setTimer(0, 3), setTimer(1, 50));
  system.tick([host.terminate(system.agent('a'))]);
  assert.equal(nextTimerTick(system.state), undefined);
  assert.deepEqual(system.tick([], undefined, 60).plan, []);
});

test('a child exists for sends after its spawn, and begins in the next tick with its payload', () => {
  const system = begun({ agents: { a: {}, b: { count: 0, configuration: 'declared' } } });
  const a = system.agent('a');
  const child = { origin: a.number, counter: 1 };
  const { events } = system.tick([host.message(a)], () => ({
    effects: [send(child, 'too early'), spawn(1, 1, 'given'), send(child, 'x'), spawn(2, 1)],
  }));
  assert.deepEqual(events, [
    'dropped from a: receiver-unknown',
    'spawned b/1.1 from a',
    'spawned b/1.2 from a',
  ]);
  assert.deepEqual(system.tick().plan, [
    'a notice',
    'b/1.1 init',
    'b/1.1 configuration given',
    'b/1.1 message x',
    'b/1.2 init',
    'b/1.2 configuration declared',
  ]);
});

test('agentsMax counts the living, and a refused spawn leaves no agent', () => {
  const system = begun({ agents: { a: {}, b: { count: 0 } }, agentsMax: 2 });
  const a = system.agent('a');
  const { events } = system.tick([host.message(a)], () => ({
    effects: [spawn(1, 1), spawn(2, 1), spawn(3, 1)],
  }));
  assert.deepEqual(events, [
    'spawned b/1.1 from a',
    'dropped from a: spawn-refused',
    'dropped from a: spawn-refused',
  ]);
  assert.equal(system.find(1, 2), undefined);
  system.tick([], ({ agent }) => (agent === a ? undefined : { outcome: 'failed' }));
  assert.deepEqual(system.tick([host.message(a)], () => ({ effects: [spawn(4, 1)] })).events, [
    'spawned b/1.4 from a',
  ]);
});

test('a child that is ended in the tick of its spawn never runs', () => {
  const system = begun({
    agents: { a: {}, b: { count: 0, subscriptions: [0], everyTick: true } },
    topics: ['t'],
  });
  const a = system.agent('a');
  const child = { origin: a.number, counter: 1 };
  const { events } = system.tick([host.message(a)], () => ({
    effects: [
      spawn(1, 1, 'payload'),
      send(child),
      terminate(child),
      terminate(child),
      send(child),
      publish(0),
    ],
  }));
  assert.deepEqual(events, [
    'spawned b/1.1 from a',
    'stopped b/1.1',
    'dropped b/1.1 from a: receiver-stopped',
    'dropped b/1.1 from a: receiver-stopped',
  ]);
  assert.deepEqual(system.tick().plan, ['a notice']);
  assert.equal(hasRunnable(system.state), false);
});

test("a spawn's payload does not keep the transcript of its tick for the life of the child", () => {
  const system = begun({ agents: { a: {}, b: { count: 0 } } });
  after(system, 'a', spawn(1, 1, 'payload'));
  const { bytes } = system.agent('b/1.1').configuration;
  assert.equal(bytes.buffer.byteLength, 'payload'.length);
});

test('terminating what does not exist, or has ended, does nothing', () => {
  const system = begun({ agents: { a: {} } });
  const a = system.agent('a');
  const { events } = system.tick([host.message(a)], () => ({
    effects: [terminate({ origin: 1, counter: 5 })],
  }));
  assert.deepEqual(events, []);
});
