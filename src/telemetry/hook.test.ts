// Hooks see what is committed, and can do no harm.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TelemetryHook, TelemetryHooks } from './index.ts';

const tick = { tick: 1, tasks: 2, messages: 3, fuel: 4, faults: 5, durationMs: 6, digest: 'ab' };
const turn = { tick: 1, agent: 'a', tasks: 2, fuel: 3, durationMs: 4 };
const times = { batch: 2, queueMs: 1, computeMs: 2, waitedMs: 0, bytes: 3, processBytes: 4 };
const inference = {
  ...{ tick: 1, agent: 'a', request: 0, model: 'm', version: '1', provider: 'wasm' },
  ...times,
};
const messages = { tick: 1, delivered: 2, dropped: 3, outputs: 4 };

function emitAll(hooks: TelemetryHooks): void {
  hooks.emitInference(inference);
  hooks.emitMessages(messages);
  hooks.emitTurn(turn);
  hooks.emitTick(tick);
}

test('each hook gets what it asks for, in the order in which hooks were added', () => {
  const hooks = new TelemetryHooks();
  const seen: unknown[] = [];
  hooks.add({ tick: (telemetry) => seen.push(['first', telemetry]) });
  hooks.add({
    tick: (telemetry) => seen.push(['second', telemetry]),
    turn: (telemetry) => seen.push(['second', telemetry]),
    messages: (telemetry) => seen.push(['second', telemetry]),
    inference: (telemetry) => seen.push(['second', telemetry]),
  });
  hooks.add({});
  emitAll(hooks);
  assert.deepEqual(seen, [
    ['second', inference],
    ['second', messages],
    ['second', turn],
    ['first', tick],
    ['second', tick],
  ]);
});

test('turns are measured only where a hook asks for them', () => {
  const hooks = new TelemetryHooks();
  assert.deepEqual([hooks.isEmpty, hooks.wantsTurns], [true, false]);
  hooks.add({ tick: () => {} });
  assert.deepEqual([hooks.isEmpty, hooks.wantsTurns], [false, false]);
  hooks.add({ turn: () => {} });
  assert.equal(hooks.wantsTurns, true);
});

test('a hook that throws is detached, and the others go on', () => {
  const hooks = new TelemetryHooks();
  const seen: string[] = [];
  const bad: TelemetryHook = {
    tick: () => {
      seen.push('bad');
      throw new Error('not today');
    },
  };
  hooks.add({ tick: () => seen.push('before') });
  hooks.add(bad);
  hooks.add(bad);
  hooks.add({ tick: () => seen.push('after') });
  emitAll(hooks);
  emitAll(hooks);
  assert.deepEqual(seen, ['before', 'bad', 'bad', 'after', 'before', 'after']);
});

test('a hook whose promise is rejected is detached, and takes no process down', async () => {
  const hooks = new TelemetryHooks();
  let calls = 0;
  hooks.add({
    tick: async () => {
      calls++;
      throw new Error('not today');
    },
  });
  emitAll(hooks);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(hooks.isEmpty, true);
  emitAll(hooks);
  assert.equal(calls, 1);
});

test('a hook that is added while others are told hears of the next', () => {
  const hooks = new TelemetryHooks();
  const seen: string[] = [];
  hooks.add({
    messages: () => {
      seen.push('first');
      if (seen.length === 1) hooks.add({ messages: () => seen.push('second') });
    },
  });
  emitAll(hooks);
  emitAll(hooks);
  assert.deepEqual(seen, ['first', 'first', 'second']);
});
