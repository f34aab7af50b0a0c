// What breaks a portable runtime is asked again where nothing else is; what breaks there is an answer.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeInferenceAnswer, ElementType, encodeTensorList } from '../abi/tensor-list.ts';
import type { HostEvent } from './hosted-model.ts';
import { InferenceProcess, type ModelProcess } from './inference-process.ts';
import { ModelHost } from './model-host.ts';
import { modelProto, node, tensorProto, valueInfo } from './onnx/write-model.ts';
import { repeatsOf } from './repeats.ts';
import { elementwise, hosted, withoutRuntime } from './testing/sample-models.ts';

const { float32, int64 } = ElementType;
const skip = withoutRuntime('portable');

function table(rows: number, columns: number): Uint8Array {
  const data = new Uint8Array(new Float32Array(rows * columns).fill(7).buffer);
  return encodeTensorList([{ name: '', type: float32, dims: [rows, columns], data }]);
}

/** Traps on a table without rows. */
function largest(): Uint8Array<ArrayBuffer> {
  return modelProto({
    nodes: [node('TopK', ['x', 'k'], ['y', 'at'])],
    inputs: [valueInfo('x', float32, ['n', 'c'])],
    outputs: [valueInfo('y', float32, ['a', 'b'])],
    initializers: [tensorProto('k', int64, [1], new BigInt64Array([1n]))],
  });
}

/** The sum of so many zeros as are asked for. */
function filling(): Uint8Array<ArrayBuffer> {
  return modelProto({
    nodes: [node('ConstantOfShape', ['shape'], ['z']), node('ReduceSum', ['z'], ['y'])],
    inputs: [valueInfo('shape', int64, [1])],
    outputs: [valueInfo('y', float32, ['n'])],
  });
}

function shape(elements: bigint): Uint8Array {
  const data = new Uint8Array(new BigInt64Array([elements]).buffer);
  return encodeTensorList([{ name: '', type: int64, dims: [1], data }]);
}

function textOf(bytes: Uint8Array | undefined): string {
  const answer = decodeInferenceAnswer(bytes ?? new Uint8Array(0));
  if (answer?.status !== 0) return `${answer?.status} ${answer?.text}`;
  return new Float32Array(answer.tensors[0]!.data.slice().buffer).join(' ');
}

interface Started {
  readonly host: ModelHost;
  readonly events: readonly HostEvent[];
  readonly processes: readonly ModelProcess[];
}

async function withHost(
  use: (started: Started) => Promise<void>,
  start: () => ModelProcess = () => new InferenceProcess(),
): Promise<void> {
  const events: HostEvent[] = [];
  const processes: ModelProcess[] = [];
  const startProcess = (): ModelProcess => {
    processes.push(start());
    return processes.at(-1)!;
  };
  const host = new ModelHost({
    modelBytesMax: 2 ** 30,
    onEvent: (event) => events.push(event),
    startProcess,
  });
  try {
    await use({ host, events, processes });
  } finally {
    await host.close();
  }
  assert.ok(processes.every(({ lost }) => lost));
}

test('a request that traps is answered as a failure, the others of its tick as ever', { skip }, async () => {
  const model = hosted(largest(), { batchMax: 1 });
  const other = hosted(elementwise('Neg'), { id: 'other', batchMax: 1 });
  await withHost(async ({ host, processes }) => {
    const requests = [table(1, 4), table(0, 4), table(2, 4)];
    const wanted = ['7', '3 Cannot run the model: it failed', '7 7'];
    const { answers } = await host.run(model, requests);
    assert.deepEqual(answers.map(textOf), wanted);
    const count = processes.length;
    const again = await host.run(model, requests);
    assert.deepEqual(again.answers.map(textOf), wanted);
    // What is known to fail costs no process.
    assert.ok(processes.length <= count + 1);
    assert.match(textOf((await host.run(other, [table(1, 1)])).answers[0]), /^2 /);
  });
});

