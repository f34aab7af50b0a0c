// The texts under way in an inference process. Their caches take memory: beyond a budget the one that was used longest
// ago goes, and is made again when its next piece is wanted.

import { EngineError } from '../../base/errors.ts';
import type { ModelSession, RunAnswer } from '../session.ts';
import { type OpenedDecoder, openDecoder } from './decoder-model.ts';
import { Generation, type PieceRequest } from './generation.ts';

/** What all caches may take together; one alone may take more. */
const cacheBytesMax = 2 ** 30;

export class Generations {
  readonly #decoders: Map<ModelSession, OpenedDecoder> = new Map();
  /** By the number that the engine gave; the one used last comes last. */
  readonly #running: Map<number, { readonly session: ModelSession; readonly generation: Generation }> =
    new Map();
  readonly #bytesMax: number;

  constructor(bytesMax: number = cacheBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** Looks at a model that was loaded. @throws EngineError `model-refused` where it is a decoder with bad files */
  async open(session: ModelSession, folder: string): Promise<void> {
    this.#decoders.set(session, await openDecoder(session, folder));
  }

  /** The next piece of a text. @throws EngineError where what it needs is not installed */
  async next(session: ModelSession, id: number, wanted: PieceRequest): Promise<RunAnswer> {
    const found = this.#running.get(id);
    const goesOn = found?.session === session && found.generation.isAt(wanted);
    if (!goesOn) this.forget(id);
    const generation = goesOn ? found.generation : await Generation.resume(this.#decoderOf(session), wanted);
    if (!(generation instanceof Generation)) return generation;
    this.#running.delete(id);
    this.#running.set(id, { session, generation });
    const answer = await generation.next(wanted.part);
    this.#trim(id);
    return answer;
  }

  /** A text that nobody waits for any more. */
  forget(id: number): void {
    this.#running.get(id)?.generation.release();
    this.#running.delete(id);
  }

  release(session: ModelSession): void {
    this.#decoders.delete(session);
    for (const [id, running] of this.#running) if (running.session === session) this.forget(id);
  }

  #decoderOf(session: ModelSession): OpenedDecoder {
    const found = this.#decoders.get(session);
    if (found === undefined) throw new EngineError('host-fault', 'Cannot generate: the model was not opened');
    return found;
  }

  #trim(newest: number): void {
    let bytes = 0;
    for (const { generation } of this.#running.values()) bytes += generation.bytes;
    for (const [id, { generation }] of this.#running) {
      if (bytes <= this.#bytesMax || id === newest) return;
      bytes -= generation.bytes;
      this.forget(id);
    }
  }
}
