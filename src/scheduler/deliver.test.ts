// Mailboxes within their bounds, dead letters, and notices.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DropReason, noticeOffset, TaskKind } from '../abi/envelope.ts';
import { EffectKind } from '../abi/record.ts';
import type { Task } from './index.ts';
import { listTasks } from './mailbox.ts';
import { host, publish, publishChannel, refusal, send, spawn } from './test-effects.ts';
import { type SystemOptions, TestSystem } from './test-system.ts';

function begun(options: SystemOptions): TestSystem {
  const system = new TestSystem(options);
  system.tick();
  return system;
}

function noticeOf({ bytes }: Task): Record<keyof typeof noticeOffset, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const fields = Object.entries(noticeOffset).map(([name, at]) => [name, view.getUint32(at, true)]);
  return Object.fromEntries(fields) as Record<keyof typeof noticeOffset, number>;
}

/** Runs the next tick and answers the notice in it. */
function nextNotice(system: TestSystem): Record<keyof typeof noticeOffset, number> {
  let notice: Record<keyof typeof noticeOffset, number> | undefined;
  system.tick([], (task) => {
    if (task.kind === TaskKind.notice) notice = noticeOf(task);
    return undefined;
  });
  assert.ok(notice !== undefined, 'a notice came');
  return notice;
}

test('a full mailbox rejects: a dead letter, and the sender is told', () => {
  const system = begun({ agents: { a: {}, b: { limits: { mailboxMessagesMax: 2 } } } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const { events } = system.tick([host.message(a)], () => ({
    effects: ['1', '2', '3', '4'].map((text) => send(b, text)),
  }));
  assert.deepEqual(events, ['dropped b from a: mailbox-full', 'dropped b from a: mailbox-full']);
  assert.deepEqual(system.tick().plan, ['b message 1', 'b message 2', 'a notice']);
});

test("one's own full mailbox rejects, too", () => {
  const system = begun({ agents: { a: { limits: { mailboxMessagesMax: 1 } } } });
  const a = system.agent('a');
  system.tick([host.message(a)], () => ({ effects: [send(a, '1'), send(a, '2')] }));
  assert.deepEqual(system.tick().plan, ['a message 1', 'a notice']);
});

test('a notice counts what it tells of, and names the first by tick, index, kind and receiver', () => {
  const system = begun({ agents: { a: {}, b: { limits: { mailboxMessagesMax: 1 } } } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(a, 'x'), host.message(a, 'y')], ({ position }) => ({
    // Counts of refused calls stand at the end of a record, and are no effects of the guest.
    effects: position === 0 ? [send(b), refusal(0, -1 >>> 0, 1)] : [send(b), send({ origin: 9, counter: 9 })],
  }));
  assert.deepEqual(nextNotice(system), {
    count: 2,
    reason: 1,
    tick: 2,
    effectIndex: 1,
    effectKind: EffectKind.send,
    receiverOrigin: 0,
    receiverCounter: 2,
  });
});

test('a notice carries the sequence of the first drop', () => {
  const system = begun({ agents: { a: {}, b: {} } });
  const [a, b] = [system.agent('a'), system.agent('b')];
  const nobody = { origin: 9, counter: 9 };
  system.tick([host.message(a), host.message(b)], ({ agent }) => ({
    effects: agent === a ? [send(nobody), send(b, '1')] : [send(a, '2')],
  }));
  assert.deepEqual(system.tick().plan, ['a notice', 'b message 1', 'a message 2']);
});

test('a notice that was planned is not written again', () => {
  const system = begun({ agents: { a: {} } });
  const a = system.agent('a');
  const nobody = { origin: 9, counter: 9 };
  const drop = () => ({ effects: [send(nobody)] });
  system.tick([host.message(a)], drop);
  let seen: Task | undefined;
  const second = system.tick([], (task) => {
    seen = task;
    return { effects: [send(nobody), send(nobody)] };
  });
  assert.deepEqual(second.plan, ['a notice']);
  assert.equal(noticeOf(seen!).count, 1);
  assert.equal(nextNotice(system).count, 2);
});

test('messages to nobody, to agents that have ended and to refused spawns are dead letters with a notice', () => {
  const system = begun({ agents: { a: {}, b: {}, c: { count: 0 } }, agentsMax: 2 });
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(b)], () => ({ outcome: 'failed' }));
  system.tick([host.spawn(3, 'c')]);
  const { events } = system.tick([host.message(a)], () => ({
    effects: [send(b), send({ origin: 0, counter: 99 }), spawn(1, 2), send({ origin: 1, counter: 1 })],
  }));
  assert.deepEqual(events, [
    'dropped b from a: receiver-stopped',
    'dropped from a: receiver-unknown',
    'dropped from a: spawn-refused',
    'dropped from a: receiver-unknown',
  ]);
  assert.equal(nextNotice(system).count, 4);
});

