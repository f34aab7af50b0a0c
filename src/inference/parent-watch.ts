// A thread of the inference process that tells the engine that the process is alive, and ends it when the engine is
// gone: the thread that models run on may be in one for hours, and learns of nothing meanwhile. It must never wait for
// that thread.

import { workerData } from 'node:worker_threads';
import { signOfLife } from './sign-of-life.ts';

const lookEveryMs = 250;
const lookPerSign = 2;
let looks = 0;
const parent = workerData as number;

function isGone(): boolean {
  // A process whose parent has died gets another one; where it does not, there is no such process any more.
  if (process.ppid !== parent) return true;
  try {
    process.kill(parent, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

setInterval(() => {
  if (isGone()) process.kill(process.pid, 'SIGKILL');
  if (looks++ % lookPerSign === 0) signOfLife();
}, lookEveryMs);
