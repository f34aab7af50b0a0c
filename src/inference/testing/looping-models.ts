// Models with loops and functions for tests of this room: those that end, and those that need not. Must not be published.

import { ElementType } from '../../abi/tensor-list.ts';
import { concatBytes } from '../../base/encoding.ts';
import {
  bytesField,
  graphProto,
  modelProto,
  node,
  numberField,
  tensorProto,
  valueInfo,
  withFunctions,
} from '../onnx/write-model.ts';

type Bytes = Uint8Array<ArrayBuffer>;
const { float32, int64, bool } = ElementType;

function count(name: string, value: number): Bytes {
  return tensorProto(name, int64, [], new BigInt64Array([BigInt(value)]));
}

function initializers(): Bytes[] {
  return [
    tensorProto('one', float32, [1], new Float32Array([1])),
    tensorProto('yes', bool, [], new Uint8Array([1])),
  ];
}

const door = { inputs: [valueInfo('x', float32, [1])], outputs: [valueInfo('y', float32, [1])] };

/** sum -> next, by these nodes. */
function body(nodes: readonly Bytes[]): Bytes {
  return graphProto({
    nodes: [node('Identity', ['go'], ['goOn']), ...nodes],
    inputs: [valueInfo('i', int64, []), valueInfo('go', bool, []), valueInfo('sum', float32, [1])],
    outputs: [valueInfo('goOn', bool, []), valueInfo('next', float32, [1])],
  });
}

const adding = body([node('Add', ['sum', 'one'], ['next'])]);

function loop(inputs: readonly string[], output: string, graph: Bytes, domain = ''): Bytes {
  return node('Loop', inputs, [output], { body: { graph } }, domain);
}

/** So many loops of so many steps, one after another. */
export function loopsInARow(loops: number, steps: number): Bytes {
  const nodes = Array.from({ length: loops }, (_, k) =>
    loop(['steps', 'yes', k === 0 ? 'x' : `s${k}`], k === loops - 1 ? 'y' : `s${k + 1}`, adding),
  );
  return modelProto({ ...door, nodes, initializers: [...initializers(), count('steps', steps)] });
}

/** A loop of `outer` steps whose body calls a function, which has a loop of `inner` steps. */
export function loopsThroughFunction(outer: number, inner: number): Bytes {
  const adds = graphProto({
    nodes: [node('Identity', ['go2'], ['goOn2']), node('Add', ['sum2', 'one2'], ['next2'])],
    inputs: [valueInfo('i2', int64, []), valueInfo('go2', bool, []), valueInfo('sum2', float32, [1])],
    outputs: [valueInfo('goOn2', bool, []), valueInfo('next2', float32, [1])],
  });
  const constant = (name: string, tensor: Bytes): Bytes =>
    node('Constant', [], [name], { value: { tensor } });
  const F = {
    domain: 'own',
    name: 'F',
    inputs: ['a'],
    outputs: ['b'],
    nodes: [
      constant('m', count('', inner)),
      constant('yes2', tensorProto('', bool, [], new Uint8Array([1]))),
      constant('one2', tensorProto('', float32, [1], new Float32Array([1]))),
      loop(['m', 'yes2', 'a'], 'b', adds),
    ],
  };
  const graph = {
    ...door,
    nodes: [loop(['steps', 'yes', 'x'], 'y', body([node('F', ['sum'], ['next'], {}, 'own')]))],
    initializers: [...initializers(), count('steps', outer)],
  };
  return withFunctions(modelProto(graph, 17, { own: 1 }), [F]);
}

/** So many functions, each of which calls the next one twice; the last one calls `last`, or adds the input to itself. */
export function doublingFunctions(depth: number, last?: string): Bytes {
  const functions = Array.from({ length: depth }, (_, k) => {
    const next = k + 1 < depth ? `f${k + 1}` : last;
    const call = (from: string, to: string): Bytes =>
      next === undefined ? node('Add', [from, from], [to]) : node(next, [from], [to], {}, 'own');
    return {
      domain: 'own',
      name: `f${k}`,
      inputs: ['a'],
      outputs: ['c'],
      nodes: [call('a', 'b'), call('b', 'c')],
    };
  });
  const model = modelProto({ ...door, nodes: [node('f0', ['x'], ['y'], {}, 'own')] }, 17, { own: 1 });
  return withFunctions(model, functions);
}

/** A loop whose count seems to be 5, and lies in another file. */
export function countElsewhere(file: string): Bytes {
  const steps = concatBytes([
    count('steps', 5),
    bytesField(13, concatBytes([bytesField(1, 'location'), bytesField(2, file)])),
    numberField(14, 1),
  ]);
  const nodes = [loop(['steps', 'yes', 'x'], 'y', adding)];
  return modelProto({ ...door, nodes, initializers: [...initializers(), steps] });
}

/** A loop whose count is 5 by one definition and 2^40 by another. */
export function countTwice(which: 'initializers' | 'constant' | 'body' | 'unnamed'): Bytes {
  const small = count('steps', 5);
  const large = count('steps', 2 ** 40);
  const constant = (tensor: Bytes): Bytes => node('Constant', [], ['steps'], { value: { tensor } });
  const own = loop(['steps', 'yes', 'x'], 'y', adding);
  if (which === 'initializers')
    return modelProto({ ...door, nodes: [own], initializers: [...initializers(), large, small] });
  if (which === 'constant')
    return modelProto({ ...door, nodes: [constant(small), own], initializers: [...initializers(), large] });
  if (which === 'unnamed') {
    const nodes = [loop(['', 'yes', 'x'], 'y', adding)];
    return modelProto({ ...door, nodes, initializers: [...initializers(), count('', 5)] });
  }
  const inner = loop(['steps', 'yes', 'sum'], 'next', adding);
  const nodes = [
    loop(
      ['steps', 'yes', 'x'],
      'y',
      body([node('ReduceSum', ['many'], ['steps'], { keepdims: { int: 0 } }), inner]),
    ),
  ];
  const many = tensorProto('many', int64, [2], new BigInt64Array([2n ** 40n, 1n]));
  return modelProto({ ...door, nodes, initializers: [...initializers(), small, many] });
}

/** Counts the rows of its input, which need not have bytes. */
export function scanning(): Bytes {
  const graph = graphProto({
    nodes: [node('Add', ['s', 'one'], ['s2'])],
    inputs: [valueInfo('s', float32, [1]), valueInfo('e', float32, ['k'])],
    outputs: [valueInfo('s2', float32, [1])],
  });
  return modelProto({
    nodes: [node('Scan', ['s0', 'x'], ['y'], { body: { graph }, num_scan_inputs: { int: 1 } })],
    inputs: [valueInfo('x', float32, ['n', 'k'])],
    outputs: [valueInfo('y', float32, [1])],
    initializers: [...initializers(), tensorProto('s0', float32, [1], new Float32Array([0]))],
  });
}

/** The body of a choice: whichever branch is taken, it has a loop. */
export function choosing(steps: number): Bytes {
  const branch = (output: string): Bytes =>
    graphProto({
      nodes: [loop(['steps', 'yes', 'x'], output, adding)],
      inputs: [],
      outputs: [valueInfo(output, float32, [1])],
    });
  const nodes = [
    node('If', ['yes'], ['y'], { then_branch: { graph: branch('a') }, else_branch: { graph: branch('b') } }),
  ];
  return modelProto({ ...door, nodes, initializers: [...initializers(), count('steps', steps)] });
}
