// Two hundred models that are not what they should be: each is refused with one clear error or answers like any other,
// and a good model runs after all of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeInferenceAnswer, ElementType, encodeTensorList } from '../abi/tensor-list.ts';
import { EngineError } from '../base/errors.ts';
import { prngFromBytes, prngNext } from '../base/prng.ts';
import { ModelHost } from './model-host.ts';
import { modelProto, node, tensorProto, valueInfo } from './onnx/write-model.ts';
import {
  choosing,
  countElsewhere,
  countTwice,
  doublingFunctions,
  loopsInARow,
  loopsThroughFunction,
  scanning,
} from './testing/looping-models.ts';
import { elementwise, external, hosted, looping, withoutRuntime, zeros } from './testing/sample-models.ts';

const { float32, int64 } = ElementType;
const badCount = 200;

/** One that keeps growing what it holds. */
function growing(): Uint8Array<ArrayBuffer> {
  const nodes = Array.from({ length: 34 }, (_, i) =>
    node('Concat', [`x${i}`, `x${i}`], [`x${i + 1}`], { axis: { int: 0 } }),
  );
  return modelProto({
    nodes,
    inputs: [valueInfo('x0', float32, ['n'])],
    outputs: [valueInfo('x34', float32, ['m'])],
  });
}

function wrongTypes(): Uint8Array<ArrayBuffer>[] {
  return [
    elementwise('Sqrt', ElementType.string),
    elementwise('And', ElementType.float32),
    elementwise('Neg', 16),
    elementwise('NoSuchOperator'),
    elementwise('Neg', float32, 9999),
    modelProto({
      nodes: [node('MatMul', ['x', 'w'], ['y'])],
      inputs: [valueInfo('x', float32, [2, 3])],
      outputs: [valueInfo('y', float32, [2, 2])],
      initializers: [tensorProto('w', float32, [7, 2], new Float32Array(14))],
    }),
    modelProto({
      nodes: [node('Neg', ['y'], ['y'])],
      inputs: [],
      outputs: [valueInfo('y', float32, [1])],
    }),
    modelProto({
      nodes: [node('Reshape', ['x', 'shape'], ['y'])],
      inputs: [valueInfo('x', float32, [4])],
      outputs: [valueInfo('y', float32, [4])],
      initializers: [tensorProto('shape', int64, [1], new BigInt64Array([-9n]))],
    }),
    modelProto({
      nodes: [node('Neg', ['x'], ['y'])],
      inputs: [valueInfo('x', float32, [4])],
      outputs: [valueInfo('y', float32, [4])],
      initializers: [tensorProto('w', float32, [1000], new Float32Array(1))],
    }),
  ];
}

/** Their loops end, if at all, after more steps than are allowed. */
function endless(): Uint8Array<ArrayBuffer>[] {
  return [
    scanning(),
    loopsInARow(20, 10_000_000),
    loopsThroughFunction(10_000_000, 10_000_000),
    doublingFunctions(40),
    doublingFunctions(2, 'f0'),
    countElsewhere('model.onnx'),
    ...(['initializers', 'constant', 'body', 'unnamed'] as const).map(countTwice),
  ];
}

test('models that need not end are refused before a runtime has them, not ended', {
  skip: withoutRuntime('portable'),
}, async () => {
  const host = new ModelHost({ modelBytesMax: 2 ** 30 });
  try {
    for (const [index, bytes] of endless().entries()) {
      const load = host.load(hosted(bytes, { id: `endless${index}` }));
      await assert.rejects(load, (error) => {
        assert.ok(error instanceof EngineError && error.code === 'model-refused', `model ${index}: ${error}`);
        assert.match(error.message, /always ends|calls itself/, `model ${index}`);
        return true;
      });
    }
    assert.equal(host.statistics.length, 0, 'none was loaded');
  } finally {
    await host.close();
  }
});

test('loops and functions within their bounds run', { skip: withoutRuntime('portable') }, async () => {
  const host = new ModelHost({ modelBytesMax: 2 ** 30 });
  const data = new Uint8Array(new Float32Array([1]).buffer);
  const x = encodeTensorList([{ name: 'x', type: float32, dims: [1], data }]);
  const results = [
    [loopsInARow(3, 4), 13],
    [loopsThroughFunction(3, 4), 13],
    [choosing(4), 5],
    [doublingFunctions(3), 256],
  ] as const;
  try {
    for (const [index, [bytes, wanted]] of results.entries()) {
      const { answers } = await host.run(hosted(bytes, { id: `ending${index}` }), [x]);
      const answer = decodeInferenceAnswer(answers[0]!);
      assert.ok(answer?.status === 0, `model ${index}`);
      assert.equal(new Float32Array(answer.tensors[0]!.data.slice().buffer)[0], wanted, `model ${index}`);
    }
  } finally {
    await host.close();
  }
});

/** Damaged from a seed: the same on every run. */
function badModels(): Uint8Array[] {
  const random = prngFromBytes(new Uint8Array(16).fill(7));
  const below = (limit: number): number => prngNext(random) % limit;
  const good = [elementwise('Neg'), looping(3), zeros(16), external('w.bin'), growing()];
  const list: Uint8Array[] = [
    ...wrongTypes(),
    ...['../w.bin', '/etc/passwd', 'a/../../b', 'missing.bin', '\\\\host\\w'].map(external),
    ...[2 ** 28, 2 ** 33, 2 ** 40, 2 ** 52].map(zeros),
    ...(['none', 'input', 2 ** 40] as const).map(looping),
    ...endless(),
    growing(),
    new Uint8Array(0),
    new TextEncoder().encode('not a model'),
  ];
  while (list.length < badCount) {
    const from = good[below(good.length)]!;
    if (list.length % 2 === 0) list.push(from.slice(0, below(from.length)));
    else {
      const flipped = from.slice();
      for (let flips = 1 + below(4); flips > 0; flips--) flipped[below(flipped.length)]! ^= 1 << below(8);
      list.push(flipped);
    }
  }
  return list;
}

test('two hundred bad models: one clear error each, or an answer, and a good one runs after all', {
  skip: withoutRuntime('portable'),
}, async () => {
  const host = new ModelHost({ modelBytesMax: 2 ** 30, loadTimeoutMs: 60_000 });
  const x = encodeTensorList([{ name: '', type: float32, dims: [4], data: new Uint8Array(16) }]);
  let refused = 0;
  try {
    const good = hosted(elementwise('Neg'));
    for (const [index, bytes] of badModels().entries()) {
      const model = hosted(bytes, { id: `bad${index}`, batchMax: 2 });
      try {
        const { answers } = await host.run(model, [x]);
        assert.ok(decodeInferenceAnswer(answers[0]!) !== undefined, `model ${index}`);
        await host.unload(model);
      } catch (error) {
        assert.ok(error instanceof EngineError, `model ${index}: ${error}`);
        assert.equal(error.code, 'model-refused', `model ${index}: ${error.message}`);
        assert.match(error.message, new RegExp(`^Cannot (load|run) model "bad${index}/1": [^\\n]+$`));
        refused++;
      }
    }
    const [answer] = (await host.run(good, [x])).answers;
    assert.equal(decodeInferenceAnswer(answer!)?.status, 0);
  } finally {
    await host.close();
  }
  assert.ok(refused > badCount / 2, `${refused} were refused`);
});
