// What is read of a model before a runtime sees it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ElementType } from '../../abi/tensor-list.ts';
import { concatBytes } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import {
  choosing,
  countElsewhere,
  countTwice,
  doublingFunctions,
  loopsInARow,
  loopsThroughFunction,
  scanning,
} from '../testing/looping-models.ts';
import { elementwise, external, looping, zeros } from '../testing/sample-models.ts';
import { readModel } from './read-model.ts';
import { bytesField, graphProto, modelProto, node, tensorProto, valueInfo } from './write-model.ts';

function refusal(bytes: Uint8Array): string {
  try {
    readModel(bytes);
  } catch (error) {
    assert.ok(error instanceof EngineError && error.code === 'model-refused', String(error));
    return error.message;
  }
  return '';
}

test('readModel() tells inputs and outputs, without those that have a value of their own', () => {
  const { inputs, outputs, externalFiles, unbounded } = readModel(elementwise('Relu'));
  assert.deepEqual(inputs, [{ name: 'x', type: ElementType.float32, dims: ['n'] }]);
  assert.deepEqual(outputs, [{ name: 'y', type: ElementType.float32, dims: ['n'] }]);
  assert.deepEqual([externalFiles, unbounded], [[], undefined]);
});

test('a loop ends when its number of steps is a constant that is not too large', () => {
  assert.equal(readModel(looping(1000)).unbounded, undefined);
  assert.match(readModel(looping('none')).unbounded ?? '', /without a constant number of steps/);
  assert.match(readModel(looping('input')).unbounded ?? '', /without a constant number of steps/);
  assert.match(readModel(looping(2 ** 40)).unbounded ?? '', /more than 10000000 steps/);
  assert.match(readModel(countElsewhere('w.bin')).unbounded ?? '', /without a constant number of steps/);
  for (const which of ['initializers', 'constant', 'body', 'unnamed'] as const)
    assert.match(readModel(countTwice(which)).unbounded ?? '', /without a constant number of steps/, which);
});

test('steps of loops are added up, and multiplied where one is in another or in a function that it calls', () => {
  assert.equal(readModel(loopsInARow(10, 1_000_000)).unbounded, undefined);
  assert.match(readModel(loopsInARow(10, 1_000_001)).unbounded ?? '', /more than 10000000 steps together/);
  assert.equal(readModel(loopsThroughFunction(1000, 9_999)).unbounded, undefined);
  assert.match(readModel(loopsThroughFunction(1000, 10_000)).unbounded ?? '', /more than 10000000 steps/);
  assert.equal(readModel(choosing(5_000_000)).unbounded, undefined);
  assert.match(readModel(choosing(5_000_001)).unbounded ?? '', /more than 10000000 steps/);
});

test('what repeats a graph and is no loop has no bound', () => {
  assert.match(readModel(scanning()).unbounded ?? '', /it has a "Scan", whose steps may be any number/);
});

test('functions that call functions are counted at once, and may not call themselves', () => {
  assert.equal(readModel(doublingFunctions(18)).unbounded, undefined);
  assert.match(readModel(doublingFunctions(40)).unbounded ?? '', /functions make more than 1000000 nodes/);
  assert.match(refusal(doublingFunctions(100)), /nested deeper than 64/);
  assert.match(refusal(doublingFunctions(3, 'f0')), /its function "own:f0" calls itself/);
});

test('a part that runtimes would put together with another is refused', () => {
  const model = looping(3);
  assert.match(refusal(concatBytes([model, looping(4)])), /more than one graph/);
});

test('weights may lie in files of the same folder, and nowhere else', () => {
  assert.deepEqual(readModel(external('w.bin')).externalFiles, ['w.bin']);
  assert.deepEqual(readModel(external('./w.bin')).externalFiles, ['w.bin']);
  for (const file of ['../w.bin', '/etc/passwd', 'a/b.bin', '..', 'c:w', 'a\\b', ''])
    assert.match(refusal(external(file)), /wanted a file of its own folder/, file);
});

const { float32, int64, bool } = ElementType;

