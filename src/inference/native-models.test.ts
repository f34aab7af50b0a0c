// Models of modes "native" and "gpu": their failures are answers, and each step down is told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { decodeInferenceAnswer, ElementType, encodeTensorList } from '../abi/tensor-list.ts';
import type { ChildRequest } from './child-protocol.ts';
import type { HostEvent, HostedModel } from './hosted-model.ts';
import { InferenceProcess, ProcessLost } from './inference-process.ts';
import { ModelHost } from './model-host.ts';
import { modelProto, node, tensorProto, valueInfo } from './onnx/write-model.ts';
import { hashModelFolder } from './repository.ts';
import { ModelSession } from './session.ts';
import { elementwise, folderOf, hosted, looping, withoutRuntime } from './testing/sample-models.ts';
import { qwen, sampleKey, textRequest } from './testing/sample-texts.ts';

const { float32, int64 } = ElementType;
const skip = withoutRuntime('native');

function list(...values: readonly number[]): Uint8Array {
  const data = new Uint8Array(new Float32Array(values).buffer);
  return encodeTensorList([{ name: '', type: float32, dims: [values.length], data }]);
}

function textOf(bytes: Uint8Array | undefined): string {
  const answer = decodeInferenceAnswer(bytes ?? new Uint8Array(0));
  if (answer?.status !== 0) return `${answer?.status} ${answer?.text}`;
  return new Float32Array(answer.tensors[0]!.data.slice().buffer).join(' ');
}

/** Takes long: so many steps of a loop that nothing bounds. */
function slow(): Uint8Array<ArrayBuffer> {
  return looping(2 ** 31);
}

async function withHost<T>(
  use: (host: ModelHost, events: HostEvent[], processes: InferenceProcess[]) => Promise<T>,
  options: Partial<ConstructorParameters<typeof ModelHost>[0]> = {},
): Promise<T> {
  const events: HostEvent[] = [];
  const processes: InferenceProcess[] = [];
  const startProcess = (): InferenceProcess => {
    const process = new InferenceProcess();
    processes.push(process);
    return process;
  };
  const host = new ModelHost({
    modelBytesMax: 2 ** 30,
    onEvent: (event) => events.push(event),
    startProcess,
    ...options,
  });
  try {
    return await use(host, events, processes);
  } finally {
    await host.close();
  }
}

const native = (bytes: Uint8Array, rest: Partial<HostedModel> = {}): HostedModel =>
  hosted(bytes, { mode: 'native', ...rest });

test('a native model answers as a portable one, within what their arithmetic allows', { skip }, async () => {
  await withHost(async (host) => {
    const bytes = elementwise('Exp');
    const [own] = (await host.run(native(bytes), [list(0, 1)])).answers;
    assert.match(textOf(own), /^1 2\.71828/);
  });
});

test('a model that is late is answered as such, its process ends, and others are tried again', {
  skip,
}, async () => {
  await withHost(async (host, _, processes) => {
    const quick = native(elementwise('Neg'), { id: 'quick' });
    const late = native(slow(), { id: 'slow', timeoutMs: 300, batchMax: 1 });
    assert.equal(textOf((await host.run(quick, [list(1)])).answers[0]), '-1');
    await host.load(late);
    const under = host.run(late, [list(1)]);
    const behind = host.run(quick, [list(2)]);
    assert.equal(
      textOf((await under).answers[0]),
      '5 Cannot give the results: the model did not answer in time',
    );
    assert.equal(textOf((await behind).answers[0]), '-2');
    assert.ok(processes.length > 1);
  });
});

test('loading again is part of the time for an answer; a process that stands still holds no other', {
  skip: skip || process.platform === 'win32' ? 'processes cannot be stopped here' : false,
}, async () => {
  const waits: { readonly waitMs: number; readonly callback: () => void }[] = [];
  const loadTimeoutMs = 5000;
  const after = (waitMs: number, callback: () => void): (() => void) => {
    const wait = { waitMs, callback };
    waits.push(wait);
    return () => void waits.splice(waits.indexOf(wait), 1);
  };
  const clock = { nowMs: () => 0, after };
  const end = async (waitMs: number): Promise<void> => {
    let found = waits.find((wait) => wait.waitMs === waitMs);
    for (; found === undefined; found = waits.find((wait) => wait.waitMs === waitMs)) await pause(10);
    found.callback();
  };
  await withHost(
    async (host, _, processes) => {
      const [a, b] = ['a', 'b'].map((id, i) =>
        native(elementwise(i === 0 ? 'Neg' : 'Abs'), { id, timeoutMs: 7 }),
      );
      await host.load(a!);
      await host.load(b!);
      assert.deepEqual(
        host.resident.map(({ model }) => model.id),
        ['b'],
      );
      process.kill(processes[0]!.pid!, 'SIGSTOP');
      const under = host.run(a!, [list(1)]);
      await end(7);
      assert.match(textOf((await under).answers[0]), /^5 /);
      const portable = hosted(elementwise('Neg'), { id: 'c' });
      assert.equal(textOf((await host.run(portable, [list(1)])).answers[0]), '-1');
      const behind = host.run({ ...a!, timeoutMs: undefined }, [list(2)]);
      await end(loadTimeoutMs);
      assert.equal(textOf((await behind).answers[0]), '-2');
      assert.equal(processes[0]!.lost, true);
    },
    { clock, loadTimeoutMs, modelBytesMax: 1 },
  );
});

