import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { hostClock } from './host-clock.ts';

test('what waits is called after its time, whatever else waits, unless it is taken back', async () => {
  const called: string[] = [];
  const beganAtMs = hostClock.nowMs();
  const wait = (name: string, waitMs: number): (() => void) =>
    hostClock.after(waitMs, () => {
      assert.ok(hostClock.nowMs() - beganAtMs >= waitMs);
      called.push(name);
    });
  const never = wait('longer than a timer of Node', 2 ** 33);
  wait('40', 40);
  const back = wait('10, taken back', 10);
  wait('20', 20);
  hostClock.after(30, () => {
    called.push('30');
    // What one of them takes back is not called, though it is due.
    due();
    wait('70', 70);
  });
  const due = wait('30, taken back', 30);
  back();
  back();
  while (!called.includes('70')) await pause(5);
  assert.deepEqual(called, ['20', '30', '40', '70']);
  never();
});

test('nothing holds up the end of a program but what still waits', () => {
  const url = JSON.stringify(new URL('./host-clock.ts', import.meta.url).href);
  const program = `
    const { hostClock } = await import(${url});
    const cancel = hostClock.after(3_600_000, () => {});
    hostClock.after(20, () => console.log('first'))();
    hostClock.after(20, () => { console.log('second'); cancel(); });`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.deepEqual([status, stdout], [0, 'second\n']);
});
