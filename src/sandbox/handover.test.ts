// Who may write when: each step of the handover is refused in every phase but its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answer, createHandoverBuffers, Handover, Phase } from './handover.ts';

function pair(): { orchestrator: Handover; worker: Handover } {
  const buffers = createHandoverBuffers(64);
  return { orchestrator: new Handover(buffers), worker: new Handover(buffers) };
}

const bug = { code: 'bug' };

test('commands go over, results come back, and both sides see the same', () => {
  const { orchestrator, worker } = pair();
  assert.equal(orchestrator.phase, Phase.idle);
  orchestrator.commands[0] = 42;
  orchestrator.sendCommands(1, true);
  assert.deepEqual([worker.phase, worker.commandWords, worker.commandMore], [Phase.command, 1, true]);
  assert.deepEqual([worker.commands[0], worker.commandBytes[0]], [42, 42]);
  worker.results[15] = 43;
  worker.sendResult(16, Answer.part);
  assert.deepEqual(
    [orchestrator.phase, orchestrator.resultWords, orchestrator.answer],
    [Phase.result, 16, Answer.part],
  );
  assert.equal(orchestrator.results[15], 43);
  orchestrator.acknowledge();
  worker.sendResult(0, Answer.last);
  orchestrator.sendCommands(3, false);
  assert.deepEqual([worker.commandWords, worker.commandMore], [3, false]);
});

test('commands are never written while the worker works', () => {
  const { orchestrator } = pair();
  orchestrator.sendCommands(1, false);
  assert.throws(() => orchestrator.sendCommands(1, false), bug);
});

test('results are never written while the orchestrator reads', () => {
  const { orchestrator, worker } = pair();
  assert.throws(() => worker.sendResult(1, Answer.last), bug);
  orchestrator.sendCommands(1, false);
  worker.sendResult(1, Answer.last);
  assert.throws(() => worker.sendResult(1, Answer.last), bug);
});

test('only a result is acknowledged', () => {
  const { orchestrator, worker } = pair();
  assert.throws(() => orchestrator.acknowledge(), bug);
  orchestrator.sendCommands(1, false);
  assert.throws(() => orchestrator.acknowledge(), bug);
  worker.fail();
  assert.throws(() => orchestrator.acknowledge(), bug);
  assert.equal(orchestrator.phase, Phase.failed);
});

test('waiting ends at once where the phase is another, and at its time where nothing comes', async () => {
  const { orchestrator } = pair();
  assert.equal(orchestrator.waitWhile(Phase.command, 60_000), true);
  await orchestrator.waitWhileAsync(Phase.command, 60_000);
  assert.equal(orchestrator.waitWhile(Phase.idle, 1), false);
});

test('whoever waits without blocking is woken by a close', async () => {
  const { orchestrator, worker } = pair();
  const waiting = orchestrator.waitWhileAsync(Phase.idle, 60_000);
  orchestrator.close();
  await waiting;
  assert.equal(worker.closing, true);
});
