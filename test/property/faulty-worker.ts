// A worker that dies, sleeps or hangs where a shared plan says so; otherwise the usual one. For tests.

import { getEnvironmentData } from 'node:worker_threads';
import { Executor } from '../../src/sandbox/executor.ts';
import { Outbox } from '../../src/sandbox/outbox.ts';

/** What happens to a stream: nothing; death before it, after it or at the end of a task; a pause; no answer. */
export const Fault = { none: 0, before: 1, after: 2, inside: 3, pause: 4, hang: 5 } as const;

/** The plan: how many streams all workers were given so far, then the fault of each. */
const plan = new Int32Array(getEnvironmentData('faults') as SharedArrayBuffer);
const nobody = new Int32Array(new SharedArrayBuffer(4));
const pauseMs = 30;

function sleep(timeoutMs?: number): void {
  Atomics.wait(nobody, 0, 0, timeoutMs);
}

let fault = 0;
const { execute } = Executor.prototype;
const { endRecord } = Outbox.prototype;

Executor.prototype.execute = function (...stream) {
  fault = plan[1 + Atomics.add(plan, 0, 1)] ?? Fault.none;
  if (fault === Fault.before) process.exit();
  if (fault === Fault.pause) sleep(pauseMs);
  const results = execute.apply(this, stream);
  if (fault === Fault.hang) sleep();
  if (fault === Fault.after) process.exit();
  return results;
};

Outbox.prototype.endRecord = function (...record) {
  if (fault === Fault.inside) process.exit();
  endRecord.apply(this, record);
};

await import('../../src/sandbox/worker.ts');
