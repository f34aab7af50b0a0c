import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeGenerationPiece,
  decodeGenerationRequest,
  encodeGenerationPiece,
  encodeGenerationRequest,
  type FinishReason,
  type PromptKind,
} from './generation.ts';

interface Vectors {
  readonly requests: readonly {
    readonly title: string;
    readonly kind: PromptKind;
    readonly promptHex: string;
    readonly tokensMax: number;
    readonly tokensPerTick: number;
    readonly temperature: number;
    readonly topK: number;
    readonly topP: number;
    readonly seed: string;
    readonly stopTokens: readonly number[];
    readonly bytesHex: string;
  }[];
  readonly pieces: readonly {
    readonly title: string;
    readonly part: number;
    readonly reason: FinishReason;
    readonly sampler: number;
    readonly tokens: readonly number[];
    readonly hashesHex: string;
    readonly text: string;
    readonly bytesHex: string;
  }[];
  readonly malformed: readonly {
    readonly title: string;
    readonly bytesHex: string;
    readonly problem: string;
  }[];
}

const file = join(import.meta.dirname, '..', '..', 'test', 'vectors', 'abi-generation.json');
const vectors: Vectors = JSON.parse(readFileSync(file, 'utf8'));
const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('requests have the bytes of the vectors, and are read from them', () => {
  for (const { title, bytesHex, kind, promptHex, seed, ...rest } of vectors.requests) {
    const request = { ...rest, promptKind: kind, prompt: bytesOf(promptHex), seed: BigInt(seed) };
    assert.equal(hexOf(encodeGenerationRequest(request)), bytesHex, title);
    const read = decodeGenerationRequest(bytesOf(bytesHex));
    assert.deepEqual(read, { ok: true, request }, title);
  }
});

test('pieces have the bytes of the vectors, and are read from them', () => {
  for (const { title, bytesHex, hashesHex, ...rest } of vectors.pieces) {
    const piece = { ...rest, hashes: bytesOf(hashesHex) };
    assert.equal(hexOf(encodeGenerationPiece(piece)), bytesHex, title);
    assert.deepEqual(decodeGenerationPiece(bytesOf(bytesHex)), piece, title);
  }
});

test('a malformed request is told what is wrong with it', () => {
  for (const { title, bytesHex, problem } of vectors.malformed)
    assert.deepEqual(decodeGenerationRequest(bytesOf(bytesHex)), { ok: false, problem }, title);
});

test('whatever the bytes, reading them ends', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 90 }), (bytes) => {
      const read = decodeGenerationRequest(bytes);
      if (read.ok) assert.deepEqual(encodeGenerationRequest(read.request), bytes);
      decodeGenerationPiece(bytes);
    }),
  );
});
