// The rules of queues that are full, one by one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskKind } from '../../src/abi/envelope.ts';
import { hasRunnable, nextTimerTick } from '../../src/scheduler/index.ts';
import {
  host,
  join,
  log,
  output,
  publish,
  publishChannel,
  send,
  setTimer,
} from '../../src/scheduler/test-effects.ts';
import { type Act, type Script, type SystemOptions, TestSystem } from '../../src/scheduler/test-system.ts';

/** A system whose agents have begun. */
function begun(options: SystemOptions): TestSystem {
  const system = new TestSystem(options);
  system.tick();
  return system;
}

/** Acts by agent: those of others do nothing. */
function only(name: string, act: Act): Script {
  return ({ agent }) => (agent.name === name ? act : undefined);
}

const one = { limits: { mailboxMessagesMax: 1 } } as const;
const blocking = { overflow: 'block', ...one } as const;
const restart = { policy: 'from-init', restartsMax: 9, backoffTicks: 1, backoffTicksMax: 8 } as const;

test('block: the effect waits, what its sender does later waits behind it, and the sender is not planned', () => {
  const system = begun({ agents: { a: {}, b: blocking } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const effects = [send(b, '1'), send(b, '2'), output('late'), log('late')];
  const first = system.tick([host.message(a)], only('a', { effects }));
  assert.deepEqual([first.events, first.outputs], [['blocked a'], []]);
  const second = system.tick([host.message(a, 'not yet')]);
  assert.deepEqual(second.plan, ['b message 1']);
  assert.deepEqual([second.events, second.outputs], [['unblocked a'], ['late']]);
  assert.deepEqual(system.tick().plan, ['a message not yet', 'b message 2']);
});

test('a publication of a blocking topic reaches nobody until it can reach every subscriber', () => {
  const topics = [{ name: 't', overflow: 'block' }] as const;
  const b = { subscriptions: [0], ...one };
  const system = begun({ agents: { a: {}, b, c: { subscriptions: [0] } }, topics, tasksPerTickMax: 1 });
  system.tick();
  system.tick();
  const a = system.agent('a');
  const effects = [publish(0, '1'), publish(0, '2')];
  const { events } = system.tick([host.message(a)], () => ({ effects }));
  assert.deepEqual(events, ['blocked a']);
  assert.equal(system.agent('c').slotsUsed, 1);
  system.tick();
  assert.equal(system.agent('c').slotsUsed, 2);
});

test('drop-newest drops what comes, drop-oldest what waits longest, and both tell nobody', () => {
  for (const [overflow, kept, reason] of [
    ['drop-newest', '1', 'dropped-newest'],
    ['drop-oldest', '2', 'dropped-oldest'],
  ] as const) {
    const system = begun({ agents: { a: {}, b: { overflow, ...one } } });
    const [a, b] = [system.agent('a'), system.agent('b')];
    const { events } = system.tick([host.message(a)], only('a', { effects: [send(b, '1'), send(b, '2')] }));
    assert.deepEqual(events, [`dropped b from a: ${reason}`]);
    assert.deepEqual(system.tick().plan, [`b message ${kept}`]);
  }
});

test('drop-oldest of a topic drops only messages of the topic, and rejects where none waits', () => {
  const topics = [{ name: 't', overflow: 'drop-oldest', maxWaiting: 2 }] as const;
  const limits = { mailboxMessagesMax: 3 };
  const system = begun({ agents: { a: {}, b: { subscriptions: [0], limits } }, topics });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const effects = [send(b, 'own'), publish(0, '1'), publish(0, '2'), publish(0, '3')];
  const { events } = system.tick([host.message(a)], only('a', { effects }));
  assert.deepEqual(events, ['dropped b from a: dropped-oldest']);
  assert.deepEqual(system.tick().plan, ['b message own', 'b topic 2', 'b topic 3']);
  const sends = [send(b), send(b), send(b), publish(0, '4')];
  assert.deepEqual(system.tick([host.message(a)], only('a', { effects: sends })).events, [
    'dropped b from a: mailbox-full',
  ]);
});

test('outboxes are retried once a tick, in the order of their first sequence, before new effects', () => {
  const system = begun({ agents: { a: {}, b: {}, c: {}, d: blocking } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const [c, d] = [system.agent('c'), system.agent('d')];
  const script: Script = ({ agent, position }) => {
    const texts = agent === b ? ['2'] : position === 0 ? ['0', '1'] : ['3'];
    return { effects: texts.map((text) => send(d, text)) };
  };
  const { events } = system.tick([host.message(a), host.message(b), host.message(a)], script);
  assert.deepEqual(events, ['blocked a', 'blocked b']);
  const next = system.tick([host.message(c)], only('c', { effects: [send(d, '4')] }));
  assert.deepEqual([next.plan, next.events], [['d message 0', 'c message'], ['blocked c']]);
  const plans = [system.tick(), system.tick(), system.tick(), system.tick()].flatMap(({ plan }) => plan);
  assert.deepEqual(plans, ['d message 1', 'd message 2', 'd message 3', 'd message 4']);
});

test('a waiting effect draws a fresh sequence when it is delivered', () => {
  const system = begun({ agents: { a: {}, b: blocking, c: {} } });
  const [a, b, c] = [system.agent('a'), system.agent('b'), system.agent('c')];
  system.tick([host.message(a)], only('a', { effects: [send(b, '1'), send(b, '2')] }));
  const waiting = a.outbox![0]!.sequence;
  system.tick([host.message(c, 'between')]);
  let delivered = 0;
  system.tick([], (task) => {
    delivered = task.sequence;
    return undefined;
  });
  assert.ok(delivered > waiting + 1, `${delivered} after ${waiting}`);
});

test('a timer behind a waiting effect is due at its own tick, at the earliest one after the release', () => {
  for (const [delay, due] of [
    [1, 4],
    [9, 11],
  ] as const) {
    const system = begun({ agents: { a: {}, b: blocking } });
    const [a, b] = [system.agent('a'), system.agent('b')];
    const effects = [send(b, '1'), send(b, '2'), setTimer(0, delay)];
    system.tick([host.message(a)], only('a', { effects }));
    system.tick();
    assert.equal(nextTimerTick(system.state), due);
  }
});

test('a circle of waiting agents is broken at its lowest sequence, and the sender is told', () => {
  const system = begun({ agents: { a: blocking, b: blocking, c: blocking } });
  const [a, b, c] = [system.agent('a'), system.agent('b'), system.agent('c')];
  const next = new Map([
    [a, b],
    [b, c],
    [c, a],
  ]);
  const script: Script = ({ agent }) => {
    const to = next.get(agent)!;
    return { effects: [send(to, '1'), send(to, '2'), send(to, '3')] };
  };
  const all = [host.message(b), host.message(c), host.message(a)];
  assert.deepEqual(system.tick(all, script).events, ['blocked b', 'blocked c', 'blocked a']);
  const { plan, events } = system.tick();
  assert.deepEqual(plan, []);
  assert.deepEqual(events.slice(0, 1), ['dropped from b: blocked-cycle']);
  for (let i = 0; i < 12; i++) system.tick();
  assert.equal(hasRunnable(system.state), false);
});

test('two thousand circles of long outboxes are broken in one tick, each at its own lowest sequence', () => {
  const count = 2000;
  const system = begun({ agents: { a: { ...blocking, count }, b: { ...blocking, count } } });
  const pairs = Array.from(
    { length: count },
    (_, i) => [system.agent(`a/${i}`), system.agent(`b/${i}`)] as const,
  );
  const partner = new Map(pairs.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
  const script: Script = ({ agent }) => ({
    effects: Array.from({ length: 6 }, (_, i) => send(partner.get(agent)!, `${i}`)),
  });
  system.tick(
    [...partner.keys()].map((agent) => host.message(agent)),
    script,
  );
  const { events } = system.tick();
  // The first of each pair waits with five messages, and loses all that the other would have to take.
  const dropped = events.filter((event) => event.endsWith('blocked-cycle'));
  assert.ok(dropped.every((event) => event.startsWith('dropped from a/')));
  assert.equal(dropped.length, 5 * count);
  assert.equal(system.state.blocked.size, count);
});

test('paused and backing-off agents reject where others block', () => {
  const system = begun({ agents: { a: {}, b: { ...blocking, restart } } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const effects = [send(b), send(b)];
  const paused = system.tick([host.pause(b), host.message(a)], only('a', { effects }));
  assert.deepEqual(paused.events, ['paused b', 'dropped b from a: mailbox-full']);
  const script: Script = ({ agent, kind }) => {
    if (agent.name === 'b') return { outcome: 'failed' };
    return kind === TaskKind.message ? { effects: [send(b)] } : undefined;
  };
  const failed = system.tick([host.resume(b), host.message(a)], script);
  assert.deepEqual(failed.events, ['resumed b', 'backing-off b: 8', 'dropped b from a: mailbox-full']);
});

test('who waits for a receiver that is paused or fails meanwhile is told at the next retry', () => {
  const system = begun({ agents: { a: {}, b: blocking } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(a)], only('a', { effects: [send(b), send(b)] }));
  const { events } = system.tick([host.pause(b)]);
  assert.deepEqual(events, ['paused b', 'dropped b from a: mailbox-full', 'unblocked a']);
  assert.deepEqual(system.tick().plan, ['a notice']);
});

test('a waiting outbox holds back no shutdown, and drains when its agent has ended', () => {
  const system = begun({ agents: { a: {}, b: blocking } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(a)], only('a', { effects: [send(b, '1'), send(b, '2'), output('last')] }));
  const { plan, outputs } = system.tick([host.terminate(a)]);
  assert.deepEqual(plan, ['b message 1', 'a shutdown']);
  assert.deepEqual(outputs, ['last']);
  assert.deepEqual(system.tick().plan, ['b message 2']);
});

test('a call for a blocking receiver waits, and what the program calls behind it; lines go their own way', () => {
  const system = begun({ agents: { a: blocking, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const calls = [host.message(a, '1'), host.message(a, '2'), host.message(b, '3')];
  const { plan, events } = system.tick([...calls, host.message(b, 'line', { waits: true })]);
  assert.deepEqual(plan, ['a message 1', 'b message line']);
  assert.deepEqual(events, ['input-waiting a', 'input-waiting b']);
  assert.deepEqual(system.tick().plan, ['a message 2', 'b message 3']);
});

test('a message that breaks the contract of its topic is a dead letter', () => {
  const topics = [{ name: 't', accepts: (payload: Uint8Array) => payload.length === 1 }];
  const system = begun({ agents: { a: { subscriptions: [0] } }, topics });
  const effects = [publish(0, 'long'), publish(0, 'x')];
  const { events } = system.tick([host.message(system.agent('a'))], () => ({ effects }));
  assert.deepEqual(events, ['dropped from a: contract-broken']);
  assert.deepEqual(system.tick().plan, ['a notice', 'a topic x']);
});

test('spawns that would reserve more pages than the run may are refused', () => {
  const kind = { count: 0, limits: { memoryPagesMax: 3 } };
  const system = begun({ agents: { a: { limits: { memoryPagesMax: 2 } }, kind }, memoryPagesReservedMax: 7 });
  const { events } = system.tick([host.spawn(2, 'kind'), host.spawn(3, 'kind')]);
  assert.deepEqual(events, ['spawned kind/0.2', 'dropped: spawn-refused']);
});

test('a waiting publication to a channel reaches nobody once its sender is no member any more', () => {
  const system = begun({ agents: { a: { channels: ['den'] }, b: blocking, c: { channels: ['den'] } } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const effects = [send(b), send(b), publishChannel('den', 'x')];
  system.tick([host.message(a)], only('a', { effects }));
  const { events } = system.tick([host.leave(a, 'den')]);
  assert.deepEqual(events, ['dropped from a: not-a-member', 'unblocked a']);
});

test('a line for a paused agent that is full is dropped, and the source goes on', () => {
  const system = begun({ agents: { a: { overflow: 'reject', ...one }, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const line = { waits: true };
  system.tick([host.pause(a), host.message(a, '1', line)]);
  const { events, plan } = system.tick([host.message(a, '2', line), host.message(b, '3', line)]);
  assert.deepEqual(events, ['dropped a: mailbox-full']);
  assert.deepEqual(plan, ['b message 3']);
  assert.equal(hasRunnable(system.state), false);
});

test('an agent joins at most channelsMax channels, and is told of what it may not', () => {
  const system = begun({ agents: { a: { limits: { channelsMax: 2 } } } });
  const a = system.agent('a');
  const effects = ['x', 'y', 'x', 'z'].map(join);
  const { events } = system.tick([host.message(a)], () => ({ effects }));
  assert.deepEqual(events, ['dropped from a: channel-limit']);
  assert.deepEqual([...system.state.channels.keys()], ['x', 'y']);
  assert.match(system.tick().plan[0]!, /notice/);
});
