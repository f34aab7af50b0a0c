// Worker threads give what the calling thread gives, in whatever parts the streams cross, and a lost one is seen.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { agentLimitDefaults } from '../base/limits.ts';
import { CommandWriter } from './command-writer.ts';
import { createInlinePool, type Pool } from './pool.ts';
import type { SystemTables } from './tables.ts';
import { type Call, puppet } from './test-modules.ts';
import { addTask, payloadOf, readResults, testTables } from './test-sandbox.ts';
import { randomStreams, runStreams } from './test-streams.ts';
import { createThreadPool, type ThreadPoolOptions } from './thread-pool.ts';
import { WorkerThread } from './worker-thread.ts';

const tables: SystemTables = testTables({ fuelPerTask: 200_000, timersMax: 2, effectsPerTurnMax: 30 });
const opened: Pool[] = [];
after(() => Promise.all(opened.map((pool) => pool.close())));

function prepared<T extends Pool>(pool: T): T {
  pool.addModule(0, puppet.module, puppet.globals);
  opened.push(pool);
  return pool;
}

function threads(options: Partial<ThreadPoolOptions> = {}): ReturnType<typeof createThreadPool> {
  return prepared(createThreadPool({ workers: 1, tables, blocking: true, ...options }));
}

test('any number of threads gives the words of the calling thread, whole or in parts, blocking or not', async () => {
  const pools = [
    threads({ workers: 1, blockBytes: 64 }),
    threads({ workers: 2, blockBytes: 64, blocking: false }),
    threads({ workers: 4 }),
  ];
  const inline = prepared(createInlinePool(tables));
  // Numbers are the same for all, since identities of children hold them; a multiple keeps the spread over threads.
  let first = 4;
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 6 }), async (seed, agents) => {
      const streams = randomStreams(seed, agents, 4);
      first += 8;
      const wanted = await runStreams(inline, streams, first);
      for (const pool of pools) assert.deepEqual(await runStreams(pool, streams, first), wanted);
    }),
    { numRuns: 25 },
  );
});

/** A stream in which agent 1 is made and makes these calls; agent numbers are those of one executor. */
function stream(pool: Pool, calls: readonly Call[], begins = true): CommandWriter {
  const writer = new CommandWriter();
  writer.begin(1, 10, 0);
  if (begins) {
    pool.provideMemory(0, { agentNumber: 1, pagesMin: 1, pagesMax: 8, image: null });
    writer.create(1, 0, 0, 0, 1, 0, 1, 0, new Uint32Array([1, 2, 3, 4]));
    writer.turn(1, 1);
    addTask(writer, { kind: 32 });
  }
  writer.turn(1, 1);
  addTask(writer, { payload: payloadOf(calls) });
  writer.end();
  return writer;
}

test('the orchestrator sees at once what a worker wrote to a memory, and how far it grew', async () => {
  const pool = threads();
  await pool.run([
    stream(pool, [
      ['grow', 2],
      ['store', 65_536 * 3 - 4, 77],
    ]).buffer,
  ]);
  const memory = pool.memoryOf(1)!;
  assert.equal(memory.buffer.byteLength, 65_536 * 3);
  assert.equal(new Uint32Array(memory.buffer).at(-1), 77);
});

test('an executor without a stream is left alone', async () => {
  const pool = threads({ workers: 2 });
  assert.deepEqual(await pool.run([undefined, undefined]), [undefined, undefined]);
  const [first, ...others] = await pool.run([stream(pool, [['output', 0, 1]]).buffer]);
  assert.ok(first !== undefined && first !== 'lost');
  assert.equal(readResults(first.words, first.used).get(1)!.length, 1);
  assert.deepEqual(others, [undefined]);
});

test('what a worker cannot do is a fault of the host with its reason, and no hang', async () => {
  for (const blocking of [true, false]) {
    const pool = threads({ blocking });
    const writer = new CommandWriter();
    writer.begin(1, 10, 0);
    writer.turn(5, 0);
    writer.end();
    await assert.rejects(async () => pool.run([writer.buffer]), {
      code: 'host-fault',
      message: /agent 5 has an instance/,
    });
  }
});

