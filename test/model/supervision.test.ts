// The rules of restart images and of those who are told of faults, one by one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultNoticeOffset, Recovery, TaskKind } from '../../src/abi/envelope.ts';
import { EffectKind } from '../../src/abi/record.ts';
import type { Task } from '../../src/scheduler/index.ts';
import { host, join, send, setTimer, subscribe } from '../../src/scheduler/test-effects.ts';
import { type Act, type Script, type SystemOptions, TestSystem } from '../../src/scheduler/test-system.ts';

function begun(options: SystemOptions): TestSystem {
  const system = new TestSystem(options);
  system.tick();
  return system;
}

function only(name: string, act: Act): Script {
  return ({ agent, kind }) => (agent.name === name && kind !== TaskKind.init ? act : undefined);
}

const failed: Act = { outcome: 'failed' };
const restart = { policy: 'from-image', restartsMax: 9, imageTicks: 1 } as const;

interface Told {
  readonly agent: string;
  readonly [field: string]: number | string;
}

/** What the fault notice says that a task brings. */
function told({ bytes, sender }: Task): Told {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const fields = Object.entries(faultNoticeOffset).map(([field, offset]) => [
    field,
    view.getUint32(offset, true),
  ]);
  return { agent: sender!.name, ...Object.fromEntries(fields) };
}

/** Runs ticks and answers the notices that come in them. */
function notices(system: TestSystem, ticks: number, script: Script = () => undefined): Told[] {
  const found: Told[] = [];
  for (let i = 0; i < ticks; i++) {
    system.tick([], (task) => {
      if (task.kind === TaskKind.fault) found.push(told(task));
      return script(task);
    });
  }
  return found;
}

function imaged(system: TestSystem): string[] {
  return system.state.imaged.map(({ name }) => name);
}

