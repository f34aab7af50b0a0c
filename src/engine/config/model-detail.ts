// A model that an input declares while the run goes on: checked as one of the system file is, and told as the record
// has it.

import { resolve } from 'node:path';
import { decodeUtf8 } from '../../base/encoding.ts';
import { assert, EngineError } from '../../base/errors.ts';
import type { ModelDescription } from './create-system.ts';
import { normaliseModel } from './file-form.ts';
import { canonicalBytes, type JsonValue } from './json-value.ts';
import { readDescription } from './parse-system.ts';
import type { ModelConfig } from './system-config.ts';

/**
 * Checks what a program says of a model.
 * @returns the model, the index of the version in use, and the absolute path of its folder
 * @throws EngineError `config-invalid` with every problem in `details.problems`
 */
export async function checkModel(
  name: string,
  description: ModelDescription,
): Promise<{ readonly model: ModelConfig; readonly version: number; readonly folder: string }> {
  // A description is one of a whole system, which has an agent at the least.
  const agents = { asker: { module: '0'.repeat(64) } };
  const { system, problems } = await readDescription({ agents, models: { [name]: description ?? null } });
  problems.throwIfAny(`declare model ${JSON.stringify(name)}`);
  const checked = system?.models[name];
  assert(checked !== undefined, 'what has no problem was read');
  const model = normaliseModel(name, checked);
  const version = model.versions.findIndex((each) => each.version === model.version);
  return { model, version, folder: resolve(checked.folder) };
}

export function nobodyAsks(name: string): EngineError {
  const wanted = 'wanted agents with "infer" or "generate"';
  const text = `Cannot declare model ${JSON.stringify(name)}: no agent of the system may ask it; ${wanted}`;
  return new EngineError('input-invalid', text, { model: name });
}

/** The detail of the input that declares a model: canonical JSON of what a configuration would say of it. */
export function encodeModel(model: ModelConfig): Uint8Array<ArrayBuffer> {
  return canonicalBytes(model as unknown as JsonValue);
}

export function decodeModel(detail: Uint8Array): ModelConfig {
  return JSON.parse(decodeUtf8(detail) ?? '') as ModelConfig;
}
