// A saved state says all that the state is: what is restored from it saves as the same, and runs on the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restoreState, saveState } from './saved-state.ts';
import { host, join, output, publish, send, setTimer } from './test-effects.ts';
import { TestSystem } from './test-system.ts';

/** A system in which something of everything waits. */
function busySystem(): TestSystem {
  const system = new TestSystem({
    agents: {
      a: {},
      b: { overflow: 'block', limits: { mailboxMessagesMax: 1 }, configuration: 'begin' },
      c: { subscriptions: [0], everyTick: true },
      d: { restart: { policy: 'from-init', restartsMax: 3, backoffTicks: 9, backoffTicksMax: 9 } },
    },
    topics: [{ name: 't', maxWaiting: 5 }],
    tasksPerTickMax: 6,
  });
  system.tick();
  system.tick();
  const [a, b, d] = ['a', 'b', 'd'].map((name) => system.agent(name));
  const effects = [
    setTimer(0, 7),
    join('den'),
    publish(0, 'news'),
    send(b!, '1'),
    send(b!, '2'),
    output('late'),
  ];
  system.tick([host.message(a!), host.message(d!), host.pause(system.agent('c'))], ({ agent }) => {
    if (agent.name === 'a') return { effects };
    return agent.name === 'd' ? { outcome: 'failed' } : undefined;
  });
  return system;
}

test('what is restored from a saved state saves as the same', () => {
  const { state } = busySystem();
  const saved = saveState(state);
  assert.deepEqual(saveState(restoreState(state.config, saved)), saved);
  const [a, , c, d] = saved.agents;
  assert.equal(a!.outbox.length, 2, 'effects wait behind a full receiver');
  assert.equal(c!.paused, true);
  assert.ok(d!.restartTick > saved.tick, 'a back-off has not ended');
  assert.ok(saved.schedulerQueue.length > 0 && a!.timers.length === 1);
});

test('a saved state does not change with the run that goes on', () => {
  const system = busySystem();
  const saved = saveState(system.state);
  const copy = structuredClone(saved);
  for (let i = 0; i < 20; i++) system.tick();
  assert.deepEqual(saved, copy);
});
