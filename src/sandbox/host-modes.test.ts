// When host functions may be called: never in the start function and in `agent_alloc`, few in shutdown.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskKind } from '../abi/envelope.ts';
import { hostFunctionNames } from '../abi/host-functions.ts';
import { type Call, puppetAt } from './test-modules.ts';
import { type TestRecord, TestSandbox, writeCalls, writeText } from './test-sandbox.ts';

/** A call of each function that would be in order. */
const properCalls: readonly Call[] = [
  ['send', 0, 1, 0x100, 4],
  ['find', 0x140, 3, 0x300],
  ['publish', 0x100, 4, 0, 4],
  ['subscribe', 0x100, 4],
  ['unsubscribe', 0x100, 4],
  ['join', 0x180, 4],
  ['leave', 0x180, 4],
  ['set_timer', 1, 1],
  ['cancel_timer', 0],
  ['random', 0x240, 4],
  ['log', 0, 0x100, 4],
  ['output', 0x100, 4],
  ['spawn', 0x1c0, 5, 0, 0, 0x300],
  ['terminate', 0, 1],
  ['infer', 0x200, 5, 0, 0, 0],
  ['generate', 0x200, 5, 0, 0, 0],
];

function prepared(
  at: number,
  calls: readonly Call[],
): { sandbox: TestSandbox; memory: WebAssembly.Memory; init: TestRecord } {
  const sandbox = new TestSandbox();
  const created = sandbox.create(1, (memory) => {
    ['news', 'hub', 'room', 'child', 'model'].forEach((text, i) => {
      writeText(memory, 0x100 + i * 0x40, text);
    });
    writeCalls(memory, at, calls);
  });
  return { sandbox, ...created };
}

test('every function may be called in agent_init', () => {
  assert.deepEqual(
    properCalls.map(([name]) => name),
    [...hostFunctionNames],
  );
  const { init, memory } = prepared(puppetAt.init, properCalls);
  assert.deepEqual([init.outcome, init.refusals], ['done', []]);
  const answers = [...new Int32Array(memory.buffer, puppetAt.answers, properCalls.length)];
  // The second request of the agent has number 1.
  assert.deepEqual(answers, [...new Array(properCalls.length - 1).fill(0), 1]);
});

test('every function is a fault in the start function and in agent_alloc', () => {
  for (const call of properCalls) {
    const { init } = prepared(puppetAt.start, [call]);
    assert.deepEqual(
      [init.outcome, init.fault, init.effects],
      ['failed', 'host-call-not-allowed', []],
      call[0],
    );
    const { sandbox } = prepared(puppetAt.alloc, [call]);
    const [record] = sandbox.turn(1, { payload: new Uint8Array(4) });
    assert.deepEqual([record!.fault, record!.effects], ['host-call-not-allowed', []], call[0]);
  }
});

test('in shutdown only send, publish, output and log are allowed', () => {
  const { sandbox, memory } = prepared(puppetAt.shutdown, properCalls);
  new Uint32Array(memory.buffer, puppetAt.answers).fill(0, 0, 64);
  const [record] = sandbox.turn(1, { kind: TaskKind.shutdown });
  const allowed = ['send', 'publish', 'log', 'output'];
  assert.deepEqual(
    record!.effects.map(([name]) => name),
    allowed,
  );
  const refused = hostFunctionNames.filter((name) => !allowed.includes(name));
  assert.deepEqual(
    record!.refusals,
    refused.map((name) => `${name}: not-allowed`),
  );
});
