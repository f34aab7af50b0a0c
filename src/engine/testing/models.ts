// Small models and agents that ask them, for tests. Must not be published.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeInferenceAnswer, ElementType, encodeTensorList } from '../../abi/tensor-list.ts';
import { hashModelFolder } from '../../inference/index.ts';
import { modelProto, node, tensorProto, valueInfo } from '../../inference/onnx/write-model.ts';
import type { Files } from '../../inference/testing/sample-decoders.ts';
import type { ModelDescription } from '../config/create-system.ts';
import { agent, importText } from './agents.ts';
import { type KeptOutputs, newFolder } from './runs.ts';

/** y = x * scale + 1, of rows of four. */
export function scaleModel(scale: number): Uint8Array<ArrayBuffer> {
  return modelProto({
    nodes: [node('Mul', ['x', 'scale'], ['scaled']), node('Add', ['scaled', 'one'], ['y'])],
    inputs: [valueInfo('x', ElementType.float32, ['n', 4])],
    outputs: [valueInfo('y', ElementType.float32, ['n', 4])],
    initializers: [
      tensorProto('scale', ElementType.float32, [], new Float32Array([scale])),
      tensorProto('one', ElementType.float32, [], new Float32Array([1])),
    ],
  });
}

/** A folder of a model with versions 1, 2 …, and what a system says of it. */
export function placeModel(
  versions: readonly (Uint8Array | Files)[],
  rest: Partial<ModelDescription> = {},
): ModelDescription {
  const folder = newFolder();
  const pins = versions.map((bytes, index) => {
    const own = join(folder, String(index + 1));
    mkdirSync(own, { recursive: true });
    const files = bytes instanceof Uint8Array ? { 'model.onnx': bytes } : bytes;
    for (const [name, content] of Object.entries(files)) writeFileSync(join(own, name), content);
    return [String(index + 1), hashModelFolder(own).sha256] as const;
  });
  return { folder, versions: Object.fromEntries(pins), version: '1', ...rest };
}

/** Rows of four as a request. */
export function rows(...values: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(new Float32Array(values.flat()).buffer);
  return encodeTensorList([{ name: 'x', type: ElementType.float32, dims: [values.length, 4], data }]);
}

/** Asks the model "scale" with each message, and gives each answer as an output: kind, number, tag, then the bytes. */
export function askingAgent(): Uint8Array<ArrayBuffer> {
  return agent({
    memory: '20',
    alloc: 'i32.const 65536',
    before: `${importText('infer', 5)} ${importText('output', 2)}
      (data (i32.const 64) "scale")`,
    receive: `
      (if (i32.eq (i32.load offset=4 (local.get $at)) (i32.const 6))
        (then (return (call $output
          (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at))))))
      (drop (call $infer (i32.const 64) (i32.const 5)
        (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at)) (i32.const 7)))
      i32.const 0`,
  });
}

/** Asks with each message, and again with each answer, ten times; gives the last answer as an output. */
export function ringAgent(): Uint8Array<ArrayBuffer> {
  return agent({
    memory: '20',
    alloc: 'i32.const 65536',
    before: `${importText('infer', 5)} ${importText('output', 2)}
      (data (i32.const 64) "scale")
      (global $rounds (mut i32) (i32.const 0))`,
    receive: `
      (global.set $rounds (i32.add (global.get $rounds) (i32.const 1)))
      (if (i32.ge_s (global.get $rounds) (i32.const 11))
        (then (return (call $output
          (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at))))))
      ;; An answer's tensor is called "y"; the model takes "x".
      (i32.store8 (i32.add (i32.load offset=52 (local.get $at)) (i32.const 32)) (i32.const 120))
      (drop (call $infer (i32.const 64) (i32.const 5)
        (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at)) (global.get $rounds)))
      (i32.lt_s (i32.and (global.get $rounds) (i32.const 3)) (i32.const 2))`,
  });
}

/** Asks the model "writer" for a text with each message, and gives each piece as an output. */
export function writingAgent(): Uint8Array<ArrayBuffer> {
  return agent({
    memory: '20',
    alloc: 'i32.const 65536',
    before: `${importText('generate', 5)} ${importText('output', 2)}
      (data (i32.const 64) "writer")`,
    receive: `
      (if (i32.eq (i32.load offset=4 (local.get $at)) (i32.const 7))
        (then (return (call $output
          (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at))))))
      (drop (call $generate (i32.const 64) (i32.const 6)
        (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at)) (i32.const 7)))
      i32.const 0`,
  });
}

/** Asks "late" with each message; gives what the call answered where it was refused, and each answer, as an output. */
export function lateAsker(): Uint8Array<ArrayBuffer> {
  return agent({
    memory: '20',
    alloc: 'i32.const 65536',
    before: `${importText('infer', 5)} ${importText('output', 2)} (data (i32.const 64) "late")`,
    receive: `
      (if (i32.eq (i32.load offset=4 (local.get $at)) (i32.const 6))
        (then (return (call $output
          (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at))))))
      (i32.store (i32.const 128) (call $infer (i32.const 64) (i32.const 4)
        (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at)) (i32.const 7)))
      (if (i32.lt_s (i32.load (i32.const 128)) (i32.const 0))
        (then (return (call $output (i32.const 128) (i32.const 4)))))
      i32.const 0`,
  });
}

/** What its outputs say: tick, instance, and the first number of an answer, its words, or the code of a refusal. */
export function lateTexts(outputs: KeptOutputs): string[] {
  return outputs.list.map(({ tick, agent: from, payload }) => {
    const answer = payload.length === 4 ? undefined : decodeInferenceAnswer(payload);
    const said =
      answer === undefined
        ? new DataView(payload.slice().buffer).getInt32(0, true)
        : answer.status === 0
          ? new Float32Array(answer.tensors[0]!.data.slice().buffer)[0]
          : answer.text;
    return `${tick} ${from.slice(6)} ${said}`;
  });
}
