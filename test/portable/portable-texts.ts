// The digest of the texts that portable decoders write: tokenizer, chat template, cache, sampler and all.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeChatMessages } from '../../src/abi/chat-messages.ts';
import {
  decodeGenerationPiece,
  encodeGenerationRequest,
  FinishReason,
  PromptKind,
} from '../../src/abi/generation.ts';
import { assert } from '../../src/base/errors.ts';
import { Generations } from '../../src/inference/generate/generations.ts';
import { hashModelFolder } from '../../src/inference/repository.ts';
import { ModelSession } from '../../src/inference/session.ts';
import { decoderFiles, llamaModel, qwenModel } from '../../src/inference/testing/sample-decoders.ts';

const key = { seed: 11n, origin: 0, counter: 1, number: 0 };
const prompt = encodeChatMessages([
  { role: 'system', text: 'be brief' },
  { role: 'user', text: 'hello the wörld' },
]);
const length = { tokensMax: 12, tokensPerTick: 5, seed: 1n, stopTokens: [] };
const choices = [
  { temperature: 0, topK: 0, topP: 1 },
  { temperature: 1, topK: 40, topP: 0.9 },
] as const;

/** @param folder an empty place for what is made */
export async function textsDigest(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const kinds = [decoderFiles(qwenModel(), 'qwen2'), decoderFiles(llamaModel(), 'llama')];
  for (const [kind, files] of kinds.entries()) {
    const own = join(folder, String(kind));
    mkdirSync(own, { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(own, name), content);
    const { sha256 } = hashModelFolder(own);
    // In this process: an emulated Node cannot start another one.
    const choice = { folder: own, sha256, mode: 'portable', provider: 'wasm', batchMax: 1 } as const;
    const session = await ModelSession.open(choice);
    const generations = new Generations();
    await generations.open(session, own);
    for (const [id, sampling] of choices.entries()) {
      const asked = { promptKind: PromptKind.messages, prompt, ...length, ...sampling };
      for (const piece of await pieces(generations, session, id, encodeGenerationRequest(asked)))
        hash.update(piece);
    }
    await session.release();
  }
  return hash.digest('hex');
}

async function pieces(
  generations: Generations,
  session: ModelSession,
  id: number,
  request: Uint8Array,
): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  const tokens: number[] = [];
  for (let part = 0; ; part++) {
    const { bytes, problem } = await generations.next(session, id, { request, key, tokens, part });
    const piece = decodeGenerationPiece(bytes);
    assert(piece !== undefined, `a text is written, found "${problem}"`);
    found.push(bytes);
    tokens.push(...piece.tokens);
    if (piece.reason !== FinishReason.none) return found;
  }
}
