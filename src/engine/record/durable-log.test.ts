// When the log is synced, and what leaves then, in each mode of durability: over a disk that ends each sync when it is told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventLogWriter } from '../../log/index.ts';
import type { Durability } from '../config/system-config.ts';
import { DurableLog } from './durable-log.ts';

const output = { epoch: 0, tick: 1, index: 0, agent: 'echo', payload: new Uint8Array(1) };

interface Followed {
  readonly log: DurableLog;
  /** What happened, in order; `n acknowledged`: so many inputs. */
  readonly calls: string[];
  /** Commits a tick that has executed one input. */
  commit(outputs?: readonly (typeof output)[]): void | Promise<void>;
  /** Ends the sync that is under way. */
  done(error?: Error): Promise<void>;
  /** Calls the timer that waits, the shortest of them. */
  ring(): void;
  /** Calls the one that waits longest. */
  ringLast(): void;
  /** Of the timers that wait, the shortest first. */
  readonly waitsMs: readonly number[];
}

/** A durable log over a log whose syncs aside end when the test says so, and a clock that it moves. */
function follow(mode: Durability, batchTicks = 4, flush?: () => void): Followed {
  const calls: string[] = [];
  let end: ((error?: Error) => void) | undefined;
  let timers: { readonly waitMs: number; readonly callback: () => void }[] = [];
  let executedCount = 0;
  const fake = {
    flush: flush ?? (() => calls.push('flush')),
    sync: () => calls.push('sync'),
    close: () => calls.push('close'),
    abandon: () => calls.push('abandon'),
    beginSync: () => {
      assert.equal(end, undefined, 'one sync at a time');
      calls.push('begin');
      return new Promise<void>((resolve, reject) => {
        end = (error) => (error === undefined ? resolve() : reject(error));
      });
    },
  };
  const after = (waitMs: number, callback: () => void): (() => void) => {
    assert.ok(
      timers.every((other) => other.waitMs !== waitMs),
      'one timer of a kind at a time',
    );
    const timer = { waitMs, callback };
    timers = [...timers, timer].sort((a, b) => a.waitMs - b.waitMs);
    return () => (timers = timers.filter((other) => other !== timer));
  };
  const log = new DurableLog({
    log: fake as unknown as EventLogWriter,
    mode,
    sink: { write: () => void calls.push('write') },
    inputs: {
      get executedCount() {
        return executedCount;
      },
      markDurable: (count) => void calls.push(`${count} acknowledged`),
    },
    batchTicks,
    batchMs: 100,
    clock: { nowMs: () => 0, yield: () => Promise.resolve(), after },
  });
  return {
    log,
    calls,
    commit(outputs = []) {
      executedCount++;
      return log.committed(outputs);
    },
    async done(error) {
      const ended = end;
      end = undefined;
      ended?.(error);
      for (let i = 0; i < 5; i++) await Promise.resolve();
    },
    ring() {
      timers.shift()?.callback();
    },
    ringLast() {
      timers.pop()?.callback();
    },
    get waitsMs() {
      return timers.map(({ waitMs }) => waitMs);
    },
  };
}

test('mode "tick" syncs each tick before it acknowledges and before its outputs leave', () => {
  const { commit, calls } = follow('tick');
  assert.equal(commit([output]), undefined);
  commit();
  assert.deepEqual(calls, ['sync', '1 acknowledged', 'write', 'sync', '2 acknowledged']);
});

test('mode "batch" syncs after so many ticks, and goes on while the disk works', async () => {
  const { commit, calls, done } = follow('batch');
  for (let i = 0; i < 3; i++) commit([output]);
  assert.deepEqual(calls, []);
  assert.equal(commit(), undefined);
  assert.equal(commit([output]), undefined);
  assert.deepEqual(calls, ['begin']);
  await done();
  assert.deepEqual(calls.slice(1), ['4 acknowledged', 'write', 'write', 'write']);
});

test('what must be on the disk now waits for the syncs that are under way', async () => {
  for (const mode of ['batch', 'none'] as const) {
    const { log, commit, calls, done } = follow(mode, 1);
    commit();
    log.settle();
    commit();
    log.settle();
    const begun = calls.filter((call) => call === 'begin').length;
    assert.equal(begun, 1);
    const synced = log.sync();
    await done();
    assert.ok(!calls.includes('sync'), 'another one has begun');
    await done();
    await synced;
    assert.equal(calls.at(-1), 'sync');
    assert.equal(calls.filter((call) => call === 'begin').length, 2);
  }
  const { log, commit, calls, done } = follow('batch', 1);
  commit();
  const synced = log.sync();
  await done(new Error('the disk is gone'));
  await assert.rejects(synced, /the disk is gone/);
  assert.ok(!calls.includes('sync'));
  const free = follow('batch');
  await free.log.sync();
  assert.deepEqual(free.calls, ['sync']);
});

test('mode "batch" syncs so long after the first tick, however few there are', async () => {
  const followed = follow('batch');
  assert.deepEqual(followed.waitsMs, []);
  followed.commit([output]);
  assert.deepEqual(followed.waitsMs, [100]);
  followed.commit();
  followed.ring();
  assert.deepEqual(followed.calls, ['begin']);
  await followed.done();
  assert.deepEqual(followed.calls.slice(1), ['2 acknowledged', 'write']);
  assert.deepEqual(followed.waitsMs, []);
});

test('mode "batch" acknowledges nothing that came after the sync had begun', async () => {
  const { log, commit, calls, done } = follow('batch');
  commit([output]);
  log.settle();
  commit([output]);
  log.settle();
  assert.deepEqual(calls, ['begin']);
  await done();
  assert.deepEqual(calls, ['begin', '1 acknowledged', 'write', 'begin']);
  await done();
  assert.deepEqual(calls.slice(4), ['2 acknowledged', 'write']);
  log.settle();
  assert.equal(calls.length, 6);
});