test('a process that stands still holds an explicit load for no longer than loading may take', {
  skip: skip || process.platform === 'win32' ? 'processes cannot be stopped here' : false,
}, async () => {
  const waits: { readonly waitMs: number; readonly callback: () => void }[] = [];
  const after = (waitMs: number, callback: () => void): (() => void) => {
    const wait = { waitMs, callback };
    waits.push(wait);
    return () => void waits.splice(waits.indexOf(wait), 1);
  };
  for (const mode of ['native', 'portable'] as const) {
    await withHost(
      async (host, events, processes) => {
        const [a, b] = ['a', 'b'].map((id) => hosted(elementwise(id === 'a' ? 'Neg' : 'Abs'), { id, mode }));
        await host.load(a!);
        process.kill(processes[0]!.pid!, 'SIGSTOP');
        const load = host.load(b!);
        // It is tried in a process of its own, and then waits for the one that stands still.
        while (waits.length !== 1 || processes[1]?.lost !== true) await pause(10);
        waits[0]!.callback();
        await load;
        assert.equal(processes[0]!.lost, true);
        const lost = events.find(({ kind }) => kind === 'inference-process-lost');
        assert.match(lost!.reason, /^it had not loaded a model in 1234 ms$/);
        assert.equal(textOf((await host.run(a!, [list(1)])).answers[0]), '-1');
      },
      { clock: { nowMs: () => 0, after }, loadTimeoutMs: 1234 },
    );
  }
});

test('a native model whose process dies is answered as unavailable, and runs again after', {
  skip,
}, async () => {
  await withHost(async (host, events, processes) => {
    const model = native(elementwise('Neg'));
    const late = native(slow(), { id: 'slow', batchMax: 1 });
    await host.run(model, [list(1)]);
    await host.load(late);
    const under = host.run(late, [list(1)]);
    setTimeout(() => process.kill(processes[0]!.pid!, 'SIGKILL'), 200);
    assert.equal(textOf((await under).answers[0]), '6 Cannot give the results: the model cannot be run');
    assert.ok(events.some(({ kind }) => kind === 'inference-process-lost'));
    assert.equal(textOf((await host.run(model, [list(3)])).answers[0]), '-3');
  });
});

test('a process that had a text to go on with may have died of that: a request that waited has another try', {
  skip: skip || process.platform === 'win32' ? 'processes cannot be stopped here' : false,
}, async () => {
  await withHost(async (host, _, processes) => {
    const folder = folderOf(qwen);
    const { sha256 } = hashModelFolder(folder);
    const decoder = native(elementwise('Neg'), { id: 'text', folder, sha256 });
    const model = native(elementwise('Neg'));
    const wanted = { request: textRequest(), key: sampleKey, tokens: [], part: 0 };
    const runAndDie = async (): Promise<string> => {
      await host.run(model, [list(1)]);
      const { pid } = processes.find(({ lost }) => !lost)!;
      process.kill(pid!, 'SIGSTOP');
      const under = host.run(model, [list(2)]);
      await pause(10);
      process.kill(pid!, 'SIGKILL');
      return textOf((await under).answers[0]);
    };
    await host.generate(decoder, 1, wanted);
    assert.equal(await runAndDie(), '-2');
    await host.generate(decoder, 1, wanted);
    await host.forget(decoder, 1);
    assert.match(await runAndDie(), /^6 /);
  });
});

