// The rules of policies, of agents that are paused and of agents that fail, one by one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskKind } from '../../src/abi/envelope.ts';
import { EffectKind } from '../../src/abi/record.ts';
import { hasRunnable, nextTimerTick } from '../../src/scheduler/index.ts';
import {
  cancelTimer,
  host,
  send,
  setTimer,
  subscribe,
  unsubscribe,
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

const restart = { policy: 'from-init', restartsMax: 9, backoffTicks: 1, backoffTicksMax: 8 } as const;

test('pause and resume apply in list order; what comes meanwhile waits, and steps do not pile up', () => {
  const system = begun({ agents: { a: { everyTick: true } } });
  const a = system.agent('a');
  const both = system.tick([host.pause(a), host.message(a, '1'), host.resume(a)]);
  assert.deepEqual(both.plan, ['a message 1', 'a everyTick']);
  const { plan } = system.tick(
    [host.message(a, '2'), host.pause(a)],
    only('a', { effects: [setTimer(0, 1)] }),
  );
  assert.deepEqual(plan, []);
  assert.deepEqual([system.tick().plan, system.tick().plan], [[], []]);
  assert.equal(hasRunnable(system.state), false);
  assert.deepEqual(system.tick([host.resume(a)]).plan, ['a message 2', 'a everyTick']);
});

test('a timer of a paused agent is due at its tick, and waits for the resume', () => {
  const system = begun({ agents: { a: {} } });
  const a = system.agent('a');
  system.tick([host.message(a)], () => ({ effects: [setTimer(0, 2)] }));
  system.tick([host.pause(a)]);
  assert.deepEqual([system.tick().plan, system.tick().plan], [[], []]);
  assert.equal(nextTimerTick(system.state), undefined);
  assert.deepEqual(system.tick([host.message(a), host.resume(a)]).plan, ['a timer 0', 'a message']);
});

test('step lets a paused agent run one task, in its own tick alone', () => {
  const system = begun({ agents: { a: {}, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.pause(a)]);
  assert.deepEqual(system.tick([host.message(a, '1'), host.message(a, '2'), host.step(a)]).plan, [
    'a message 1',
  ]);
  assert.deepEqual(system.tick().plan, []);
  assert.deepEqual(system.tick([host.step(a)]).plan, ['a message 2']);
  system.tick([host.step(a), host.message(b)], only('b', { effects: [send(a, '3')] }));
  assert.equal(hasRunnable(system.state), false, 'the step is over');
  assert.deepEqual(system.tick().plan, []);
});

test('a step of an agent that is not paused does nothing', () => {
  const system = begun({ agents: { a: {} } });
  const a = system.agent('a');
  const inputs = [host.message(a, '1'), host.message(a, '2'), host.step(a), host.pause(a)];
  assert.deepEqual(system.tick(inputs).plan, []);
});

test('the shutdown of a paused agent runs, and an agent that has ended is not resumed', () => {
  const system = begun({ agents: { a: {} } });
  const a = system.agent('a');
  system.tick([host.pause(a)]);
  assert.deepEqual(system.tick([host.terminate(a)]).plan, ['a shutdown']);
  assert.deepEqual(system.tick([host.resume(a)]).events, []);
});

test('a message that fails its receiver is tried again after the restart, and is a dead letter the last time', () => {
  const limits = { attemptsMax: 2 };
  const system = begun({ agents: { a: { restart, limits }, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(b)], only('b', { effects: [send(a, 'bad'), send(a, 'good')] }));
  const fails: Script = ({ kind, length }) =>
    kind === TaskKind.message && length === 3 ? { outcome: 'failed' } : undefined;
  const first = system.tick([], fails);
  assert.deepEqual(first.ran, ['a message bad']);
  assert.deepEqual(first.events, ['backing-off a: 8']);
  const second = system.tick([], fails);
  assert.deepEqual(second.plan, ['a init', 'a message bad', 'a message good']);
  assert.deepEqual(second.events, ['restarted a', 'dropped a from b: poison', 'backing-off a: 8']);
  system.tick([], fails);
  assert.deepEqual(system.tick([], fails).ran, ['a init', 'a message good']);
});

test('back-offs double up to their limit, last at least a tick, and their number is limited', () => {
  for (const [backoffTicks, waits] of [
    [2, [2, 4, 5]],
    [0, [1, 1, 1]],
  ] as const) {
    const policy = { policy: 'from-init', restartsMax: 3, backoffTicks, backoffTicksMax: 5 } as const;
    const system = begun({ agents: { a: { restart: policy, limits: { attemptsMax: 1 } } } });
    const a = system.agent('a');
    for (const wait of waits) {
      system.tick([host.message(a)], only('a', { outcome: 'failed' }));
      assert.equal(nextTimerTick(system.state)! - system.state.tick, wait);
      system.tick([], undefined, nextTimerTick(system.state)!);
    }
    const { events } = system.tick([host.message(a)], only('a', { outcome: 'failed' }));
    assert.deepEqual(events, ['failed a: 8', 'dropped a: receiver-stopped']);
  }
});

test('a back-off ends after the inputs of its tick and before its timers', () => {
  const system = begun({ agents: { a: { restart }, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const script: Script = ({ agent }) =>
    agent.name === 'a' ? { outcome: 'failed' } : { effects: [setTimer(0, 1)] };
  system.tick([host.task(a), host.message(b)], script);
  assert.deepEqual(system.tick([host.message(b, 'input')]).plan, [
    'b message input',
    'a init',
    'a scheduled',
    'b timer 0',
  ]);
});

test('a restart keeps the mailbox, and applies the configuration and the declared subscriptions again', () => {
  const topics = ['t', 'u'];
  const agent = { restart, configuration: 'c', subscriptions: [0], channels: ['den'] };
  const system = begun({ agents: { a: agent, b: { subscriptions: [0] } }, topics });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const effects = [unsubscribe(0), subscribe(1), setTimer(0, 9), setTimer(1, 9), cancelTimer(1)];
  system.tick([host.message(a)], only('a', { effects }));
  assert.deepEqual(
    [...a.topics].map(({ name }) => name),
    ['den', 'u'],
  );
  const inputs = [host.message(a, 'bad'), host.message(a, 'kept')];
  system.tick(inputs, only('a', { outcome: 'failed' }));
  assert.deepEqual(
    [...a.topics].map(({ name }) => name),
    ['den', 't'],
  );
  assert.deepEqual([...system.state.topics[0]!.subscribers], [b, a]);
  assert.equal(nextTimerTick(system.state), 4, 'the end of the back-off, and no timer');
  assert.deepEqual(system.tick().plan, ['a init', 'a configuration c', 'a message bad', 'a message kept']);
});

test('the one step that return 1 asks for is one, whatever goes back to the mailbox', () => {
  const system = begun({ agents: { a: { restart } } });
  const a = system.agent('a');
  system.tick([host.message(a)], only('a', { outcome: 'again' }));
  const high = { priority: 1 };
  const script: Script = ({ position }) => ({ outcome: position === 0 ? 'again' : 'failed' });
  const { plan } = system.tick([host.message(a, '1', high), host.message(a, '2', high)], script);
  assert.deepEqual(plan, ['a message 1', 'a message 2', 'a again']);
  assert.deepEqual(system.tick().plan, ['a init', 'a message 2', 'a again']);
});

test('notices that come while one goes back are told by that one', () => {
  const system = begun({ agents: { a: { restart } } });
  const a = system.agent('a');
  const nobody = send({ origin: 0, counter: 99 });
  system.tick([host.message(a)], only('a', { effects: [nobody, nobody] }));
  const high = { priority: 1 };
  const script: Script = ({ position }) => (position === 0 ? { effects: [nobody] } : { outcome: 'failed' });
  const { plan } = system.tick([host.message(a, '1', high), host.message(a, '2', high)], script);
  assert.deepEqual(plan, ['a message 1', 'a message 2', 'a notice']);
  const counts: number[] = [];
  system.tick([], (task) => {
    if (task.kind === TaskKind.notice) counts.push(task.bytes[0]!);
    return undefined;
  });
  assert.deepEqual(counts, [3]);
});

test('a failing message does not go back into the tick of its failure, and steps are not tried again', () => {
  const system = begun({ agents: { a: { restart } } });
  const a = system.agent('a');
  system.tick([host.message(a)], only('a', { outcome: 'again' }));
  assert.deepEqual(system.tick([], only('a', { outcome: 'failed' })).ran, ['a again']);
  assert.deepEqual(system.tick().plan, ['a init']);
});

test('round-robin takes one task of each agent in turn, from the one behind the last served', () => {
  const system = begun({ agents: { a: {}, b: {}, c: {} }, policy: 'round-robin', tasksPerTickMax: 4 });
  const [a, b, c] = [system.agent('a'), system.agent('b'), system.agent('c')];
  const inputs = [a, a, a, b, c, c].map((agent, i) => host.message(agent, `${i}`));
  assert.deepEqual(system.tick(inputs).plan, ['a message 0', 'b message 3', 'c message 4', 'a message 1']);
  assert.deepEqual(system.tick().plan, ['c message 5', 'a message 2']);
});

test('ageing raises a priority by one for each ageTicks of waiting, so that nothing starves', () => {
  const agents = { a: {}, b: {} };
  const system = begun({ agents, policy: 'priority', ageTicks: 2, tasksPerTickMax: 1 });
  system.tick();
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(a, 'low'), host.message(b, 'high', { priority: 1 })]);
  const plans: string[] = [];
  for (let i = 0; i < 4; i++) plans.push(...system.tick([host.message(b, 'high', { priority: 1 })]).plan);
  // As old as two ticks it is as urgent as the others, and came before them.
  assert.deepEqual(plans, ['b message high', 'a message low', 'b message high', 'b message high']);
});

test('numbers of timers and children that a failed task took are not given again', () => {
  const system = begun({ agents: { a: { restart } } });
  const a = system.agent('a');
  const counted = [EffectKind.counters | (3 << 8), 5, 7];
  system.tick([host.message(a)], only('a', { outcome: 'failed', effects: [counted] }));
  system.tick();
  assert.deepEqual([a.phase, a.incarnation, a.nextTimer, a.nextChild], ['active', 1, 5, 7]);
});
