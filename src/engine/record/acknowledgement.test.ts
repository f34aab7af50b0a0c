// Inputs of the embedding program: sealed before they are acknowledged, and outputs only after their tick is durable.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHex } from '../../base/encoding.ts';
import { createSystem, EngineError, Orchestrator, type SystemDescription } from '../index.ts';
import { createInput, HostInputs } from '../input/host-inputs.ts';
import { echoAgent, restlessAgent } from '../testing/agents.ts';
import { chainOf, fedSource, KeptOutputs, newFolder, recorded } from '../testing/runs.ts';

const echo = { module: echoAgent(), capabilities: ['output'] } as const;
type Durability = 'tick' | 'batch' | 'none';

async function create(
  durability: Durability,
  options: { outputs?: { write(): void }; workers?: number } = {},
) {
  const description: SystemDescription = { host: { durability }, agents: { echo } };
  const runDirectory = newFolder();
  const orchestrator = await Orchestrator.create({
    ...options,
    system: await createSystem(description),
    runDirectory,
  });
  return { orchestrator, runDirectory };
}

/** Whether a promise has settled once everything that is ready has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

function sealedPayloads(folder: string): string[] {
  return recorded(folder, 'inputs').flatMap(({ inputs }) => inputs.map(({ payload }) => encodeHex(payload)));
}

test('acknowledged() resolves at once without inputs, and after their tick with them, in every mode', async () => {
  for (const durability of ['tick', 'batch', 'none'] as const) {
    const { orchestrator } = await create(durability);
    await orchestrator.acknowledged();
    orchestrator.send('echo', { payload: 1 });
    const acknowledged = orchestrator.acknowledged();
    assert.equal(await isSettled(acknowledged), false, durability);
    await orchestrator.settle();
    await acknowledged;
    await orchestrator.acknowledged();
    await orchestrator.close();
  }
});

test('an input that waits when the run is interrupted is refused, not acknowledged', async () => {
  const { orchestrator, runDirectory } = await create('tick');
  orchestrator.send('echo', { payload: 1 });
  const refused = orchestrator.acknowledged();
  await Promise.all([
    assert.rejects(refused, (error) => error instanceof EngineError && error.code === 'input-refused'),
    orchestrator.close(),
  ]);
  await assert.rejects(orchestrator.acknowledged(), EngineError);
  assert.deepEqual(sealedPayloads(runDirectory), []);
});

test('an abort while the source is awaited acknowledges nothing that was not sealed', async () => {
  const { orchestrator, runDirectory } = await create('batch');
  const { source, feed } = fedSource();
  const controller = new AbortController();
  const running = orchestrator.run({ source, signal: controller.signal });
  orchestrator.send('echo', { payload: 7 });
  const acknowledged = orchestrator.acknowledged().then(
    () => 'acknowledged',
    () => 'refused',
  );
  assert.equal(await isSettled(acknowledged), false);
  controller.abort();
  assert.equal((await running).reason, 'interrupted');
  const sealed = sealedPayloads(runDirectory);
  assert.deepEqual([await acknowledged, sealed], ['refused', []]);
  assert.ok(feed.destroyed, 'the source was let go of');
});

test('inputs that come while the source is awaited go into the tick of its lines, before them', async () => {
  const { orchestrator, runDirectory } = await create('tick');
  const { source, feed } = fedSource();
  const running = orchestrator.run({ source });
  orchestrator.send('echo', { payload: 1 });
  await isSettled(running);
  orchestrator.send('echo', { payload: 2 });
  const acknowledged = orchestrator.acknowledged();
  feed.push('{"agent":"echo","payload":3}\n');
  await isSettled(running);
  feed.push(null);
  await running;
  await acknowledged;
  assert.deepEqual(sealedPayloads(runDirectory), ['31', '32', '33', '']);
});

test('a live run takes calls and lines when they come, and ends with its source', async () => {
  const { orchestrator, runDirectory } = await create('batch');
  const { source, feed } = fedSource();
  const running = orchestrator.run({ source, live: true });
  for (let i = 0; i < 5; i++) {
    await Promise.resolve();
    orchestrator.send('echo', { payload: i });
    await orchestrator.acknowledged();
    assert.equal(recorded(runDirectory, 'digests').at(-1)!.tick, orchestrator.tick);
  }
  feed.push('{"agent":"echo","payload":5}\n');
  while (orchestrator.tick < 6) await new Promise((resolve) => setImmediate(resolve));
  feed.push(null);
  const { outputs, ticks } = await running;
  assert.deepEqual([outputs, ticks], [6, 7]);
});

test('waiting for a line that does not come costs no more the longer it lasts', async (t) => {
  const { orchestrator } = await create('none');
  const { source, feed } = fedSource();
  const running = orchestrator.run({ source, live: true });
  const counts = new WeakMap<object, number>();
  let most = 0;
  const then = Promise.prototype.then;
  t.mock.method(
    Promise.prototype,
    'then',
    function (this: Promise<unknown>, ...words: Parameters<typeof then>) {
      const count = (counts.get(this) ?? 0) + 1;
      counts.set(this, count);
      most = Math.max(most, count);
      return then.apply(this, words);
    },
  );
  try {
    for (let i = 0; i < 30; i++) {
      orchestrator.send('echo', { payload: i });
      await orchestrator.acknowledged();
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    t.mock.restoreAll();
  }
  feed.push('{"agent":"echo","payload":30}\n');
  feed.push(null);
  assert.equal((await running).outputs, 31);
  assert.ok(most < 10, `one promise was asked ${most} times`);
});

test('a call made in any microtask of a live run is heard without a line', async () => {
  for (let delay = 0; delay < 12; delay++) {
    const { orchestrator } = await create('none');
    const { source, feed } = fedSource();
    const running = orchestrator.run({ source, live: true });
    for (let i = 0; i < delay; i++) await Promise.resolve();
    orchestrator.send('echo', { payload: delay });
    await orchestrator.acknowledged();
    feed.push(null);
    await running;
  }
});

test('a paced run that waits for a timer far away takes a call when it comes', async () => {
  const { orchestrator, runDirectory } = await create('batch');
  const { source, feed } = fedSource();
  // The line is held for a tick that is years away.
  feed.push('{"agent":"echo","payload":1,"tick":100000000000}\n');
  const controller = new AbortController();
  const { signal } = controller;
  const running = orchestrator.run({ source, live: true, pace: 'wall-clock', signal });
  await isSettled(running);
  orchestrator.send('echo', { payload: 2 });
  await orchestrator.acknowledged();
  assert.deepEqual(sealedPayloads(runDirectory), ['32']);
  const { tick } = orchestrator;
  assert.ok(tick >= 1 && tick < 100_000, `tick ${tick}`);
  controller.abort();
  assert.equal((await running).reason, 'interrupted');
});

test('outputs leave only when the record on the disk has their tick', async () => {
  for (const durability of ['tick', 'batch'] as const) {
    const outputs = new KeptOutputs();
    let folder = '';
    const seen: boolean[] = [];
    const write = (...list: Parameters<KeptOutputs['write']>): void => {
      outputs.write(...list);
      const [{ tick }] = list;
      seen.push(chainOf(folder).some((link) => link.startsWith(`${tick} `)));
    };
    const { orchestrator, runDirectory } = await create(durability, {
      outputs: { write: write as () => void },
    });
    folder = runDirectory;
    for (let i = 0; i < 6; i++) {
      orchestrator.send('echo', { payload: i });
      await orchestrator.settle();
    }
    await orchestrator.run();
    assert.deepEqual(
      seen,
      Array.from({ length: 6 }, () => true),
      durability,
    );
  }
});

test('host inputs are bounded, and their bound opens when they are taken', () => {
  const inputs = new HostInputs();
  const input = createInput(1);
  for (let i = 0; i < 65_536; i++) inputs.add(input);
  assert.throws(
    () => inputs.add(input),
    (error) => error instanceof EngineError && error.code === 'input-refused',
  );
  assert.equal(inputs.take().length, 65_536);
  inputs.add(input);
  assert.equal(inputs.take().length, 1);
});

test('acknowledgements resolve in the order of the calls, each for what came before it', async () => {
  const inputs = new HostInputs();
  const order: string[] = [];
  const input = createInput(1);
  inputs.add(input);
  const first = inputs.acknowledged().then(() => order.push('first'));
  inputs.take();
  inputs.add(input);
  const second = inputs.acknowledged().then(
    () => order.push('second'),
    () => order.push('second refused'),
  );
  inputs.noteTick(0, []);
  inputs.markDurable(inputs.executedCount);
  await first;
  inputs.close('it was closed');
  await second;
  assert.deepEqual(order, ['first', 'second refused']);
  assert.throws(() => inputs.add(input), /it was closed/);
});

test('a call is not acknowledged for one that came later and had not to wait for a receiver', async () => {
  const inputs = new HostInputs();
  const [waits, waitsToo, pauses] = [createInput(1), createInput(1), createInput(6)];
  inputs.add(waits);
  const acknowledged = inputs.acknowledged();
  for (const input of [waitsToo, pauses]) inputs.add(input);
  const all = inputs.acknowledged();
  inputs.take();
  assert.equal(inputs.executedCount, 0, 'its tick is not executed');
  inputs.noteTick(0, [waits, waitsToo]);
  inputs.markDurable(inputs.executedCount);
  assert.equal(await isSettled(acknowledged), false);
  inputs.take();
  inputs.noteTick(0, [waitsToo]);
  inputs.markDurable(inputs.executedCount);
  await acknowledged;
  assert.equal(await isSettled(all), false);
  inputs.take();
  inputs.noteTick(0, []);
  inputs.markDurable(inputs.executedCount);
  await all;
});

test('a call that an earlier process took, and that still waits, holds up none of this one', async () => {
  const inputs = new HostInputs();
  const [earlier, own] = [createInput(1), createInput(1)];
  inputs.add(own);
  const acknowledged = inputs.acknowledged();
  inputs.take();
  inputs.noteTick(0, [earlier, own]);
  inputs.markDurable(inputs.executedCount);
  assert.equal(await isSettled(acknowledged), false);
  inputs.take();
  inputs.noteTick(0, [earlier]);
  inputs.markDurable(inputs.executedCount);
  await acknowledged;
});

test('a restless run acknowledges in batches while it goes on', async () => {
  const restless = { module: restlessAgent(), capabilities: ['output'] } as const;
  const system = await createSystem({ host: { durability: 'batch' }, agents: { restless } });
  const orchestrator = await Orchestrator.create({ system, runDirectory: newFolder() });
  const controller = new AbortController();
  orchestrator.send('restless', { payload: 1 });
  const running = orchestrator.run({ signal: controller.signal });
  await orchestrator.acknowledged();
  orchestrator.send('restless', { payload: 2 });
  await orchestrator.acknowledged();
  controller.abort();
  assert.equal((await running).reason, 'interrupted');
});
