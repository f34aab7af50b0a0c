// Requests for texts, and decoders that they are asked of.

import { encodeGenerationRequest, type GenerationRequest, PromptKind } from '../../abi/generation.ts';
import { encodeUtf8 } from '../../base/encoding.ts';
import type { SamplerKey } from '../generate/sampler.ts';
import { hashModelFolder } from '../repository.ts';
import type { Mode } from '../runtime.ts';
import { ModelSession } from '../session.ts';
import { decoderFiles, type Files, llamaModel, qwenModel } from './sample-decoders.ts';
import { folderOf } from './sample-models.ts';

export const sampleKey: SamplerKey = { seed: 3n, origin: 0, counter: 1, number: 2 };
export const qwen: Files = decoderFiles(qwenModel(), 'qwen2');
export const llama: Files = decoderFiles(llamaModel(), 'llama');

export function textRequest(rest: Partial<GenerationRequest> = {}): Uint8Array<ArrayBuffer> {
  return encodeGenerationRequest({
    promptKind: PromptKind.text,
    prompt: encodeUtf8('hello the world'),
    tokensMax: 9,
    tokensPerTick: 4,
    temperature: 1,
    topK: 30,
    topP: 0.95,
    seed: 0n,
    stopTokens: [],
    ...rest,
  });
}

export async function opened(
  files: Files,
  mode: Mode = 'portable',
): Promise<{ session: ModelSession; folder: string }> {
  const folder = folderOf(files);
  const { sha256 } = hashModelFolder(folder);
  const provider = mode === 'portable' ? 'wasm' : 'cpu';
  return { session: await ModelSession.open({ folder, mode, provider, sha256, batchMax: 8 }), folder };
}