test('within a model a value may have no type, or be no tensor; at its door it is one', () => {
  const untyped = (name: string) => bytesField(1, name);
  const branch = (name: string) =>
    graphProto({ nodes: [node('Relu', ['x'], [name])], inputs: [], outputs: [untyped(name)] });
  const graph = (output: Uint8Array<ArrayBuffer>) =>
    modelProto({
      nodes: [
        node('If', ['c'], ['y'], {
          then_branch: { graph: branch('a') },
          else_branch: { graph: branch('b') },
        }),
      ],
      inputs: [valueInfo('x', float32, ['n']), valueInfo('c', bool, [])],
      outputs: [output],
    });
  const { outputs, unbounded } = readModel(graph(valueInfo('y', float32, ['n'])));
  assert.deepEqual([outputs.map(({ name }) => name), unbounded], [['y'], undefined]);
  assert.match(refusal(graph(untyped('y'))), /"y" is no tensor/);
});

test('sizes have one name where they are the same; a mark for an unknown size is no name', () => {
  const marks = ['?', '-1', '', '*', 'None'];
  const model = modelProto({
    nodes: [node('Relu', ['x'], ['y'])],
    inputs: [valueInfo('x', float32, ['batch', 's0 + 1', 'длина', '_', 3, ...marks])],
    outputs: [],
  });
  const dims = ['batch', 's0 + 1', 'длина', '_', 3, ...marks.map(() => null)];
  assert.deepEqual(readModel(model).inputs, [{ name: 'x', type: float32, dims }]);
});

/** y by a node of this operator; "train" is what its third input is. */
function drawing(operator: string, train?: 'input' | 0 | 1, domain = ''): Uint8Array<ArrayBuffer> {
  const training = train === 0 || train === 1 ? [Uint8Array.of(train)] : [];
  return modelProto({
    nodes: [node(operator, train === undefined ? ['x'] : ['x', '', 'train'], ['y'], {}, domain)],
    inputs: [valueInfo('x', float32, ['n']), ...(train === 'input' ? [valueInfo('train', bool, [])] : [])],
    outputs: [valueInfo('y', float32, ['n'])],
    initializers: training.map((data) => tensorProto('train', bool, [], data)),
  });
}

test('a model that draws random numbers is told from one that does not', () => {
  for (const operator of ['RandomNormalLike', 'RandomUniform', 'Multinomial', 'Bernoulli'])
    assert.match(readModel(drawing(operator)).random ?? '', /draws random numbers/, operator);
  assert.match(readModel(drawing('Bernoulli', undefined, 'ai.onnx')).random ?? '', /"Bernoulli"/);
  assert.match(readModel(drawing('Sampling', undefined, 'com.microsoft')).random ?? '', /"Sampling"/);
  assert.equal(readModel(drawing('Sampling', undefined, 'own')).random, undefined);
  for (const train of ['input', 1] as const)
    assert.match(readModel(drawing('Dropout', train)).random ?? '', /"Dropout"/, String(train));
  for (const train of [undefined, 0] as const)
    assert.equal(readModel(drawing('Dropout', train)).random, undefined, String(train));
  // Where a file has a bool in two places, which of them counts is for the runtime to say.
  const twice = concatBytes([
    tensorProto('train', bool, [], Uint8Array.of(0)),
    bytesField(5, Uint8Array.of(1)),
  ]);
  const nodes = [node('Dropout', ['x', '', 'train'], ['y'])];
  const model = modelProto({
    nodes,
    inputs: [valueInfo('x', int64, [])],
    outputs: [],
    initializers: [twice],
  });
  assert.match(readModel(model).random ?? '', /"Dropout"/);
});

test('damaged bytes are refused with one error, or read as some other model', () => {
  const models = [elementwise('Relu'), looping(3), external('w'), zeros(9), loopsThroughFunction(3, 3)];
  const damaged = fc.tuple(fc.constantFrom(...models), fc.nat(), fc.nat(255), fc.nat());
  fc.assert(
    fc.property(damaged, ([model, place, value, length]) => {
      const bytes = model.slice(0, 1 + (length % model.length));
      bytes[place % bytes.length] = value;
      refusal(bytes);
    }),
    { numRuns: 400 },
  );
  assert.match(refusal(new Uint8Array(0)), /it has no graph/);
  assert.match(refusal(new TextEncoder().encode('<html>')), /no ONNX model/);
});
