// Models in a real process: every type, mistakes, deaths, and the budget.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesOfElements,
  decodeInferenceAnswer,
  decodeStrings,
  ElementType,
  encodeStrings,
  encodeTensorList,
  type FlatTensor,
  InferenceStatus,
} from '../abi/tensor-list.ts';
import { EngineError } from '../base/errors.ts';
import { type ChildRequest, frameBytesMax } from './child-protocol.ts';
import { canonicalNan } from './host-tensor.ts';
import type { HostEvent, HostedModel } from './hosted-model.ts';
import { InferenceProcess, type ModelProcess } from './inference-process.ts';
import { ModelHost } from './model-host.ts';
import { modelProto, node, tensorProto, valueInfo } from './onnx/write-model.ts';
import { hashModelFolder } from './repository.ts';
import {
  elementwise,
  external,
  folderOf,
  hosted,
  looping,
  withoutRuntime,
  zeros,
} from './testing/sample-models.ts';

const { float32 } = ElementType;
const skip = withoutRuntime('portable');

function list(...values: readonly number[]): Uint8Array {
  const data = new Uint8Array(new Float32Array(values).buffer);
  return encodeTensorList([{ name: '', type: float32, dims: [values.length], data }]);
}

function textOf(bytes: Uint8Array | undefined): string {
  const answer = decodeInferenceAnswer(bytes ?? new Uint8Array(0));
  if (answer === undefined) return 'no answer';
  if (answer.status !== 0) return `${answer.status} ${answer.text}`;
  return answer.tensors
    .map(({ name, data }) => `${name} ${new Float32Array(data.slice().buffer).join(' ')}`)
    .join();
}

async function withHost<T>(
  use: (host: ModelHost, events: HostEvent[]) => Promise<T>,
  options: Partial<ConstructorParameters<typeof ModelHost>[0]> = {},
): Promise<T> {
  const events: HostEvent[] = [];
  const onEvent = (event: HostEvent): void => void events.push(event);
  const host = new ModelHost({ modelBytesMax: 2 ** 30, onEvent, ...options });
  try {
    return await use(host, events);
  } finally {
    await host.close();
  }
}

const refused = (words: RegExp) => (error: unknown) =>
  error instanceof EngineError && error.code === 'model-refused' && words.test(error.message);

test('requests are answered in their order; a mistake is an answer and no error', { skip }, async () => {
  const model = hosted(elementwise('Neg'));
  const answers = await withHost((host) => host.run(model, [list(1, -2), new Uint8Array(2), list(3)]));
  assert.deepEqual(answers.answers.map(textOf), [
    'y -1 2',
    '1 Cannot read the tensors: found 2 bytes, wanted at least 8',
    'y -3',
  ]);
});

test('every type of element passes a model unchanged', { skip }, async () => {
  await withHost(async (host) => {
    for (const type of Object.values(ElementType)) {
      if (type === ElementType.uint4 || type === ElementType.int4) continue;
      const data =
        type === ElementType.string
          ? encodeStrings(['ü', '', 'three', '4', '5'])
          : Uint8Array.from({ length: bytesOfElements(type, 5) }, (_, i) => i % 2);
      const model = hosted(elementwise('Identity', type), { id: `t${type}` });
      const tensor: FlatTensor = { name: '', type, dims: [5], data };
      const { answers } = await host.run(model, [encodeTensorList([tensor])]);
      const answer = decodeInferenceAnswer(answers[0]!);
      if (answer?.status !== 0) assert.fail(`type ${type}: ${textOf(answers[0])}`);
      assert.deepEqual([...answer.tensors[0]!.data], [...data], `type ${type}`);
      // The next one is then the first again, and loads into the same process.
      await host.unload(model);
      if (type === ElementType.string) assert.equal(decodeStrings(answer.tensors[0]!.data)[2], 'three');
    }
  });
});

test('elements of four bits reach a model', { skip }, async () => {
  const model = modelProto(
    {
      nodes: [node('DequantizeLinear', ['x', 'scale'], ['y'])],
      inputs: [valueInfo('x', ElementType.int4, ['n'])],
      outputs: [valueInfo('y', float32, ['n'])],
      initializers: [tensorProto('scale', float32, [], new Float32Array([1]))],
    },
    21,
  );
  const x: FlatTensor = { name: 'x', type: ElementType.int4, dims: [3], data: Uint8Array.of(0x21, 0x0f) };
  const { answers } = await withHost((host) => host.run(hosted(model), [encodeTensorList([x])]));
  assert.equal(textOf(answers[0]), 'y 1 2 -1');
});

