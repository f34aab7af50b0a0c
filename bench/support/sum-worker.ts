// A worker thread that answers each posted payload with the sum of its bytes.

import { parentPort } from 'node:worker_threads';
import sum from './sum-task.ts';

parentPort?.on('message', (payload: Uint8Array) => parentPort?.postMessage(sum(payload)));