test('a dead letter that waited in a mailbox is told by the effect that sent it', () => {
  const system = begun({ agents: { a: {}, b: { channels: ['c'] }, d: { channels: ['c'] } } });
  const [a, b, d] = [system.agent('a'), system.agent('b'), system.agent('d')];
  system.tick([host.message(a), host.message(b)], ({ agent }) => ({
    effects: agent === a ? [send(a, 'x'), send(d, 'y')] : [publishChannel('c', 'to b and d')],
  }));
  const told: unknown[] = [];
  system.tick([host.terminate(d)], undefined, 7);
  system.tick([], (task) => {
    const { count, reason, tick, effectIndex, effectKind, receiverCounter } = noticeOf(task);
    told.push([task.agent.name, count, reason, tick, effectIndex, effectKind, receiverCounter]);
    return undefined;
  });
  assert.deepEqual(told, [
    ['a', 1, DropReason.receiverStopped, 2, 1, EffectKind.send, 3],
    ['b', 1, DropReason.receiverStopped, 2, 0, EffectKind.publishChannel, 3],
  ]);
});

test('the budget of deliveries counts fan-out, and its end is one dead letter for the rest of a publication', () => {
  const agents = { a: { limits: { deliveriesPerTickMax: 4 } }, b: { count: 3, subscriptions: [0] } };
  const system = begun({ agents, topics: ['news'] });
  const [a, b] = [system.agent('a'), system.agent('b/0')];
  const flood = () => ({ effects: [publish(0, 'x'), publish(0, 'y'), publish(0, 'z'), send(b, 'w')] });
  const { events } = system.tick([host.message(a)], flood);
  assert.deepEqual(events, [
    'dropped b/1 from a: delivery-budget',
    'dropped b/0 from a: delivery-budget',
    'dropped b/0 from a: delivery-budget',
  ]);
  const next = system.tick([host.message(a)], ({ agent }) =>
    agent === a ? { effects: [send(b, 'v')] } : {},
  );
  assert.deepEqual(next.events, [], 'each tick has a budget of its own');
});

test('a waiting payload does not keep the transcript of its tick where its receiver is behind', () => {
  const agents = { a: {}, slow: { count: 2, subscriptions: [0] } };
  const system = begun({ agents, topics: ['news'], policy: 'priority', tasksPerTickMax: 1 });
  system.tick();
  system.tick();
  const [a, slow, other] = [system.agent('a'), system.agent('slow/0'), system.agent('slow/1')];
  for (let i = 0; i < 20; i++) {
    // What has a higher priority leaves the slow ones no turn.
    const { plan } = system.tick([host.message(a, '', { priority: 1 })], () => ({
      effects: [send(slow, `direct ${i}`), publish(0, `news ${i}`), send(other)],
    }));
    assert.deepEqual(plan, ['a message']);
  }
  const waiting = [slow, other].flatMap(({ mailbox }) => listTasks(mailbox));
  const buffers = new Set(waiting.map(({ bytes }) => bytes.buffer));
  const kept = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const needed = waiting.reduce((sum, { length }) => sum + length, 0);
  assert.ok(kept < needed + 2000, `${kept} bytes kept for ${needed}`);
  const news = (agent: typeof slow) => listTasks(agent.mailbox).filter(({ topic }) => topic !== null);
  assert.equal(news(slow)[9]!.bytes, news(other)[9]!.bytes, 'a publication is copied once');
  const texts = Array.from({ length: 40 }, () => system.tick().plan[0]);
  assert.deepEqual(texts.slice(0, 3), [
    'slow/0 message direct 0',
    'slow/0 topic news 0',
    'slow/1 topic news 0',
  ]);
  assert.deepEqual(texts.slice(37), ['slow/0 topic news 9', 'slow/1 topic news 9', 'slow/1 message']);
});

test('an empty payload keeps no buffer', () => {
  const system = begun({ agents: { a: {} }, tasksPerTickMax: 1 });
  const a = system.agent('a');
  system.tick([host.message(a)], () => ({ effects: [send(a), send(a)] }));
  assert.ok(listTasks(a.mailbox).every(({ bytes }) => bytes.buffer.byteLength === 0));
});
