// Whether a model may be loaded at all, by what its file says and by what the runtimes are known to do with it: told
// once, where it is loaded, and not by each request. Must not need a runtime.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ElementType, elementTypeName } from '../abi/tensor-list.ts';
import { EngineError } from '../base/errors.ts';
import type { ModelFacts } from './onnx/read-model.ts';
import type { Mode } from './runtime.ts';
import type { TensorSpec } from './signature.ts';

/** @throws EngineError `model-refused` */
export function judgeModel(facts: ModelFacts, folder: string, mode: Mode): void {
  if (mode === 'portable') {
    refuseIn(mode, facts.unbounded, 'a model that always ends');
    refuseIn(mode, facts.random, 'a model that answers the same each time');
  }
  refuseIn(mode, halvedBytes(facts, mode), 'whole bytes');
  for (const name of facts.externalFiles) {
    if (existsSync(join(folder, name))) continue;
    throw new EngineError('model-refused', `its weights are in "${name}", and no such file is in its folder`);
  }
}

function refuseIn(mode: Mode, found: string | undefined, wanted: string): void {
  if (found === undefined) return;
  throw new EngineError('model-refused', `${found}, wanted ${wanted} in mode "${mode}"`);
}

/** Elements of four bits: the WebAssembly runtime takes them and gives none, the native one aborts on giving them. */
function halvedBytes({ inputs, outputs }: ModelFacts, mode: Mode): string | undefined {
  const isHalved = ({ type }: TensorSpec): boolean => type === ElementType.int4 || type === ElementType.uint4;
  const output = outputs.find(isHalved);
  if (output !== undefined) return `its output "${output.name}" is ${elementTypeName(output.type)}`;
  const input = mode === 'portable' ? undefined : inputs.find(isHalved);
  return input && `its input "${input.name}" is ${elementTypeName(input.type)}`;
}