/** The workers that `open` starts. */
async function workersOf<T>(open: () => T): Promise<[T, Worker[]]> {
  const workers: Worker[] = [];
  const note = (worker: Worker): void => void workers.push(worker);
  process.on('worker', note);
  const opened = open();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('worker', note);
  return [opened, workers];
}

test('the reason of a worker that failed is told however late it is looked for, and again', async () => {
  const [thread, [worker]] = await workersOf(
    () => new WorkerThread({ index: 0, tables, blockBytes: 4096, timeoutMs: 600_000 }),
  );
  const ended = new Promise((resolve) => worker!.once('exit', resolve));
  const writer = new CommandWriter();
  writer.begin(1, 10, 0);
  writer.turn(5, 0);
  writer.end();
  const reason = { code: 'host-fault', message: /agent 5 has an instance/ };
  thread.start(writer.buffer);
  await ended;
  await assert.rejects(thread.finish(false), reason);
  thread.start(writer.buffer);
  assert.throws(() => thread.finishBlocking(), reason);
  await thread.terminate();
});

test('a worker that dies is lost, at work or idle, and can be replaced', async () => {
  const limits = { ...agentLimitDefaults, fuelPerTask: 2 ** 52 };
  const endless: SystemTables = {
    ...tables,
    declarations: [{ name: 'puppet', limits, mayUseChannels: true }],
  };
  for (const blocking of [true, false]) {
    const [pool, [worker]] = await workersOf(() => threads({ blocking, tables: endless }));
    const running = pool.run([stream(pool, [['spin']]).buffer]);
    await worker!.terminate();
    assert.deepEqual(await running, ['lost'], 'at work');
    assert.deepEqual(await pool.run([stream(pool, [], false).buffer]), ['lost'], 'idle');
    pool.replace(0);
    assert.equal(pool.memoryOf(1), undefined, 'nothing that it could write is used again');
    const [result] = await pool.run([stream(pool, [['output', 0, 4]]).buffer]);
    assert.ok(result !== undefined && result !== 'lost');
    assert.equal(readResults(result.words, result.used).get(1)![0]!.outcome, 'done');
  }
});

test('a process that has nothing but a worker waits for its answer, and learns of its death', () => {
  const program = join(import.meta.dirname, 'test-lost-worker.ts');
  const { status, stdout } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
  assert.deepEqual([stdout.trim().split('\n'), status], [['out-of-fuel', 'lost'], 0]);
});

test('a worker that takes longer than its time is lost', async () => {
  const limits = { ...agentLimitDefaults, fuelPerTask: 2 ** 52 };
  const endless: SystemTables = {
    ...tables,
    declarations: [{ name: 'puppet', limits, mayUseChannels: true }],
  };
  for (const blocking of [true, false]) {
    const pool = threads({ blocking, tables: endless, timeoutMs: 1 });
    assert.deepEqual(await pool.run([stream(pool, [['spin']]).buffer]), ['lost']);
  }
});

test('a worker that goes from task to task is not lost, however long all of them take', async () => {
  const program = new URL('./test-slow-worker.ts', import.meta.url);
  for (const blocking of [true, false]) {
    const pool = threads({ blocking, program, timeoutMs: 2000 });
    const [result] = await pool.run([new CommandWriter().buffer]);
    assert.equal(result === 'lost' ? result : result?.used, 0);
  }
});

test('a pool is closed once, however often it is asked', async () => {
  for (const blocking of [true, false]) {
    const pool = threads({ blocking });
    await pool.run([stream(pool, []).buffer]);
    await Promise.all([pool.close(), pool.close()]);
    await pool.close();
  }
});

test('a pool without threads is refused', () => {
  assert.throws(() => createThreadPool({ workers: 0, tables, blocking: true }), { code: 'bug' });
});
