// Models for tests of this room, and folders for them. Must not be published.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { ElementType } from '../../abi/tensor-list.ts';
import type { HostedModel } from '../hosted-model.ts';
import {
  type GraphParts,
  graphProto,
  modelProto,
  node,
  tensorProto,
  valueInfo,
} from '../onnx/write-model.ts';
import { hashModelFolder } from '../repository.ts';
import type { Mode } from '../runtime.ts';

const { float32, int64, bool } = ElementType;
const root = mkdtempSync(join(tmpdir(), 'wasm-engine-models-'));
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

/** A folder with these files; answers its path. */
export function folderOf(files: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = join(root, String(++count));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** A model in a folder of its own. */
export function hosted(bytes: Uint8Array, rest: Partial<HostedModel> = {}): HostedModel {
  const folder = folderOf({ 'model.onnx': bytes });
  const { sha256 } = hashModelFolder(folder);
  const mode = 'portable';
  return { id: 'm', version: '1', folder, sha256, mode, outputBytesMax: 65_536, batchMax: 8, ...rest };
}

/** Why models cannot be run here; false where they can. For the `skip` of a test. */
export function withoutRuntime(mode: Mode): string | false {
  return withoutPackage(mode === 'portable' ? 'onnxruntime-web' : 'onnxruntime-node');
}

/** The same for any optional package. */
export function withoutPackage(name: string): string | false {
  try {
    createRequire(import.meta.url).resolve(name);
    return false;
  } catch {
    return `the optional package "${name}" is not installed`;
  }
}

/** y = f(x) of one operator, element by element. */
export function elementwise(operator: string, type: number = float32, opset = 17): Uint8Array<ArrayBuffer> {
  return modelProto(
    {
      nodes: [node(operator, ['x'], ['y'])],
      inputs: [valueInfo('x', type, ['n'])],
      outputs: [valueInfo('y', type, ['n'])],
    },
    opset,
  );
}

/** x plus so many steps of a loop; its bound is a constant, an input, or left out. */
export function looping(bound: number | 'input' | 'none'): Uint8Array<ArrayBuffer> {
  const body = graphProto({
    nodes: [node('Identity', ['go'], ['goOn']), node('Add', ['sum', 'one'], ['next'])],
    inputs: [valueInfo('i', int64, []), valueInfo('go', bool, []), valueInfo('sum', float32, [1])],
    outputs: [valueInfo('goOn', bool, []), valueInfo('next', float32, [1])],
  });
  const graph: GraphParts = {
    nodes: [node('Loop', [bound === 'none' ? '' : 'steps', 'yes', 'x'], ['y'], { body: { graph: body } })],
    inputs: [valueInfo('x', float32, [1]), ...(bound === 'input' ? [valueInfo('steps', int64, [])] : [])],
    outputs: [valueInfo('y', float32, [1])],
    initializers: [
      tensorProto('one', float32, [1], new Float32Array([1])),
      tensorProto('yes', bool, [], new Uint8Array([1])),
      ...(typeof bound === 'number'
        ? [tensorProto('steps', int64, [], new BigInt64Array([BigInt(bound)]))]
        : []),
    ],
  };
  return modelProto(graph);
}

/** So many zeros, whatever is asked. */
export function zeros(elements: number): Uint8Array<ArrayBuffer> {
  return modelProto({
    nodes: [node('ConstantOfShape', ['shape'], ['y'])],
    inputs: [],
    outputs: [valueInfo('y', float32, ['n'])],
    initializers: [tensorProto('shape', int64, [1], new BigInt64Array([BigInt(elements)]))],
  });
}

/** y = x + w, with w in another file. */
export function external(file: string): Uint8Array<ArrayBuffer> {
  return modelProto({
    nodes: [node('Add', ['x', 'w'], ['y'])],
    inputs: [valueInfo('x', float32, [4])],
    outputs: [valueInfo('y', float32, [4])],
    initializers: [tensorProto('w', float32, [4], { file })],
  });
}
