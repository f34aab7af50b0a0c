// Ways to have 64 bytes summed by code that is kept apart: an agent, a plug-in, a thread, a pool. Each takes `batch`
// payloads at once and resolves when all answers are there.

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import createPlugin from '@extism/extism';
import { Piscina } from 'piscina';
import type { Orchestrator, OutputRecord } from '../../src/engine/index.ts';
import { agentModule } from './agents.ts';
import { withRun } from './run.ts';

/** Answers are 8 bytes, little-endian. */
export type Call = (payload: Uint8Array, batch: number) => Promise<readonly Uint8Array[]>;

export interface Callers {
  readonly [name: string]: Call;
}

const tasks = join(import.meta.dirname, 'sum-task.ts');

/** Says nothing of its own where there is one call at a time. */
export const manyOnly = 'agent, no worker, a tick each';

/** Opens every way, gives them to `work`, and closes them. */
export async function withCallers(work: (callers: Callers) => Promise<void>): Promise<void> {
  const plugin = await createPlugin({ wasm: [{ data: await agentModule('plugin') }] });
  const worker = new Worker(join(import.meta.dirname, 'sum-worker.ts'));
  const pool = new Piscina({ filename: tasks, minThreads: 1, maxThreads: 1 });
  try {
    await withAgent(0, (agent) =>
      withAgent(1, (threadedAgent) =>
        work({
          'agent, no worker': callInOneTick(agent),
          [manyOnly]: callInTicks(agent),
          'agent, one worker': callInOneTick(threadedAgent),
          'Extism plug-in, foreground': async (payload, batch) => {
            const answers: Uint8Array[] = [];
            for (let i = 0; i < batch; i++) answers.push((await plugin.call('sum', payload))!.bytes());
            return answers;
          },
          'thread, postMessage': postingCall(worker),
          'Piscina task': (payload, batch) =>
            Promise.all(Array.from({ length: batch }, () => pool.run(payload) as Promise<Uint8Array>)),
        }),
      ),
    );
  } finally {
    await Promise.all([plugin.close(), worker.terminate(), pool.destroy()]);
  }
}

interface Agent {
  readonly orchestrator: Orchestrator;
  /** What came out since it was emptied last. */
  readonly answers: Uint8Array[];
}

async function withAgent(workers: number, work: (agent: Agent) => Promise<void>): Promise<void> {
  const module = await agentModule('summer');
  const agents = { summer: { module, capabilities: ['output'] as const } };
  const answers: Uint8Array[] = [];
  const outputs = { write: (output: OutputRecord) => void answers.push(output.payload) };
  // Outputs leave at once: a call that waited for the disk would measure the disk.
  const system = { run: { seed: 1 }, host: { durability: 'none' } as const, agents };
  await withRun(system, workers, (orchestrator) => work({ orchestrator, answers }), { outputs });
}

function callInOneTick({ orchestrator, answers }: Agent): Call {
  return async (payload, batch) => {
    answers.length = 0;
    for (let i = 0; i < batch; i++) orchestrator.send('summer', { payload });
    await orchestrator.settle();
    return answers;
  };
}

/** Sends each payload once the tick that took the one before it is over. Answers leave when ticks are written. */
function callInTicks({ orchestrator, answers }: Agent): Call {
  return async (payload, batch) => {
    answers.length = 0;
    let sent = 0;
    const sendNext = (): void => {
      if (sent++ < batch) orchestrator.send('summer', { payload });
    };
    sendNext();
    await orchestrator.settle({ onTick: sendNext });
    return answers;
  };
}

/** Posts all payloads, then waits for as many answers. */
function postingCall(worker: Worker): Call {
  return (payload, batch) =>
    new Promise((resolve) => {
      const answers: Uint8Array[] = [];
      const onMessage = (answer: Uint8Array): void => {
        if (answers.push(answer) < batch) return;
        worker.off('message', onMessage);
        resolve(answers);
      };
      worker.on('message', onMessage);
      for (let i = 0; i < batch; i++) worker.postMessage(payload);
    });
}