test('a request that ends its process whatever else is there is not tried for ever', async () => {
  let tries = 0;
  const loaded = { signature: { inputs: [], outputs: [] }, bytes: 1, batching: { kind: 'single' } };
  const ask = async (_: unknown, request: ChildRequest): Promise<object> => {
    if (request.kind !== 'run') return loaded;
    tries++;
    throw new ProcessLost('it ended', false, true);
  };
  const close = async (): Promise<void> => {};
  const startProcess = () => ({ ask, close, lost: false, pid: 1 }) as unknown as InferenceProcess;
  await withHost(
    async (host) => {
      assert.match(textOf((await host.run(native(elementwise('Neg')), [list(1)])).answers[0]), /^6 /);
      assert.equal(tries, 3);
    },
    { startProcess },
  );
});

test('without graphics hardware a "gpu" model runs on the processor, after telling why', {
  skip,
}, async () => {
  await withHost(async (host, events) => {
    const model = hosted(elementwise('Neg'), { mode: 'gpu' });
    assert.equal(textOf((await host.run(model, [list(4)])).answers[0]), '-4');
    await host.run(model, [list(4)]);
    const [facts] = host.statistics;
    const fallbacks = events.filter(({ kind }) => kind === 'model-fallback').map(({ reason }) => reason);
    // Each provider is probed once; one that is there is used.
    assert.ok(fallbacks.length <= 2);
    if (facts!.provider === 'cpu') {
      assert.match(fallbacks[0]!, /^cuda cannot be used: the runtime does not take it: /);
      assert.match(fallbacks[1]!, /^webgpu cannot be used: /);
    }
  });
});

test('a model of dynamic products, whose bits depend on its batch, runs in batches of one size', {
  skip,
}, async () => {
  const dynamic = modelProto({
    nodes: [
      node('Unsqueeze', ['x', 'axis'], ['row']),
      node('MatMul', ['row', 'w'], ['m']),
      node('Squeeze', ['m', 'axis'], ['y']),
    ],
    inputs: [valueInfo('x', float32, ['n', 8])],
    outputs: [valueInfo('y', float32, ['n', 8])],
    initializers: [
      tensorProto('axis', int64, [1], new BigInt64Array([1n])),
      tensorProto(
        'w',
        float32,
        [8, 8],
        Float32Array.from({ length: 64 }, (_, i) => 1 / (i + 3)),
      ),
    ],
  });
  await withHost(async (host) => {
    const { batching } = await host.load(native(dynamic));
    assert.notEqual(batching.kind, 'single');
  });
});

test('an answer has the same bits wherever in memory its request begins, and beside any others', {
  skip,
}, async () => {
  const sum = modelProto({
    nodes: [node('ReduceMean', ['x'], ['y'], { axes: { ints: [1] } })],
    inputs: [valueInfo('x', ElementType.float32, ['n', 'd'])],
    outputs: [valueInfo('y', ElementType.float32, ['n', 1])],
  });
  const session = await ModelSession.open({ ...hosted(sum, { mode: 'native' }), provider: 'cpu' });
  for (const width of [5, 19, 37]) {
    const requests = Array.from({ length: 8 }, (_, place) => {
      const values = Float32Array.from({ length: width }, (_, i) => Math.sin(i * 13.7 + place) * 9);
      const data = new Uint8Array(values.buffer);
      return encodeTensorList([{ name: 'x', type: ElementType.float32, dims: [1, width], data }]);
    });
    const together = await session.run(requests, 1000);
    for (const [place, request] of requests.entries()) {
      for (const offset of [0, 8, 16, 24]) {
        const bytes = new Uint8Array(request.length + offset);
        bytes.set(request, offset);
        const { answers } = await session.run([bytes.subarray(offset)], 1000);
        assert.deepEqual(answers[0], together.answers[place], `${width} numbers at ${offset}`);
      }
    }
  }
  await session.release();
});

test('statistics count requests, failures, batches and times', { skip }, async () => {
  await withHost(async (host) => {
    const model = native(elementwise('Neg'));
    await host.run(model, [list(1), list(2), list(3), new Uint8Array(1)]);
    await host.run(model, [list(1)]);
    const [facts] = host.statistics;
    assert.deepEqual([facts!.requests, facts!.failures, facts!.provider, facts!.loads], [5, 1, 'cpu', 1]);
    const sizes = [...facts!.batches].map(([size, { runs }]) => [size, runs]);
    assert.deepEqual(sizes, [
      [3, 1],
      [1, 1],
    ]);
    const micros = [...facts!.batches.values()].reduce((sum, batch) => sum + batch.computeMicros, 0);
    assert.equal(facts!.computeMicros, micros);
    assert.ok(facts!.processBytes > facts!.bytes);
    assert.ok(facts!.computeMicros > 0 && facts!.queueMicros > 0 && facts!.bytes > 0);
  });
});
