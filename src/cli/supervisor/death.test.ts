// Which ends of a process are ends of the run, which are somebody's fault, and when it is enough.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes } from '../../base/errors.ts';
import { deathOf, RestartBudget, restartsAskedFor, Suspects } from './death.ts';
import { stopSignals } from './messages.ts';

test('an exit code of the command ends the run, whatever it says', () => {
  const codes = new Set([
    0,
    3,
    ...Object.values(errorCodes).map(({ exitCode }) => exitCode),
    ...Object.values(stopSignals),
  ]);
  for (const exitCode of codes) assert.deepEqual(deathOf(exitCode, null, false), { kind: 'ended', exitCode });
});

test('what a process does to itself is a crash; what others do to it is not', () => {
  for (const how of ['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGTRAP', 'SIGFPE'])
    assert.deepEqual(deathOf(null, how, false), { kind: 'crashed', how });
  for (const how of ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGXCPU'])
    assert.deepEqual(deathOf(null, how, false), { kind: 'killed', how });
  assert.deepEqual(deathOf(134, null, false), { kind: 'crashed', how: 'SIGABRT' });
  assert.deepEqual(deathOf(137, null, false), { kind: 'killed', how: 'SIGKILL' });
  assert.deepEqual(deathOf(5, null, false), { kind: 'crashed', how: 'exit code 5' });
  assert.deepEqual(deathOf(0xc0000005, null, false), { kind: 'crashed', how: `exit code ${0xc0000005}` });
});

test('what the watchdog ends is hung, and nobody is to blame', () => {
  assert.equal(deathOf(null, 'SIGKILL', true).kind, 'hung');
});

test('restarts without progress are counted, a recorded tick or a quarantine begins anew, and waits grow', () => {
  const budget = new RestartBudget();
  const counts: number[] = [];
  const waits: number[] = [];
  for (const [tick, quarantined] of [
    [0, 0],
    [0, 0],
    [0, 0],
    [4, 0],
    [4, 0],
    [3, 0],
    [4, 1],
    [4, 1],
    [5, 1],
  ] as const) {
    budget.died(tick, quarantined);
    counts.push(budget.count);
    waits.push(budget.waitMs);
  }
  assert.deepEqual(counts, [1, 2, 3, 1, 2, 3, 1, 2, 1]);
  assert.deepEqual(waits, [0, 100, 200, 0, 100, 200, 0, 100, 0]);
  for (let i = 0; i < 20; i++) budget.died(5, 1);
  assert.equal(budget.waitMs, 3200);
});

test('a turn is to blame when it has crashed the process twice; others that crashed it once are not', () => {
  const suspects = new Suspects();
  const turn = { tick: 4, origin: 0, counter: 2 };
  suspects.strike(turn);
  suspects.strike({ ...turn, counter: 3 });
  suspects.strike({ ...turn, tick: 5 });
  assert.deepEqual(suspects.quarantined, []);
  suspects.strike({ ...turn });
  assert.deepEqual(suspects.quarantined, [turn]);
});

test('the restarts that the command line asks for count before anybody has understood it', () => {
  for (const [words, restarts] of [
    ['run s.toml', 5],
    ['run s.toml --restarts 0', 0],
    ['run --restarts=7 s.toml', 7],
    ['run --restarts 1 s.toml --restarts 12', 12],
    ['run s.toml --restarts many', 5],
    ['run s.toml --restarts', 5],
  ] as const)
    assert.equal(restartsAskedFor(words.split(' ')), restarts, words);
});