test('NaN of an answer has one pattern, in every type that has NaN', { skip }, async () => {
  const answers = await withHost((host) => host.run(hosted(elementwise('Sqrt')), [list(-1, 4)]));
  const answer = decodeInferenceAnswer(answers.answers[0]!);
  assert.ok(answer?.status === 0);
  assert.deepEqual([...new Uint32Array(answer.tensors[0]!.data.slice().buffer)], [0x7fc00000, 0x40000000]);
  const halves = new Uint8Array(new Uint16Array([0xfe01, 0x7c01, 0x7c00, 0xfc00]).buffer);
  canonicalNan(ElementType.float16, halves);
  assert.deepEqual([...new Uint16Array(halves.buffer)], [0x7e00, 0x7e00, 0x7c00, 0xfc00]);
  const wide = new Uint8Array(new BigUint64Array([0xfff0000000000001n, 0xfff0000000000000n]).buffer);
  canonicalNan(ElementType.float64, wide);
  assert.deepEqual([...new BigUint64Array(wide.buffer)], [0x7ff8000000000000n, 0xfff0000000000000n]);
});

test('results above outputBytesMax are told, and not given', { skip }, async () => {
  const answers = await withHost((host) => host.run(hosted(zeros(20_000)), [encodeTensorList([])]));
  assert.match(textOf(answers.answers[0]), /^4 .*more than 65536 bytes/);
});

test('answers of a tick that no message holds together come in several', { skip }, async () => {
  // 90 answers of a megabyte, in batches of 8 and singly.
  for (const batchMax of [8, 1]) {
    const wide = modelProto({
      nodes: [node('Expand', ['x', 'size'], ['y'])],
      inputs: [valueInfo('x', float32, ['n', 1])],
      outputs: [valueInfo('y', float32, ['n', 'c'])],
      initializers: [tensorProto('size', ElementType.int64, [2], new BigInt64Array([1n, 262_144n]))],
    });
    const model = hosted(wide, { batchMax, outputBytesMax: 2 ** 21 });
    const requests = Array.from({ length: 90 }, (_, i) => {
      const data = new Uint8Array(new Float32Array([i]).buffer);
      return encodeTensorList([{ name: '', type: float32, dims: [1, 1], data }]);
    });
    const bodies: number[] = [];
    const startProcess = (): InferenceProcess => {
      const process = new InferenceProcess();
      const ask = process.ask.bind(process) as (
        ...asked: unknown[]
      ) => Promise<{ readonly body: Uint8Array }>;
      const watched = async (...asked: unknown[]): Promise<unknown> => {
        const answer = await ask(...asked);
        bodies.push(answer.body.length);
        return answer;
      };
      return Object.assign(process, { ask: watched });
    };
    await withHost(
      async (host) => {
        const { answers, facts } = await host.run(model, requests);
        answers.forEach((bytes, i) => {
          const answer = decodeInferenceAnswer(bytes);
          assert.ok(answer?.status === 0 && facts[i]!.batch >= 1);
          const { dims, data } = answer.tensors[0]!;
          assert.deepEqual(dims, [1, 262_144]);
          assert.deepEqual([...new Float32Array(data.slice(-8).buffer)], [i, i]);
        });
        assert.ok(bodies.every((bytes) => bytes < frameBytesMax + 2 ** 21));
      },
      { startProcess },
    );
  }
});

test('weights of the own folder are read', { skip }, async () => {
  const weights = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);
  const folder = folderOf({ 'model.onnx': external('w.bin'), 'w.bin': weights });
  const model = { ...hosted(zeros(1)), folder, sha256: hashModelFolder(folder).sha256 };
  const { answers } = await withHost((host) => host.run(model, [list(1, 1, 1, 1)]));
  assert.equal(textOf(answers[0]), 'y 2 3 4 5');
});

test('what is no model, need not end, or is not what was pinned is refused with one error', {
  skip,
}, async () => {
  await withHost(async (host) => {
    const good = hosted(elementwise('Neg'));
    const cases: [HostedModel, RegExp][] = [
      [hosted(new Uint8Array(5)), /Cannot load model "m\/1": the file is no ONNX model/],
      [hosted(elementwise('Nonsense')), /the runtime does not take it/],
      [hosted(looping('none')), /wanted a model that always ends in mode "portable"/],
      [hosted(external('../w.bin')), /wanted a file of its own folder/],
      [hosted(external('w.bin')), /no such file is in its folder/],
      [{ ...good, sha256: '0'.repeat(64) }, /its hash is [0-9a-f]{64}, wanted 0{64}/],
    ];
    for (const [model, words] of cases) await assert.rejects(host.load(model), refused(words));
    assert.equal(textOf((await host.run(good, [list(5)])).answers[0]), 'y -5');
  });
});

