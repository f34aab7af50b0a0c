// Which tasks a tick takes, and in which order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasRunnable, nextTimerTick } from './index.ts';
import { cancelTimer, host, send, setTimer } from './test-effects.ts';
import { type Script, TestSystem } from './test-system.ts';

/** A system whose agents have begun. */
function begun(options: ConstructorParameters<typeof TestSystem>[0], script?: Script): TestSystem {
  const system = new TestSystem(options);
  system.tick([], script);
  return system;
}

test('fifo takes tasks by sequence, over all agents', () => {
  const system = begun({ agents: { a: {}, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const { plan } = system.tick([host.message(b, '1'), host.message(a, '2'), host.message(b, '3')]);
  assert.deepEqual(plan, ['b message 1', 'a message 2', 'b message 3']);
});

test('fifo orders agents by the sequence of their first task, and priority orders the mailbox', () => {
  const system = begun({ agents: { a: {}, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const inputs = [host.message(a, '1'), host.message(b, '2'), host.message(a, '3', { priority: 1 })];
  assert.deepEqual(system.tick(inputs).plan, ['b message 2', 'a message 3', 'a message 1']);
});

test('priority takes the higher first, then the lower sequence', () => {
  const system = begun({ agents: { a: {}, b: {} }, policy: 'priority' });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const inputs = [
    host.message(a, '1', { priority: -1 }),
    host.message(b, '2'),
    host.message(a, '3', { priority: 7 }),
    host.message(b, '4', { priority: 7 }),
    host.message(a, '5'),
  ];
  assert.deepEqual(system.tick(inputs).plan, [
    'a message 3',
    'b message 4',
    'b message 2',
    'a message 5',
    'a message 1',
  ]);
});

test('a tick takes at most tasksPerTickMax tasks, and the rest keep their order', () => {
  const system = begun({ agents: { a: {}, b: {} }, tasksPerTickMax: 2 });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const inputs = [a, b, a, b, a].map((agent, i) => host.message(agent, `${i}`));
  assert.deepEqual(system.tick(inputs).plan, ['a message 0', 'b message 1']);
  assert.deepEqual(system.tick([host.message(b, '5')]).plan, ['a message 2', 'b message 3']);
  assert.deepEqual(system.tick().plan, ['a message 4', 'b message 5']);
  assert.deepEqual(system.tick().plan, []);
});

test('sequences are drawn for inputs, then due timers, then every-tick steps', () => {
  const agents = { late: { everyTick: true }, early: { everyTick: true }, c: {} };
  const system = begun({ agents }, (task) => {
    const name = task.agent.name;
    return name === 'late' ? undefined : { effects: [setTimer(0, 2), setTimer(1, 1), setTimer(2, 2)] };
  });
  system.tick();
  const [c, early] = [system.agent('c'), system.agent('early')];
  const { plan } = system.tick([host.message(early, 'x'), host.task(c, 'y')]);
  assert.deepEqual(plan, [
    'early message x',
    'c scheduled y',
    // Due in this tick: by agent, then number. Those of number 1 fired in the tick before.
    'early timer 0',
    'early timer 2',
    'c timer 0',
    'c timer 2',
    'late everyTick',
    'early everyTick',
  ]);
});

test('a timer that is late comes before one that is due now', () => {
  const system = begun({ agents: { a: {}, b: {} } }, ({ agent }) => ({
    effects: [agent.name === 'a' ? setTimer(0, 5) : setTimer(0, 3)],
  }));
  assert.deepEqual(system.tick([], undefined, 9).plan, ['b timer 0', 'a timer 0']);
});

test('every-tick steps do not pile up, and do not keep a run open', () => {
  const system = begun({ agents: { a: { everyTick: true }, b: { everyTick: true } }, tasksPerTickMax: 2 });
  assert.deepEqual(system.tick().plan, ['a everyTick', 'b everyTick']);
  assert.equal(hasRunnable(system.state), false);
  const narrow = new TestSystem({
    agents: { a: { everyTick: true }, b: { everyTick: true } },
    tasksPerTickMax: 1,
  });
  narrow.tick();
  narrow.tick();
  const plans = Array.from({ length: 4 }, () => narrow.tick().plan);
  assert.deepEqual(plans.flat(), ['a everyTick', 'b everyTick', 'a everyTick', 'b everyTick']);
  assert.equal(hasRunnable(narrow.state), false, 'a step that waits is not a reason to go on');
  narrow.tick([host.message(narrow.agent('a'), 'x'), host.message(narrow.agent('a'), 'y')]);
  assert.equal(hasRunnable(narrow.state), true, 'a message behind it is');
});

test('hasRunnable() and nextTimerTick() tell what is left to do', () => {
  const system = new TestSystem({ agents: { a: {} } });
  assert.equal(hasRunnable(system.state), true, 'init');
  system.tick([], () => ({ effects: [setTimer(0, 5), setTimer(1, 9)] }));
  assert.equal(hasRunnable(system.state), false);
  assert.equal(nextTimerTick(system.state), 6);
  system.tick([], () => ({ effects: [cancelTimer(1)] }), 6);
  assert.equal(nextTimerTick(system.state), undefined);
  system.tick([host.message(system.agent('a'))], () => ({ effects: [send(system.agent('a'))] }));
  assert.equal(hasRunnable(system.state), true);
  system.tick();
  assert.equal(hasRunnable(system.state), false);
});

test('a tick never goes back', () => {
  const system = begun({ agents: { a: {} } });
  assert.throws(() => system.tick([], undefined, 1), { code: 'bug' });
});

test('a turn is all of an agent that was picked, and leaves the plan in its order', () => {
  const system = begun({ agents: { a: {}, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const seen: string[] = [];
  system.tick(
    [a, b, a, b].map((agent, i) => host.message(agent, `${i}`)),
    (task) => {
      seen.push(`${task.agent.name}${task.position}`);
      return undefined;
    },
  );
  assert.deepEqual(seen, ['a0', 'a2', 'b1', 'b3']);
});

test('a head that is cancelled gives its place to the next task at once', () => {
  const system = begun({ agents: { a: {}, b: {} }, tasksPerTickMax: 1 });
  const b = system.agent('b');
  system.tick();
  const a = system.agent('a');
  // The timer of a fires behind a message of higher priority, which cancels it; a message of lower priority is older.
  system.tick([host.message(a, 'first')], () => ({ effects: [setTimer(0, 1)] }));
  const inputs = [
    host.message(a, 'low', { priority: -1 }),
    host.message(a, 'high', { priority: 1 }),
    host.message(b, 'other'),
  ];
  assert.deepEqual(system.tick(inputs, () => ({ effects: [cancelTimer(0)] })).plan, ['a message high']);
  assert.deepEqual(system.tick().plan, ['a message low']);
  assert.deepEqual(system.tick().plan, ['b message other']);
});
