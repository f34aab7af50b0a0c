// The tokens that a text begins with, from whatever its request has: token ids, a text, or messages.

import { decodeChatMessages } from '../../abi/chat-messages.ts';
import { type GenerationRequest, PromptKind } from '../../abi/generation.ts';
import { InferenceStatus } from '../../abi/tensor-list.ts';
import { decodeUtf8 } from '../../base/encoding.ts';
import type { DecoderModel } from './decoder-model.ts';
import { Refused } from './refused.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** Bytes of the logits of a prompt, all positions together. */
const promptLogitsBytesMax = 2 ** 31;

/** @throws Refused; EngineError where what reads it is not installed */
export function promptTokens(model: DecoderModel, request: GenerationRequest): readonly number[] {
  const { tokensMax, vocabulary } = model;
  const tokens = tokensOf(model, request);
  const fail = (problem: string): never => {
    throw new Refused(InferenceStatus.wrongInputs, `Cannot take the prompt: ${problem}`);
  };
  if (tokens.length === 0) fail('it has no tokens');
  if (tokensMax !== undefined && tokens.length >= tokensMax)
    fail(`it has ${tokens.length} tokens, and the model holds ${tokensMax} with those of the text`);
  if (vocabulary === undefined) return tokens;
  const beyond = tokens.find((token) => token >= vocabulary);
  if (beyond !== undefined) fail(`it has token ${beyond}, and the model knows ${vocabulary}`);
  if (tokens.length * vocabulary * 4 > promptLogitsBytesMax)
    fail(
      `it has ${tokens.length} tokens, wanted at most ${Math.floor(promptLogitsBytesMax / vocabulary / 4)}`,
    );
  return tokens;
}

function tokensOf(model: DecoderModel, { promptKind, prompt }: GenerationRequest): readonly number[] {
  switch (promptKind) {
    case PromptKind.tokens:
      return idsOf(prompt);
    case PromptKind.text:
      return tokenizerOf(model).encode(decodeUtf8(prompt)!);
    case PromptKind.messages:
      // The template says itself which special tokens there are.
      return tokenizerOf(model).encode(conversation(model, prompt), true);
  }
}

function idsOf(prompt: Uint8Array): number[] {
  const view = new DataView(prompt.buffer, prompt.byteOffset, prompt.length);
  return Array.from({ length: prompt.length / 4 }, (_, i) => view.getUint32(i * 4, true));
}

function tokenizerOf({ tokenizer }: DecoderModel): TextTokenizer {
  if (tokenizer.missing !== undefined) throw tokenizer.missing;
  if (tokenizer.part !== undefined) return tokenizer.part;
  throw new Refused(
    InferenceStatus.wrongInputs,
    'Cannot take the prompt: the model has no "tokenizer.json", wanted token ids',
  );
}

function conversation({ template }: DecoderModel, prompt: Uint8Array): string {
  const read = decodeChatMessages(prompt);
  if (!read.ok) throw new Refused(InferenceStatus.badTensors, `Cannot read the request: ${read.problem}`);
  if (template.missing !== undefined) throw template.missing;
  if (template.part === undefined)
    throw new Refused(
      InferenceStatus.wrongInputs,
      'Cannot take the prompt: the model has no chat template, wanted a text or token ids',
    );
  return template.part.render(read.messages);
}