test('mode "batch" makes the engine wait when a second batch is full before the first is durable', async () => {
  const { commit, calls, done } = follow('batch', 2);
  commit();
  commit();
  assert.equal(commit(), undefined);
  let waits = true;
  const waiting = (commit() as Promise<void>).then(() => (waits = false));
  await Promise.resolve();
  assert.ok(waits);
  await done();
  await waiting;
  assert.deepEqual(calls, ['begin', '2 acknowledged', 'begin']);
});

test('a batch for which the engine does not wait after all fails without a word', async () => {
  const { log, commit, done } = follow('batch', 2);
  for (let i = 0; i < 3; i++) commit();
  const [refusals, note] = [[] as unknown[], (error: unknown): void => void refusals.push(error)];
  process.on('unhandledRejection', note);
  void commit();
  const givingUp = log.abandon();
  await done();
  await givingUp;
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  assert.deepEqual(refusals, []);
});

test('mode "batch" syncs when many outputs wait', () => {
  const { commit, calls } = follow('batch');
  commit(Array.from({ length: 9999 }, () => output));
  assert.deepEqual(calls, []);
  commit([output]);
  assert.deepEqual(calls, ['begin']);
});

test('a sync that fails is told to whoever waits and whoever asks, and acknowledges nothing', async () => {
  for (const mode of ['batch', 'none'] as const) {
    const { log, commit, calls, done } = follow(mode);
    commit();
    log.settle();
    const settled = mode === 'batch' ? assert.rejects(log.settled(), /the disk is gone/) : undefined;
    calls.length = 0;
    assert.equal(log.failing.aborted, false);
    await done(new Error('the disk is gone'));
    await settled;
    assert.equal(log.failing.aborted, true);
    assert.throws(() => commit([output]), /the disk is gone/);
    assert.throws(() => log.settle(), /the disk is gone/);
    await assert.rejects(log.close(), /the disk is gone/);
    assert.deepEqual(calls, []);
  }
});

test('mode "none" acknowledges at once, writes what outputs tell of before they leave, and never waits for the disk', async () => {
  const followed = follow('none');
  const { log, commit, calls, done } = followed;
  commit();
  assert.deepEqual([calls, followed.waitsMs], [['1 acknowledged'], [500]]);
  for (let i = 0; i < 3; i++) assert.equal(commit([output]), undefined);
  assert.deepEqual([calls.slice(-1), followed.waitsMs], [['4 acknowledged'], [20, 500]]);
  followed.ring();
  assert.deepEqual(calls.slice(4), ['flush', '4 acknowledged', 'write', 'write', 'write']);
  calls.length = 0;
  commit([output]);
  assert.deepEqual(followed.waitsMs, [20, 500]);
  log.settle();
  assert.deepEqual(calls, ['5 acknowledged', 'flush', '5 acknowledged', 'write', 'begin']);
  assert.deepEqual(followed.waitsMs, []);
  calls.length = 0;
  commit([output]);
  await log.settled();
  assert.deepEqual(calls, ['6 acknowledged', 'flush', '6 acknowledged', 'write', 'flush']);
  // The next sync begins by itself, and what was given since leaves before it.
  calls.length = 0;
  commit([output]);
  await done();
  assert.deepEqual(calls, ['7 acknowledged', '5 acknowledged', 'flush', '7 acknowledged', 'write', 'begin']);
  await done();
  assert.deepEqual(followed.waitsMs, []);
});

test('mode "none" keeps what fails in any of its timers for whoever asks next', () => {
  const followed = follow('none', 4, () => {
    throw new Error('the disk is gone');
  });
  const { log, commit, calls } = followed;
  commit([output]);
  assert.deepEqual(followed.waitsMs, [20, 500]);
  followed.ringLast();
  assert.equal(log.failing.aborted, true);
  assert.throws(() => commit(), /the disk is gone/);
  assert.ok(!calls.includes('write'));
});

test('mode "none" writes when many outputs wait, and gives none out when it cannot write', () => {
  const { commit, calls } = follow('none');
  commit(Array.from({ length: 9999 }, () => output));
  assert.deepEqual(calls, ['1 acknowledged']);
  commit([output]);
  assert.deepEqual([calls[2], calls.filter((call) => call === 'write').length], ['flush', 10_000]);
  const failing = follow('none', 4, () => {
    throw new Error('the disk is gone');
  });
  failing.commit([output]);
  assert.equal(failing.log.failing.aborted, false);
  failing.ring();
  assert.equal(failing.log.failing.aborted, true);
  assert.throws(() => failing.commit([output]), /the disk is gone/);
  assert.ok(!failing.calls.includes('write'));
});

test('closing waits for the sync that is under way, and makes all durable before the last outputs leave', async () => {
  const { log, commit, calls, done } = follow('batch');
  commit([output]);
  log.settle();
  commit([output]);
  const closing = log.close();
  await Promise.resolve();
  assert.deepEqual(calls, ['begin']);
  await done();
  await closing;
  assert.deepEqual(calls.slice(1), ['1 acknowledged', 'write', 'close', '2 acknowledged', 'write']);
});

test('giving up waits for the sync that is under way, and releases nothing', async () => {
  const { log, commit, calls, done } = follow('batch');
  commit([output]);
  log.settle();
  const givingUp = log.abandon();
  await Promise.resolve();
  assert.deepEqual(calls, ['begin']);
  await done();
  await givingUp;
  assert.deepEqual(calls, ['begin', 'abandon']);
});
