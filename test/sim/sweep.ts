// Every call through a port as the one that fails, one after another: of a run, and of a recovery in the middle of it.

import type { Extent, Fault } from './faults.ts';

/** Changes and readings of a recovery that are tried. */
const recoveryChanges = 60;
const recoveryReadings = 250;

/** Lists of faults, each for a run of its own. */
export function* everyFault({ changes, streams }: Extent): Generator<Fault[]> {
  for (let at = 1; at <= changes; at++) yield* oneChange(0, at, []);
  const middle: Fault = { kind: 'kill', life: 0, at: Math.ceil(changes / 2), phase: 'during' };
  for (let at = 1; at <= recoveryChanges; at++) yield* oneChange(1, at, [middle]);
  for (let at = 1; at <= recoveryReadings; at++) {
    yield [middle, { kind: 'error', life: 1, of: 'reading', at, calls: 1 }];
  }
  for (let at = 0; at < streams; at++) {
    for (const how of ['before', 'after', 'hangs'] as const) yield [{ kind: 'loss', life: 0, at, how }];
  }
}

function* oneChange(life: number, at: number, before: readonly Fault[]): Generator<Fault[]> {
  const power: Fault = { kind: 'power', life };
  for (const phase of ['before', 'during', 'after'] as const) {
    yield [...before, { kind: 'kill', life, at, phase }];
    yield [...before, { kind: 'kill', life, at, phase }, power];
  }
  for (const calls of [1, 1_000_000]) {
    yield [...before, { kind: 'error', life, of: 'change', at, calls }];
    yield [...before, { kind: 'error', life, of: 'change', at, calls }, power];
  }
  yield [...before, { kind: 'full', life, at, bytes: 100 }];
}