test('an image is taken in the first tick at or after each multiple, of agents that ran since their last one', () => {
  const often = { restart: { ...restart, imageTicks: 2 } };
  const rarely = { restart: { ...restart, imageTicks: 10 } };
  const system = new TestSystem({ agents: { b: rarely, a: often, never: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const taken: [number, string[]][] = [];
  for (const [tick, inputs] of [
    [1, []],
    [2, []],
    [4, []],
    [5, [host.message(a)]],
    [7, []],
    [12, [host.message(a)]],
    [19, [host.message(a), host.message(b)]],
    [31, []],
  ] as const) {
    system.tick(inputs, undefined, tick);
    if (imaged(system).length > 0) taken.push([tick, imaged(system)]);
  }
  assert.deepEqual(taken, [
    [2, ['a']],
    [7, ['a']],
    [12, ['b', 'a']],
    [19, ['a']],
    [31, ['b']],
  ]);
});

test('no image is taken of an agent that has not had its configuration, fails or stops', () => {
  const agents = { a: { restart, configuration: 'c' } };
  const system = new TestSystem({ agents, tasksPerTickMax: 1 });
  const a = system.agent('a');
  const taken: string[][] = [];
  const tick = (inputs: Parameters<TestSystem['tick']>[0], script?: Script): void => {
    system.tick(inputs, script);
    taken.push(imaged(system));
  };
  tick([]);
  tick([]);
  tick([host.message(a)], only('a', failed));
  tick([]);
  tick([host.message(a, 'kept')]);
  tick([host.terminate(a)]);
  assert.deepEqual(taken, [[], ['a'], [], ['a'], ['a'], []]);
});

test('from its image an agent begins without init and configuration, with a notice of its fault', () => {
  const system = begun({ agents: { a: { restart, configuration: 'c' } } });
  const a = system.agent('a');
  const limits = only('a', failed);
  const { events } = system.tick([host.message(a, 'bad')], limits);
  assert.deepEqual(events, ['backing-off a: 8']);
  const found: Told[] = [];
  const { plan, events: later } = system.tick([], (task) => {
    if (task.kind === TaskKind.fault) found.push(told(task));
    return undefined;
  });
  assert.deepEqual(plan, ['a fault', 'a message bad']);
  assert.deepEqual(later, ['restarted a: 1']);
  const one = { count: 1, fault: 8, tick: 2, origin: 0, counter: 1, incarnation: 0 };
  assert.deepEqual(found, [
    { agent: 'a', ...one, recovery: Recovery.fromImage, restartTick: 3, imageTick: 1 },
  ]);
});

test('without an image an agent begins anew, and one that fails on its notice gets another', () => {
  const system = new TestSystem({ agents: { a: { restart: { ...restart, imageTicks: 5 } } } });
  const a = system.agent('a');
  const all: Script = () => failed;
  assert.deepEqual(system.tick([], all).events, ['spawned a', 'backing-off a: 8']);
  assert.deepEqual(system.tick().plan, ['a init']);
  system.tick([host.message(a)], undefined, 5);
  system.tick([host.message(a)], all);
  assert.deepEqual(system.tick([], all).ran, ['a fault']);
  assert.deepEqual([a.incarnation, a.imageTick], [3, 5]);
  assert.deepEqual(system.tick().plan, ['a fault', 'a message']);
});

test('a restart from an image keeps the mailbox and the counters, and clears what the agent made for itself', () => {
  const topics = ['t', 'u'];
  const system = begun({ agents: { a: { restart, subscriptions: [0], channels: ['den'] } }, topics });
  const a = system.agent('a');
  const counted = [EffectKind.counters | (3 << 8), 5, 7];
  system.tick([host.message(a)], only('a', { effects: [subscribe(1), join('hall'), setTimer(0, 9)] }));
  const inputs = [host.message(a, 'bad'), host.message(a, 'kept')];
  system.tick(inputs, only('a', { ...failed, effects: [counted] }));
  assert.deepEqual(system.tick().plan, ['a fault', 'a message bad', 'a message kept']);
  assert.deepEqual([a.nextTimer, a.nextChild, a.timers.size], [5, 7, 0]);
  assert.deepEqual(
    [...a.topics].map(({ name }) => name),
    ['t', 'den'],
  );
});

test('the agent that onFault names is told of each fault: who, what, when, and what becomes of it', () => {
  const watched = { onFault: 1, restart: { ...restart, policy: 'from-init', restartsMax: 1 } } as const;
  const system = begun({ agents: { boss: {}, a: watched } });
  const a = system.agent('a');
  system.tick([host.message(a)], only('a', failed));
  const one = { agent: 'a', count: 1, fault: 8, origin: 0, counter: 2, imageTick: 0 };
  assert.deepEqual(notices(system, 1, only('a', failed)), [
    { ...one, tick: 2, incarnation: 0, recovery: Recovery.fromInit, restartTick: 3 },
  ]);
  assert.equal(a.phase, 'failed');
  assert.deepEqual(notices(system, 2), [
    { ...one, tick: 3, incarnation: 1, recovery: Recovery.none, restartTick: 0 },
  ]);
});

test('one notice waits for each agent that failed, and tells of its last fault', () => {
  const watched = { onFault: 1, restart: { ...restart, policy: 'from-init', restartsMax: 1 } } as const;
  const system = begun({ agents: { boss: {}, a: { ...watched, count: 2 } } });
  const [boss, first, second] = [system.agent('boss'), system.agent('a/0'), system.agent('a/1')];
  system.tick([host.pause(boss), host.message(second), host.message(first)], () => failed);
  system.tick([host.message(second)], only('a/1', failed));
  const { plan } = system.tick([host.resume(boss)], (task) => {
    if (task.kind !== TaskKind.fault) return undefined;
    const { count, incarnation, recovery } = told(task);
    const known = { 'a/0': [1, 0, Recovery.fromInit], 'a/1': [2, 1, Recovery.none] }[task.sender!.name];
    assert.deepEqual([count, incarnation, recovery], known);
    return undefined;
  });
  assert.deepEqual(plan, ['boss fault', 'boss fault']);
});

test('as many fault notices wait as the mailbox has slots, which they do not take; the others are events', () => {
  const watched = { onFault: 1, count: 3 } as const;
  const system = begun({ agents: { boss: { limits: { mailboxMessagesMax: 2 } }, a: watched } });
  const boss = system.agent('boss');
  const agents = ['a/0', 'a/1', 'a/2'].map((name) => system.agent(name));
  const inputs = [host.pause(boss), ...agents.map((agent) => host.message(agent))];
  const { events } = system.tick(inputs, () => failed);
  assert.deepEqual(events.slice(-1), ['dropped boss from a/2: mailbox-full']);
  assert.deepEqual(system.tick([host.message(boss), host.message(boss)]).events, []);
  assert.equal(notices(system, 1).length, 0);
  system.tick([host.resume(boss)]);
});

test('fault notices cause no notices, tell nobody of itself, and go back to the mailbox with what came since', () => {
  const watched = { onFault: 1, restart: { ...restart, policy: 'from-init' } } as const;
  const system = begun({ agents: { boss: watched, a: watched } });
  const [boss, a] = [system.agent('boss'), system.agent('a')];
  system.tick([host.message(a)], only('a', failed));
  // The first task of the turn fails: the notice behind it goes back, while the agent that it is about fails again.
  const high = { priority: 1 };
  const script: Script = ({ agent, kind }) =>
    (agent === boss && kind === TaskKind.message) || agent === a ? failed : undefined;
  const { plan } = system.tick([host.message(boss, 'bad', high)], script);
  assert.deepEqual(plan, ['boss message bad', 'boss fault', 'a init', 'a message']);
  const found = notices(system, 1);
  assert.deepEqual(
    found.map(({ agent, count, incarnation }) => [agent, count, incarnation]),
    [['a', 2, 1]],
  );
  const ends = begun({ agents: { boss: {}, a: { onFault: 1 } } });
  ends.tick([host.message(ends.agent('a'))], only('a', { ...failed }));
  const { events } = ends.tick([host.terminate(ends.agent('boss'))]);
  assert.deepEqual(events, ['stopping boss', 'stopped boss']);
  assert.deepEqual(ends.agent('boss').faultNotices, null);
});

test('the end of a back-off is limited, however often the agent has failed', () => {
  const many = { policy: 'from-init', restartsMax: 2000, backoffTicks: 0, backoffTicksMax: 3 } as const;
  const system = begun({ agents: { a: { restart: many, limits: { attemptsMax: 1 } } } });
  const a = system.agent('a');
  for (let i = 0; i < 1100; i++) system.tick([host.message(a)], only('a', failed));
  assert.equal(a.incarnation, 1100);
  system.tick([host.message(a), host.message(a)], only('a', { effects: [send(a)] }));
  assert.equal(a.phase, 'active');
});
