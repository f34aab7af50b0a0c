// Requests for generated text, and the pieces in which it comes: flat, little-endian forms, described in
// `docs/formats/abi.md`. Whatever the bytes are, reading them ends in a request or in a text that says what is wrong.

import { decodeUtf8, encodeUtf8 } from '../base/encoding.ts';
import { decodeChatMessages } from './chat-messages.ts';

/** What a prompt is. */
export const PromptKind = {
  /** UTF-8, which the model's own tokenizer turns into tokens. */
  text: 1,
  /** Token ids, a u32 each. */
  tokens: 2,
  /** Messages of a conversation, which the model's own chat template makes a text of. */
  messages: 3,
} as const;
export type PromptKind = (typeof PromptKind)[keyof typeof PromptKind];

export interface GenerationRequest {
  readonly promptKind: PromptKind;
  /** UTF-8, token ids, or messages. */
  readonly prompt: Uint8Array;
  /** Tokens at most. */
  readonly tokensMax: number;
  /** Tokens of each piece; one piece a tick. */
  readonly tokensPerTick: number;
  /** 0: always the likeliest token. */
  readonly temperature: number;
  /** So many of the likeliest tokens are chosen from; 0: all. */
  readonly topK: number;
  /** And of those, the likeliest that have this share together. */
  readonly topP: number;
  readonly seed: bigint;
  /** Tokens that end the text, beside those of the model. */
  readonly stopTokens: readonly number[];
}

const headBytes = 40;
export const generatedTokensMax = 65_536;
export const stopTokensMax = 64;
export const temperatureMax = 100;

/** The bytes of a request; numbers are taken as they are. */
export function encodeGenerationRequest(request: GenerationRequest): Uint8Array<ArrayBuffer> {
  const { prompt, stopTokens } = request;
  const bytes = new Uint8Array(headBytes + stopTokens.length * 4 + prompt.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, request.promptKind, true);
  view.setUint32(4, prompt.length, true);
  view.setUint32(8, request.tokensMax, true);
  view.setUint32(12, request.tokensPerTick, true);
  view.setFloat32(16, request.temperature, true);
  view.setUint32(20, request.topK, true);
  view.setFloat32(24, request.topP, true);
  view.setUint32(28, stopTokens.length, true);
  view.setBigUint64(32, request.seed, true);
  for (const [i, token] of stopTokens.entries()) view.setUint32(headBytes + i * 4, token, true);
  bytes.set(prompt, headBytes + stopTokens.length * 4);
  return bytes;
}

export type ReadGenerationRequest =
  | { readonly ok: true; readonly request: GenerationRequest }
  | { readonly ok: false; readonly problem: string };