test('a model whose made-up inputs break the runtime loads, and breaks it for nobody else', {
  skip,
}, async () => {
  const model = modelProto({
    nodes: [node('TopK', ['x', 'k'], ['y', 'at'])],
    // Nothing else can be made up for it.
    inputs: [valueInfo('x', float32, [0, 4])],
    outputs: [valueInfo('y', float32, ['a', 'b'])],
    initializers: [tensorProto('k', int64, [1], new BigInt64Array([1n]))],
  });
  await withHost(async ({ host, processes }) => {
    await host.load(hosted(model));
    assert.deepEqual(
      processes.map(({ lost }) => lost),
      [true, false],
    );
    const { answers } = await host.run(hosted(elementwise('Neg'), { id: 'other' }), [table(1, 1)]);
    assert.match(textOf(answers[0]), /^2 /);
  });
});

test('how rows run together is found out once, in a new process', { skip }, async () => {
  const loads: unknown[] = [];
  const start = (): ModelProcess => {
    const process = new InferenceProcess();
    const ask = process.ask.bind(process) as (wanted: string, asked: object) => Promise<object>;
    const watched = (wanted: string, asked: { readonly kind: string; readonly rehearsed?: unknown }) => {
      if (asked.kind === 'load') loads.push([process.pid, asked.rehearsed]);
      return ask(wanted, asked);
    };
    return Object.assign(process, { ask: watched });
  };
  await withHost(async ({ host, processes }) => {
    const [a, b] = ['Neg', 'Abs'].map((operator) => hosted(elementwise(operator), { id: operator }));
    for (const model of [a!, b!, a!]) {
      await host.load(model);
      await host.unload(model);
    }
    const known = { batching: { kind: 'any', rowsMax: 8 }, isHarmful: false };
    const [first, second] = processes.map(({ pid }) => pid);
    const wanted = [
      [first, undefined],
      [first, known],
      [second, undefined],
      [first, known],
      [first, known],
    ];
    assert.deepEqual(loads, wanted);
  }, start);
});

test('what has no memory where nothing else is, is a failure of the model', { skip }, async () => {
  const model = hosted(filling(), { batchMax: 1 });
  await withHost(async ({ host, events, processes }) => {
    const { answers } = await host.run(model, [shape(1_073_700_000n), shape(3n)]);
    assert.deepEqual(answers.map(textOf), ['3 Cannot run the model: it failed', '0']);
    assert.ok(events.some(({ kind }) => kind === 'inference-process-lost'));
    assert.ok(processes.length >= 2);
  });
});

/** A process whose memory is used up by its third message. */
function small(): ModelProcess {
  let asked = 0;
  let lost = false;
  const ask = (
    wanted: string,
    request: { readonly kind: string; readonly parts?: readonly Uint8Array[] },
  ) => {
    asked++;
    const loaded = {
      signature: { inputs: [], outputs: [] },
      build: '',
      bytes: 1,
      batching: { kind: 'single' },
    };
    if (request.kind === 'load') return { kind: wanted, ...loaded };
    const count = request.parts?.length ?? 0;
    const answers = Array.from({ length: count }, (_, i) =>
      asked > 3 ? { bytes: new Uint8Array(0), problem: i === 0 ? 'std::bad_alloc' : '' } : good,
    );
    const runOf = repeatsOf(answers.map(() => 0));
    const problems = repeatsOf(answers.map(({ problem }) => problem));
    const facts = { runs: [{ requests: 1, micros: 1 }], runOf, problems, processBytes: 0 };
    const sizes = repeatsOf(answers.map(({ bytes }) => bytes.length));
    const body = Buffer.concat(answers.map(({ bytes }) => bytes));
    return { kind: wanted, body, sizes, ...facts };
  };
  return {
    ask: async (...asking: Parameters<typeof ask>) => ask(...asking),
    close: async () => {
      lost = true;
    },
    get lost() {
      return lost;
    },
    pid: 1,
  } as unknown as ModelProcess;
}

const good = { bytes: new Uint8Array(8), problem: '' };

test('memory that others have used up is never the answer of a portable model', async () => {
  await withHost(async ({ host, events }) => {
    const models = [1, 2].map((i) => hosted(new Uint8Array(i), { id: `m${i}` }));
    for (let tick = 0; tick < 6; tick++) {
      for (const model of models) {
        const { answers, problems } = await host.run(model, [shape(1n), shape(2n)]);
        assert.deepEqual(
          answers,
          [good.bytes, good.bytes].map((bytes) => Buffer.from(bytes)),
        );
        assert.deepEqual(problems, ['', '']);
      }
    }
    assert.ok(events.some(({ reason }) => reason === 'its runtime broke: std::bad_alloc'));
  }, small);
});
