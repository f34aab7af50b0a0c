// Texts that models write piece by piece, in a live run. One piece is made ahead of those that were asked for; what a
// text needs to go on is in its request, so a process that died, or one of before, leaves nothing behind.

import { decodeGenerationPiece, FinishReason } from '../../abi/generation.ts';
import { assert } from '../../base/errors.ts';
import type { HostedModel, ModelHost, RequestFacts } from '../../inference/index.ts';
import type { GenerationState, ModelRequest } from '../../scheduler/index.ts';

/** A request for a text. */
export type TextRequest = ModelRequest & { readonly generation: GenerationState };

export function isTextRequest(request: ModelRequest): request is TextRequest {
  return request.generation !== undefined;
}

export interface TextDeskParts {
  readonly models: ModelHost;
  readonly find: (request: ModelRequest) => HostedModel;
  /** Seed of the run. */
  readonly seed: bigint;
  /** From the first to the last piece, the version of the model is in use. */
  readonly onBegin: (request: ModelRequest) => void;
  readonly onEnd: (request: ModelRequest) => void;
}

/** An answer, or a piece of a text, and what it took. */
export interface MadeAnswer {
  readonly bytes: Uint8Array;
  readonly facts: RequestFacts;
}

interface Piece {
  readonly made: Promise<MadeAnswer>;
  settled: boolean;
}

interface Text {
  readonly id: number;
  readonly request: TextRequest;
  /** Of the pieces that were made. */
  readonly tokens: number[];
  /** By part. */
  readonly pieces: Map<number, Piece>;
  /** Its last piece was made. */
  ended: boolean;
  /** Nobody waits for more. */
  forgotten: boolean;
}

export class TextDesk {
  readonly #parts: TextDeskParts;
  /** By the state of the request, which is one object from the first piece to the last. */
  readonly #texts: Map<GenerationState, Text> = new Map();
  /** Those whose piece was taken in the tick that is under way. */
  readonly #taken: Set<GenerationState> = new Set();
  #lastId = 0;

  constructor(parts: TextDeskParts) {
    this.#parts = parts;
  }

  /** After each tick: those of which it took a piece and wants no other are over. */
  settle(wanted: readonly TextRequest[]): void {
    for (const { generation } of wanted) this.#taken.delete(generation);
    for (const generation of this.#taken) this.#forget(generation);
    this.#taken.clear();
  }

  /** Begins with the pieces that will be due. */
  begin(requests: readonly TextRequest[]): void {
    for (const request of requests) {
      const text = this.#textOf(request);
      const { part } = request.generation;
      if (this.#ensure(text, part).settled && !text.ended) this.#ensure(text, part + 1);
    }
  }

  isReady({ generation }: TextRequest): boolean {
    return this.#texts.get(generation)?.pieces.get(generation.part)?.settled === true;
  }

  /** The piece that is due, which stays until it is taken. */
  made(request: TextRequest): Promise<MadeAnswer> {
    return this.#ensure(this.#textOf(request), request.generation.part).made;
  }

  /** The piece that is due has gone its way. */
  taken({ generation }: TextRequest): void {
    this.#texts.get(generation)!.pieces.delete(generation.part);
    this.#taken.add(generation);
  }

  /** The text of a request; a new one where the record went on in another way than this one. */
  #textOf(request: TextRequest): Text {
    const { generation } = request;
    const found = this.#texts.get(generation);
    if (found !== undefined) {
      if (generation.tokens.every((token, i) => found.tokens[i] === token)) return found;
      this.#forget(generation);
    }
    const text: Text = {
      id: ++this.#lastId,
      request,
      tokens: [...generation.tokens],
      pieces: new Map(),
      ended: false,
      forgotten: false,
    };
    this.#texts.set(generation, text);
    this.#parts.onBegin(request);
    return text;
  }

  #ensure(text: Text, part: number): Piece {
    const found = text.pieces.get(part);
    if (found !== undefined) return found;
    const before: Promise<unknown> = text.pieces.get(part - 1)?.made ?? Promise.resolve();
    const piece: Piece = { made: before.then(() => this.#make(text, part)), settled: false };
    text.pieces.set(part, piece);
    // Whoever waits for it is told what went wrong.
    piece.made.then(
      () => {
        piece.settled = true;
        // One ahead of what is due; more is made when this one was taken.
        if (!text.ended && !text.forgotten && text.request.generation.part === part)
          this.#ensure(text, part + 1);
      },
      () => {
        piece.settled = true;
      },
    );
    return piece;
  }

  async #make(text: Text, part: number): Promise<MadeAnswer> {
    const { models, find, seed } = this.#parts;
    const { agent, number, payload } = text.request;
    assert(!text.ended, 'a text that ended has no more pieces');
    const piece = await models.generate(find(text.request), text.id, {
      request: payload.bytes.subarray(payload.offset, payload.offset + payload.length),
      key: { seed, origin: agent.origin, counter: agent.counter, number },
      tokens: [...text.tokens],
      part,
    });
    const read = decodeGenerationPiece(piece.bytes);
    text.tokens.push(...(read?.tokens ?? []));
    text.ended = read?.reason !== FinishReason.none;
    return piece;
  }

  #forget(generation: GenerationState): void {
    const text = this.#texts.get(generation);
    if (text === undefined) return;
    this.#texts.delete(generation);
    text.forgotten = true;
    const { models, find, onEnd } = this.#parts;
    const last = [...text.pieces.values()].at(-1)?.made ?? Promise.resolve();
    const release = (): Promise<void> => models.forget(find(text.request), text.id);
    last
      .then(release, release)
      .catch(() => {})
      .finally(() => onEnd(text.request));
  }
}
