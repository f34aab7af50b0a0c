// For tests only: a worker that begins one task after another, for longer than one of them may take, and answers then.

import { workerData } from 'node:worker_threads';
import { Answer, Handover, Phase } from './handover.ts';
import type { WorkerStart } from './worker.ts';

const handover = new Handover((workerData as WorkerStart).buffers);
const sleeper = new Int32Array(new SharedArrayBuffer(4));
while (handover.phase !== Phase.command) handover.waitWhile(handover.phase, 1000);
for (let task = 0; task < 30; task++) {
  handover.advance();
  Atomics.wait(sleeper, 0, 0, 100);
}
handover.sendResult(0, Answer.last);