test('a process that dies is started again, and what was under way is run again', { skip }, async () => {
  const processes: InferenceProcess[] = [];
  const startProcess = (): InferenceProcess => {
    const process = new InferenceProcess();
    processes.push(process);
    return process;
  };
  const model = hosted(elementwise('Neg'));
  await withHost(
    async (host, events) => {
      assert.equal(textOf((await host.run(model, [list(1)])).answers[0]), 'y -1');
      const under = [1, 2, 3].map((value) => host.run(model, [list(value)]));
      process.kill(processes[0]!.pid!, 'SIGKILL');
      const answers = await Promise.all(under);
      assert.deepEqual(
        answers.map(({ answers: [bytes] }) => textOf(bytes)),
        ['y -1', 'y -2', 'y -3'],
      );
      assert.ok(events.some(({ kind }) => kind === 'inference-process-lost'));
      assert.equal(processes.length, 2);
    },
    { startProcess },
  );
});

test('a model that goes, since another one wants its room, is not run before it is loaded again', async () => {
  const [a, b] = ['a', 'b'].map((id) => hosted(elementwise('Neg'), { id }));
  const answer = encodeTensorList([]);
  const one = { values: [''], times: [1] };
  const ran = {
    problems: one,
    sizes: { values: [answer.length], times: [1] },
    runOf: { values: [0], times: [1] },
  };
  const loaded = { signature: { inputs: [], outputs: [] }, bytes: 1, batching: { kind: 'single' } };
  for (let turns = 0; turns < 20; turns++) {
    const sessions = new Set<number>();
    let onLoad = async (): Promise<void> => {};
    const ask = async (_: unknown, request: ChildRequest): Promise<object> => {
      if (request.kind === 'load') {
        await onLoad();
        sessions.add(request.session);
        return loaded;
      }
      if (request.kind === 'release') sessions.delete(request.session);
      if (request.kind === 'run') assert.ok(sessions.has(request.session), `after ${turns} turns`);
      return { ...ran, runs: [{ requests: 1, micros: 1 }], body: answer, processBytes: 0 };
    };
    const close = async (): Promise<void> => {};
    const startProcess = (): ModelProcess => ({ ask, close, lost: false, pid: 1 }) as unknown as ModelProcess;
    await withHost(
      async (host) => {
        await host.load(b!);
        await host.load(a!);
        // The load of the other one ends so many turns of the queue before the run begins.
        const begun = new Promise<() => void>((resolve) => {
          onLoad = () => new Promise((end) => resolve(end));
        });
        const load = host.load(b!);
        (await begun)();
        onLoad = async () => {};
        for (let turn = 0; turn < turns; turn++) await undefined;
        await host.run(a!, [answer]);
        await load;
      },
      { modelBytesMax: 1, startProcess },
    );
  }
});

test('a budget for two of five models keeps two, and changes no answer', { skip }, async () => {
  const models = Array.from({ length: 5 }, (_, i) =>
    hosted(
      modelProto({
        nodes: [
          node('Mul', ['x', 'x'], ['y']),
          ...Array.from({ length: i }, (_, k) => node('Neg', ['y'], [`z${k}`])),
        ],
        inputs: [valueInfo('x', float32, ['n'])],
        outputs: [valueInfo('y', float32, ['n'])],
      }),
      { id: `m${i}` },
    ),
  );
  await withHost(
    async (host, events) => {
      for (const i of [0, 1, 2, 0, 1, 3, 4, 4, 2, 0]) {
        assert.equal(textOf((await host.run(models[i]!, [list(i)])).answers[0]), `y ${i * i}`);
        assert.ok(host.resident.length <= 2);
      }
      const evicted = events.filter(({ kind }) => kind === 'model-evicted').map(({ model }) => model);
      assert.deepEqual(evicted, ['m0/1', 'm1/1', 'm2/1', 'm0/1', 'm1/1', 'm3/1', 'm4/1']);
      assert.deepEqual(
        host.statistics.map(({ loads }) => loads),
        [3, 2, 2, 1, 1],
      );
      await host.unload(models[0]!);
      assert.deepEqual(
        host.resident.map(({ model }) => model.id),
        ['m2'],
      );
    },
    { modelBytesMax: 2_200_000 },
  );
});

test('what a model does not do to a request is an answer, too', { skip }, async () => {
  const gather = modelProto({
    nodes: [node('Gather', ['x', 'at'], ['y'])],
    inputs: [valueInfo('x', float32, ['n']), valueInfo('at', ElementType.int64, [])],
    outputs: [valueInfo('y', float32, [])],
  });
  const at = {
    name: 'at',
    type: ElementType.int64,
    dims: [],
    data: new Uint8Array(new BigInt64Array([9n]).buffer),
  };
  const x: FlatTensor = { name: 'x', type: float32, dims: [1], data: new Uint8Array(4) };
  await withHost(async (host, events) => {
    const { answers } = await host.run(hosted(gather), [encodeTensorList([x, at])]);
    assert.equal(textOf(answers[0]), `${InferenceStatus.modelFailed} Cannot run the model: it failed`);
    assert.ok(events.some(({ kind, reason }) => kind === 'model-problem' && /indices/.test(reason)));
  });
});
