// Every call of the storage fails in turn, once or for good: the run ends, acknowledges nothing that is not safe, touches
// nothing more, and goes on afterwards to the digests that it would have had.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { readEvents } from '../../log/index.ts';
import { openRunDirectory } from '../../log/open-run-directory.ts';
import { MemoryStorage } from '../../log/test-storage.ts';
import type { Durability } from '../config/system-config.ts';
import { createSystem, EngineError, Orchestrator, type System } from '../index.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { countingAgent } from '../testing/agents.ts';

const ticks = 7;

function portsOver(storage: MemoryStorage): Ports {
  return {
    ...nodePorts,
    openStorage: () => storage,
    logSizes: { segmentBytesMax: 7000, chunkBytesMax: 500 },
  };
}

let systems: Map<Durability, System>;
before(async () => {
  const counting = { module: countingAgent(), count: 2, everyTick: true, capabilities: ['output'] as const };
  const made = (['tick', 'batch', 'none'] as const).map(async (durability) => {
    const host = { durability, batchTicks: 3, snapshotTicks: 3 };
    return [durability, await createSystem({ host, agents: { counting } })] as const;
  });
  systems = new Map(await Promise.all(made));
});

/** A run over a storage: how many inputs it acknowledged, and what ended it. */
async function live(
  storage: MemoryStorage,
  begin: (ports: Ports) => Promise<Orchestrator>,
): Promise<{ readonly acknowledged: number; readonly failure: unknown }> {
  let acknowledged = 0;
  let run: Orchestrator | undefined;
  try {
    run = await begin(portsOver(storage));
    acknowledged = run.tick;
    while (run.tick < ticks) {
      run.send('counting/0', { payload: run.tick });
      await run.settle();
      await run.acknowledged();
      acknowledged = run.tick;
    }
    await run.close();
    return { acknowledged, failure: undefined };
  } catch (failure) {
    if (run !== undefined) {
      assert.throws(() => run!.send('counting/0', { payload: null }), EngineError);
      await run.close();
    }
    return { acknowledged, failure };
  }
}

function digests(storage: MemoryStorage): string[] {
  const reader = readEvents(openRunDirectory('memory', storage), { channels: ['digests'] });
  return [...reader].map(({ payload }) => Buffer.from(payload).toString('hex'));
}

for (const durability of ['tick', 'batch', 'none'] as const) {
  test(`mode "${durability}": whatever call fails, the run can go on to the same digests`, async () => {
    const system = systems.get(durability)!;
    const create = (ports: Ports) => Orchestrator.create({ system, runDirectory: 'memory' }, ports);
    const resume = (ports: Ports) => Orchestrator.resume({ runDirectory: 'memory' }, ports);
    const whole = new MemoryStorage();
    assert.equal((await live(whole, create)).acknowledged, ticks);
    const expected = digests(whole);
    assert.ok(expected.length === ticks && whole.calls.length > 60);
    for (let failAt = 0; failAt < whole.calls.length; failAt++) {
      for (const failures of [1, Number.POSITIVE_INFINITY]) {
        const storage = new MemoryStorage();
        storage.failAt = failAt;
        storage.failures = failures;
        const { acknowledged, failure } = await live(storage, create);
        const what = `${failures === 1 ? 'once' : 'for good'}, ${storage.calls[failAt]}`;
        assert.ok(failure instanceof EngineError, `${what}: ${String(failure)}`);
        assert.match(failure.message, /no space left/, what);
        const after = storage.calls.slice(failAt + 1);
        // A snapshot that is being written is a matter of its own.
        assert.deepEqual(
          after.filter((call) => !/^close|snapshots/.test(call) && !/snapshots/.test(what)),
          [],
          what,
        );
        storage.failAt = Number.POSITIVE_INFINITY;
        if (!storage.files.has('run.json')) continue;
        assert.ok(digests(storage).length >= (durability === 'none' ? 0 : acknowledged), what);
        assert.equal((await live(storage, resume)).acknowledged, ticks, what);
        assert.deepEqual(digests(storage), expected, what);
        assert.deepEqual(
          [...storage.files.keys()].filter((name) => name.endsWith('.tmp')),
          [],
          what,
        );
      }
    }
  });
}

test('a snapshot that was asked for is never of a tick that a loss of power takes out of the log', async () => {
  const storage = new MemoryStorage();
  const create = (ports: Ports) =>
    Orchestrator.create({ system: systems.get('none')!, runDirectory: 'memory' }, ports);
  const run = await create(portsOver(storage));
  run.send('counting/0', { payload: 1 });
  await run.settle();
  const written = storage.calls.length;
  await run.saveSnapshot();
  const after = storage.calls.slice(written);
  const [synced, kept] = [/^sync .*events/, /^create snapshots/].map((call) =>
    after.findIndex((it) => call.test(it)),
  );
  assert.ok(synced! >= 0 && kept! > synced!, after.join('; '));
  await run.close();
});

test('what the observer of a tick was still at, where a snapshot fails, ends nothing but that run', async () => {
  const storage = new MemoryStorage();
  const create = storage.create.bind(storage);
  storage.create = (name) => {
    if (name.startsWith('snapshots/')) throw new Error('no space left');
    return create(name);
  };
  const host = { snapshotTicks: 1, durability: 'none' } as const;
  const system = await createSystem({
    host,
    agents: { counting: { module: countingAgent(), everyTick: true, capabilities: ['output'] } },
  });
  const unmet: unknown[] = [];
  const note = (error: unknown): void => void unmet.push(error);
  process.on('unhandledRejection', note);
  try {
    const run = await Orchestrator.create({ system, runDirectory: 'memory' }, portsOver(storage));
    const onTick = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      run.send('counting', { payload: null });
    };
    await assert.rejects(run.run({ ticks: 9, onTick }), /no space left|the run has failed/);
    await run.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(unmet, []);
  } finally {
    process.off('unhandledRejection', note);
  }
});
