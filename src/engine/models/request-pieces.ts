// Requests on their way to their models, in pieces of which only so many are under way that their answers, made ahead
// of the ticks that take them, keep within a bound. How many that are at a time decides no answer.

import type { HostAnswers, RequestFacts } from '../../inference/index.ts';
import type { ModelRequest } from '../../scheduler/index.ts';

/** Bounds in bytes; every answer that is not there yet counts for the largest that its model may give. */
export interface PieceBounds {
  /** Of one piece, which has at least as many requests as its model runs together. */
  readonly pieceBytesMax: number;
  /** Of all that are under way or were not taken; what a tick waits for comes all the same. */
  readonly aheadBytesMax: number;
}

export const pieceBounds: PieceBounds = { pieceBytesMax: 2 ** 26, aheadBytesMax: 2 ** 28 };

export interface RequestPiecesParts {
  readonly bounds: PieceBounds;
  readonly limitsOf: (model: number) => { readonly outputBytesMax: number; readonly batchMax: number };
  /** Runs requests to one version of a model; answers in their order. */
  readonly run: (requests: readonly ModelRequest[], askedAtMs: number) => Promise<HostAnswers>;
  readonly nowMs: () => number;
}

interface Piece {
  readonly requests: readonly ModelRequest[];
  /** What its answers count for, until they are there. */
  readonly bytesMax: number;
  readonly askedAtMs: number;
  answers: Promise<HostAnswers> | undefined;
  settled: boolean;
}

export class RequestPieces {
  readonly #parts: RequestPiecesParts;
  readonly #places: Map<ModelRequest, { readonly piece: Piece; readonly place: number }> = new Map();
  /** Those that were not begun, in the order in which they came. */
  readonly #waiting: Set<Piece> = new Set();
  #bytes = 0;

  constructor(parts: RequestPiecesParts) {
    this.#parts = parts;
  }

  has(request: ModelRequest): boolean {
    return this.#places.has(request);
  }

  isReady(request: ModelRequest): boolean {
    return this.#places.get(request)!.piece.settled;
  }

  /** Takes the requests of one tick to one version of a model. */
  add(group: readonly ModelRequest[]): void {
    const { limitsOf, bounds, nowMs } = this.#parts;
    const askedAtMs = nowMs();
    const { outputBytesMax, batchMax } = limitsOf(group[0]!.model);
    const count = Math.max(batchMax, Math.floor(bounds.pieceBytesMax / outputBytesMax));
    for (let at = 0; at < group.length; at += count) {
      const requests = group.slice(at, at + count);
      const bytesMax = requests.length * outputBytesMax;
      const piece: Piece = { requests, bytesMax, askedAtMs, answers: undefined, settled: false };
      this.#waiting.add(piece);
      for (const [place, request] of requests.entries()) this.#places.set(request, { piece, place });
    }
    this.#fill();
  }

  /** The answer to a request, which stays until it is taken. */
  async made(request: ModelRequest): Promise<{ readonly bytes: Uint8Array; readonly facts: RequestFacts }> {
    const { piece, place } = this.#places.get(request)!;
    const { answers, facts } = await (piece.answers ?? this.#begin(piece));
    return { bytes: answers[place]!, facts: facts[place]! };
  }

  /** The answer of a request has gone its way. */
  taken(request: ModelRequest, bytes: Uint8Array): void {
    this.#places.delete(request);
    this.#bytes -= bytes.length;
    this.#fill();
  }

  #fill(): void {
    for (const piece of this.#waiting) {
      if (this.#bytes > 0 && this.#bytes + piece.bytesMax > this.#parts.bounds.aheadBytesMax) return;
      void this.#begin(piece);
    }
  }

  #begin(piece: Piece): Promise<HostAnswers> {
    this.#waiting.delete(piece);
    this.#bytes += piece.bytesMax;
    piece.answers = this.#parts.run(piece.requests, piece.askedAtMs);
    piece.answers.then(
      ({ answers }) => {
        piece.settled = true;
        this.#bytes += answers.reduce((sum, { length }) => sum + length, 0) - piece.bytesMax;
        this.#fill();
      },
      // Whoever waits for it is told what went wrong.
      () => {
        piece.settled = true;
      },
    );
    return piece.answers;
  }
}
