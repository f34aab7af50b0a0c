// What counts of a log in which a process died in the middle of a tick.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChannelName } from './channels.ts';
import { finishedTicks } from './finished-ticks.ts';

function counted(...texts: string[]): string[] {
  const events = texts.map((text, offset) => {
    const [tick, channel] = text.split(' ') as [string, ChannelName];
    return { tick: Number(tick), channel, payload: new Uint8Array(0), segment: 0, offset };
  });
  return [...finishedTicks(events)].map(({ offset }) => texts[offset]!);
}

test('finishedTicks() gives a log without interruptions as it is', () => {
  const log = ['0 run-started', '1 inputs', '1 events', '1 outputs', '1 digests', '2 outcomes', '2 digests'];
  assert.deepEqual(counted(...log, '2 run-ended'), [...log, '2 run-ended']);
});

test('what a tick told before its process died is left out; what was sealed for it stays', () => {
  const sealed = ['2 answers', '2 inputs'];
  const half = ['2 events', '2 faults', '2 texts', '2 outputs', '2 outcomes', '2 traces'];
  const first = ['0 run-started', '1 events', '1 digests'];
  const again = ['1 run-started', ...half, '2 digests'];
  assert.deepEqual(counted(...first, ...sealed, ...half, ...again), [...first, ...sealed, ...again]);
  assert.deepEqual(counted(...first, ...sealed, ...half), [...first, ...sealed], 'nobody has gone on yet');
});

test('what the host tells behind a tick, and a record that begins later, are not half a tick', () => {
  const log = ['7 run-started', '8 events', '8 digests', '8 events', '8 run-started', '9 inputs'];
  assert.deepEqual(counted(...log, '9 outputs', '8 run-started'), [...log, '8 run-started']);
});
