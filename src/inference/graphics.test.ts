// What runs on graphics hardware, played by the processor: who is to blame where a run fails, and what follows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeInferenceAnswer, ElementType, encodeTensorList } from '../abi/tensor-list.ts';
import type { AnswerOf, ChildAnswer, ChildRequest } from './child-protocol.ts';
import type { HostEvent, HostedModel } from './hosted-model.ts';
import { InferenceProcess } from './inference-process.ts';
import { ModelHost } from './model-host.ts';
import { modelProto, node, valueInfo } from './onnx/write-model.ts';
import { repeatsOf } from './repeats.ts';
import { hosted, withoutRuntime } from './testing/sample-models.ts';

const { float32, int64 } = ElementType;
const skip = withoutRuntime('native');

/** How the hardware misbehaves: while there are any left, each of its runs goes wrong in this way. */
interface Trouble {
  left: number;
  readonly how: 'dies' | 'fails';
}

/** Says of itself that it is WebGPU, and runs on the processor. */
class PlayedGraphics extends InferenceProcess {
  readonly #trouble: Trouble;
  #isGraphics = false;

  constructor(trouble: Trouble) {
    super();
    this.#trouble = trouble;
  }

  override async ask<K extends ChildAnswer['kind']>(wanted: K, request: ChildRequest): Promise<AnswerOf<K>> {
    if (request.kind === 'probe') {
      const usable = request.provider === 'webgpu';
      const verdict = { usable, reason: 'not here', difference: 0.0123, variance: 0 };
      return { kind: 'probed', verdict } as unknown as AnswerOf<K>;
    }
    if (request.kind === 'load' && request.provider === 'webgpu') {
      this.#isGraphics = true;
      return super.ask(wanted, { ...request, provider: 'cpu' });
    }
    if (request.kind === 'run' && this.#isGraphics && this.#trouble.left-- > 0) {
      if (this.#trouble.how === 'dies') process.kill(this.pid!, 'SIGKILL');
      else {
        const failed = Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0);
        const ran = await super.ask(wanted, request);
        return {
          ...ran,
          body: failed,
          sizes: repeatsOf([failed.length]),
          problems: repeatsOf(['device lost']),
        };
      }
    }
    return super.ask(wanted, request);
  }
}

/** y = x[at]: which places there are is not in its signature. */
function gather(): Uint8Array<ArrayBuffer> {
  return modelProto({
    nodes: [node('Gather', ['x', 'at'], ['y'])],
    inputs: [valueInfo('x', float32, ['n']), valueInfo('at', int64, [])],
    outputs: [valueInfo('y', float32, [])],
  });
}

function at(place: number): Uint8Array {
  return encodeTensorList([
    { name: 'x', type: float32, dims: [2], data: new Uint8Array(new Float32Array([5, 6]).buffer) },
    { name: 'at', type: int64, dims: [], data: new Uint8Array(new BigInt64Array([BigInt(place)]).buffer) },
  ]);
}

function textOf(bytes: Uint8Array): string {
  const answer = decodeInferenceAnswer(bytes);
  if (answer?.status !== 0) return `${answer?.status}`;
  return new Float32Array(answer.tensors[0]!.data.slice().buffer).join();
}

async function withGraphics(
  trouble: Trouble,
  use: (ask: (...places: (number | Uint8Array)[]) => Promise<string[]>, host: ModelHost) => Promise<void>,
): Promise<string[]> {
  const events: HostEvent[] = [];
  const host = new ModelHost({
    modelBytesMax: 2 ** 30,
    onEvent: (event) => events.push(event),
    startProcess: () => new PlayedGraphics(trouble),
  });
  const model: HostedModel = hosted(gather(), { mode: 'gpu' });
  const ask = async (...places: (number | Uint8Array)[]): Promise<string[]> => {
    const requests = places.map((place) => (typeof place === 'number' ? at(place) : place));
    return (await host.run(model, requests)).answers.map(textOf);
  };
  try {
    await use(ask, host);
  } finally {
    await host.close();
  }
  return events
    .filter(({ kind, reason }) => kind === 'model-fallback' && !reason.startsWith('cuda'))
    .map(({ reason }) => reason);
}

test('what a model runs on is told with how far it is apart, and kept with it', { skip }, async () => {
  const events: HostEvent[] = [];
  const host = new ModelHost({
    modelBytesMax: 2 ** 30,
    onEvent: (event) => events.push(event),
    startProcess: () => new PlayedGraphics({ left: 0, how: 'fails' }),
  });
  await host.load(hosted(gather(), { mode: 'gpu' }));
  const told = events.filter(({ kind }) => kind === 'model-provider').map(({ reason }) => reason);
  assert.deepEqual(told, ['webgpu: 1.2% apart from the processor, 0.0% from run to run']);
  assert.deepEqual([host.statistics[0]!.difference, host.statistics[0]!.variance], [0.0123, 0]);
  await host.close();
});

test("an agent's mistake is its answer, and leaves the model where it is", { skip }, async () => {
  const fallbacks = await withGraphics({ left: 0, how: 'fails' }, async (ask, host) => {
    const bare = encodeTensorList([]);
    assert.deepEqual(await ask(0, 9, new Uint8Array(3), bare, 1), ['5', '3', '1', '2', '6']);
    assert.deepEqual(await ask(-9), ['3']);
    assert.deepEqual(await ask(1), ['6']);
    assert.equal(host.statistics[0]!.provider, 'webgpu');
  });
  assert.deepEqual(fallbacks, []);
});

test('a request that ends the process leaves the model where it is, when the processor fails on it, too', {
  skip,
}, async () => {
  const fallbacks = await withGraphics({ left: 1, how: 'dies' }, async (ask, host) => {
    const [wrong, right] = await Promise.all([ask(9), ask(1)]);
    assert.deepEqual([wrong, right], [['3'], ['6']]);
    await ask(0);
    assert.equal(host.statistics[0]!.provider, 'webgpu');
  });
  assert.deepEqual(fallbacks, []);
});

test('hardware that fails once more in a new process is given up, once only it does not', {
  skip,
}, async () => {
  for (const how of ['dies', 'fails'] as const) {
    const once = await withGraphics({ left: 1, how }, async (ask, host) => {
      assert.deepEqual(await ask(1), ['6']);
      assert.deepEqual(await ask(0), ['5']);
      assert.equal(host.statistics[0]!.provider, 'webgpu');
    });
    assert.deepEqual(once, []);
    const always = await withGraphics({ left: 100, how }, async (ask, host) => {
      assert.deepEqual(await ask(1), ['6']);
      assert.deepEqual(await ask(0), ['5']);
      assert.equal(host.statistics[0]!.provider, 'cpu');
    });
    assert.equal(always.length, 1);
    assert.match(
      always[0]!,
      how === 'dies' ? /^webgpu failed: .*SIGKILL.*; now on cpu$/ : /^webgpu failed: device lost; now/,
    );
  }
});
