// The texts under way in an inference process. While nothing is asked they go on, each up to the end of its next piece:
// when something is done never changes what it comes to. Their caches take memory: at a budget they go on only when
// they are asked for, and beyond it the one that was used longest ago goes, and is made again when it is wanted.

import { EngineError } from '../../base/errors.ts';
import { type ModelSession, microsSince, type RunAnswer } from '../session.ts';
import { type OpenedDecoder, openDecoder } from './decoder-model.ts';
import { Generation, type PieceRequest } from './generation.ts';

/** What all caches may take together; one alone may take more. */
const cacheBytesMax = 2 ** 30;

interface Running {
  readonly session: ModelSession;
  readonly generation: Generation;
  /** What the piece that comes next has taken. */
  aheadMicros: number;
}

/** A piece, and what it took before it was asked for. */
export interface MadePiece extends RunAnswer {
  readonly aheadMicros: number;
}

export class Generations {
  readonly #decoders: Map<ModelSession, OpenedDecoder> = new Map();
  /** By the number that the engine gave; the one used last comes last. */
  readonly #running: Map<number, Running> = new Map();
  readonly #bytesMax: number;

  constructor(bytesMax: number = cacheBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** Looks at a model that was loaded. @throws EngineError `model-refused` where it is a decoder with bad files */
  async open(session: ModelSession, folder: string): Promise<void> {
    this.#decoders.set(session, await openDecoder(session, folder));
  }

  /** The next piece of a text. @throws EngineError where what it needs is not installed */
  async next(session: ModelSession, id: number, wanted: PieceRequest): Promise<MadePiece> {
    const running = this.#find(session, id, wanted) ?? (await this.#resume(session, wanted));
    if (!('generation' in running)) return { ...running, aheadMicros: 0 };
    const { generation, aheadMicros } = running;
    this.#running.delete(id);
    this.#running.set(id, running);
    running.aheadMicros = 0;
    const answer = await generation.next(wanted.part);
    if (generation.hasFailed) this.forget(id);
    this.#trim(id);
    return { ...answer, aheadMicros };
  }

  /** Takes a step of the text that was asked for longest ago, where the caches have room. */
  async stepAhead(): Promise<'nothing-to-do' | 'done' | 'runtime-broken'> {
    if (this.#running.size > 1 && this.#bytes >= this.#bytesMax) return 'nothing-to-do';
    for (const running of this.#running.values()) {
      const { generation } = running;
      if (!generation.goesOn) continue;
      const startedAtMs = performance.now();
      await generation.step();
      running.aheadMicros += microsSince(startedAtMs);
      return generation.isBroken ? 'runtime-broken' : 'done';
    }
    return 'nothing-to-do';
  }

  /** One that goes on where this piece begins; another one is forgotten. */
  #find(session: ModelSession, id: number, wanted: PieceRequest): Running | undefined {
    const found = this.#running.get(id);
    if (found?.session === session && found.generation.isAt(wanted)) return found;
    this.forget(id);
    return undefined;
  }

  async #resume(session: ModelSession, wanted: PieceRequest): Promise<Running | RunAnswer> {
    const generation = await Generation.resume(this.#decoderOf(session), wanted);
    return generation instanceof Generation ? { session, generation, aheadMicros: 0 } : generation;
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

  get #bytes(): number {
    let bytes = 0;
    for (const { generation } of this.#running.values()) bytes += generation.bytes;
    return bytes;
  }

  #trim(newest: number): void {
    let bytes = this.#bytes;
    for (const [id, { generation }] of this.#running) {
      if (bytes <= this.#bytesMax || id === newest) return;
      bytes -= generation.bytes;
      this.forget(id);
    }
  }
}
