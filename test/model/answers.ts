// What the models of a generated system say: one answer, or a text of one to three pieces, of which some end with bytes
// that are no piece.

import { encodeGenerationPiece, FinishReason } from '../../src/abi/generation.ts';
import type { Bytes, ModelInput, ModelRequest } from './model-state.ts';

/** The answer to a request, as an input. */
export function answerTo({ agent, number, tag, part }: ModelRequest): ModelInput {
  const { origin, counter } = agent;
  const said = { kind: 'answer', origin, counter, number } as const;
  if (part === null) return { ...said, payload: `to ${number}`, more: false };
  const more = part < (number + tag + 4) % 3;
  if (!more && tag === 2) return { ...said, payload: 'no piece', more };
  const reason = more ? FinishReason.none : FinishReason.stop;
  const piece = { part, reason, sampler: 1, tokens: [part], hashes: new Uint8Array(16), text: `${part}` };
  return { ...said, payload: String.fromCharCode(...encodeGenerationPiece(piece)), more };
}

export function bytesOf(payload: Bytes): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(payload, (character) => character.charCodeAt(0));
}