/** Reads a request. The prompt is a view of `bytes`. */
export function decodeGenerationRequest(bytes: Uint8Array): ReadGenerationRequest {
  const fail = (problem: string): ReadGenerationRequest => ({ ok: false, problem });
  if (bytes.length < headBytes) return fail(`found ${bytes.length} bytes, wanted at least ${headBytes}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number): number => view.getUint32(at, true);
  const [kind, promptBytes, tokensMax, tokensPerTick] = [word(0), word(4), word(8), word(12)];
  const [topK, stops] = [word(20), word(28)];
  const [temperature, topP] = [view.getFloat32(16, true), view.getFloat32(24, true)];
  if (!isPromptKind(kind))
    return fail(`the kind of its prompt is ${kind}, wanted 1 (text), 2 (token ids) or 3 (messages)`);
  const isCount = (count: number): boolean => count >= 1 && count <= generatedTokensMax;
  const counts = `wanted 1 to ${generatedTokensMax}`;
  if (!isCount(tokensMax)) return fail(`it wants at most ${tokensMax} tokens, ${counts}`);
  if (!isCount(tokensPerTick)) return fail(`it wants ${tokensPerTick} tokens per tick, ${counts}`);
  if (!(temperature >= 0 && temperature <= temperatureMax))
    return fail(`its temperature is ${temperature}, wanted 0 to ${temperatureMax}`);
  if (!(topP > 0 && topP <= 1)) return fail(`its top-p is ${topP}, wanted more than 0 and at most 1`);
  if (stops > stopTokensMax) return fail(`it has ${stops} stop tokens, wanted at most ${stopTokensMax}`);
  const size = headBytes + stops * 4 + promptBytes;
  if (size !== bytes.length) return fail(`found ${bytes.length} bytes, and its head says ${size}`);
  const stopTokens = Array.from({ length: stops }, (_, i) => word(headBytes + i * 4));
  const prompt = bytes.subarray(headBytes + stops * 4);
  const problem = promptProblem(kind, prompt);
  if (problem !== undefined) return fail(problem);
  const seed = view.getBigUint64(32, true);
  const counted = { tokensMax, tokensPerTick, temperature, topK, topP, seed, stopTokens };
  return { ok: true, request: { promptKind: kind, prompt, ...counted } };
}

function isPromptKind(kind: number): kind is PromptKind {
  return Object.values<number>(PromptKind).includes(kind);
}

function promptProblem(kind: PromptKind, prompt: Uint8Array): string | undefined {
  switch (kind) {
    case PromptKind.text:
      return decodeUtf8(prompt) === undefined ? 'its prompt is not UTF-8' : undefined;
    case PromptKind.tokens:
      if (prompt.length % 4 === 0) return undefined;
      return `its prompt has ${prompt.length} bytes, wanted 4 for each token id`;
    case PromptKind.messages: {
      const read = decodeChatMessages(prompt);
      return read.ok ? undefined : read.problem;
    }
  }
}

/** Why a text ended. */
export const FinishReason = {
  /** It did not; another piece comes in the next tick. */
  none: 0,
  /** By a token that ends it. */
  stop: 1,
  /** It has as many tokens as were wanted, or as the model can hold. */
  length: 2,
} as const;
export type FinishReason = (typeof FinishReason)[keyof typeof FinishReason];

/** One piece of a text: what one tick gives. */
export interface GenerationPiece {
  /** Counted from 0. */
  readonly part: number;
  readonly reason: FinishReason;
  /** Version of the sampler that chose the tokens. */
  readonly sampler: number;
  /** A token that ends the text is among them. */
  readonly tokens: readonly number[];
  /** For each token the first 16 bytes of the SHA-256 of the numbers that it was chosen by. */
  readonly hashes: Uint8Array;
  /** What the tokens say; a character whose bytes are not all there comes with a later piece. */
  readonly text: string;
}

const pieceHeadBytes = 24;
export const logitsHashBytes = 16;

export function encodeGenerationPiece(piece: GenerationPiece): Uint8Array<ArrayBuffer> {
  const { tokens, hashes } = piece;
  const text = encodeUtf8(piece.text);
  const textAt = pieceHeadBytes + tokens.length * 4 + hashes.length;
  const bytes = new Uint8Array((textAt + text.length + 7) & ~7);
  const view = new DataView(bytes.buffer);
  const head = [0, piece.part, piece.reason, piece.sampler, tokens.length, text.length, ...tokens];
  for (const [i, word] of head.entries()) view.setUint32(i * 4, word, true);
  bytes.set(hashes, pieceHeadBytes + tokens.length * 4);
  bytes.set(text, textAt);
  return bytes;
}

/** Reads a piece of the engine's own making; undefined where the bytes are none, as where they say what went wrong. */
export function decodeGenerationPiece(bytes: Uint8Array): GenerationPiece | undefined {
  if (bytes.length < pieceHeadBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number): number => view.getUint32(at, true);
  const [status, part, reason, sampler] = [word(0), word(4), word(8), word(12)];
  const [count, textBytes] = [word(16), word(20)];
  const textAt = pieceHeadBytes + count * (4 + logitsHashBytes);
  if (status !== 0 || reason > 2 || Math.ceil((textAt + textBytes) / 8) * 8 !== bytes.length)
    return undefined;
  const tokens = Array.from({ length: count }, (_, i) => word(pieceHeadBytes + i * 4));
  const hashes = bytes.subarray(pieceHeadBytes + count * 4, textAt);
  const text = decodeUtf8(bytes.subarray(textAt, textAt + textBytes));
  if (text === undefined) return undefined;
  return { part, reason: reason as FinishReason, sampler, tokens, hashes, text };
}
