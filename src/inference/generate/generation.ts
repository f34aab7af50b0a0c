// One text under way, in the inference process. Everything follows from the request, the key and the tokens so far: one
// that was lost is made again by taking the same steps with the tokens that it had.

import {
  decodeGenerationRequest,
  encodeGenerationPiece,
  FinishReason,
  type GenerationRequest,
} from '../../abi/generation.ts';
import { encodeInferenceError, InferenceStatus } from '../../abi/tensor-list.ts';
import { concatBytes } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { firstLine } from '../optional-package.ts';
import type { ModelSession, RunAnswer } from '../session.ts';
import { failedText, isAbort } from '../suspect.ts';
import { TookTooLong } from './bounded-time.ts';
import { DecoderRun } from './decoder.ts';
import type { DecoderModel, OpenedDecoder } from './decoder-model.ts';
import { promptTokens } from './prompt.ts';
import { Refused } from './refused.ts';
import { chooseToken, type SamplerKey, samplerVersion } from './sampler.ts';
import { TextStream } from './text-stream.ts';

/** What a piece is made of; plain data. */
export interface PieceRequest {
  /** The bytes of the agent's request. */
  readonly request: Uint8Array;
  /** Its seed is that of the run; the agent's is added to it. */
  readonly key: SamplerKey;
  /** Tokens of the pieces before. */
  readonly tokens: readonly number[];
  /** Counted from 0. */
  readonly part: number;
}

/** The piece that is under way. */
interface Unfinished {
  readonly tokens: number[];
  readonly hashes: Uint8Array[];
  text: string;
  reason: FinishReason;
}

export class Generation {
  readonly #model: DecoderModel;
  readonly #request: GenerationRequest;
  readonly #key: SamplerKey;
  readonly #prompt: readonly number[];
  readonly #run: DecoderRun;
  readonly #text: TextStream;
  readonly #tokens: number[] = [];
  #piece: Unfinished = newPiece();
  #hasEnded = false;
  /** What a step failed of. */
  #failed: { readonly error: unknown } | undefined;

  private constructor(model: DecoderModel, request: GenerationRequest, key: SamplerKey) {
    this.#model = model;
    this.#request = request;
    this.#key = { ...key, seed: BigInt.asUintN(64, key.seed + request.seed) };
    this.#prompt = promptTokens(model, request);
    this.#run = new DecoderRun(model.session, model.shape);
    const { part: tokenizer } = model.tokenizer;
    this.#text = new TextStream((tokens) => tokenizer?.decode(tokens) ?? '');
  }

  get bytes(): number {
    return this.#run.bytes;
  }

  /** Whether it goes on where these tokens end. */
  isAt({ tokens }: PieceRequest): boolean {
    return tokens.length === this.#tokens.length - this.#piece.tokens.length;
  }

  /** Whether there is a step to take before the next piece is asked for. */
  get goesOn(): boolean {
    return !this.hasFailed && !this.#hasEnded && !this.#isWhole;
  }

  /** Then it is of no more use. */
  get hasFailed(): boolean {
    return this.#failed !== undefined;
  }

  get #isWhole(): boolean {
    const { reason, tokens } = this.#piece;
    return reason !== FinishReason.none || tokens.length >= this.#request.tokensPerTick;
  }

  release(): void {
    this.#run.release();
  }

  /**
   * A text that has the tokens of the pieces before; or the answer that says why there is none.
   * @throws EngineError where the tokenizer's package is wanted and missing, or the tokenizer comes to no end
   */
  static async resume(opened: OpenedDecoder, wanted: PieceRequest): Promise<Generation | RunAnswer> {
    return answered(opened.ok ? opened.model.session : undefined, async () => {
      if (!opened.ok)
        throw new Refused(InferenceStatus.wrongInputs, `Cannot generate with this model: ${opened.problem}`);
      const read = decodeGenerationRequest(wanted.request);
      if (!read.ok) throw new Refused(InferenceStatus.badTensors, `Cannot read the request: ${read.problem}`);
      const generation = new Generation(opened.model, read.request, wanted.key);
      for (const token of wanted.tokens) {
        await generation.#run.take(generation.#untaken());
        generation.#push(token);
      }
      return generation;
    });
  }

  /** The next piece. Only a broken runtime throws; what a portable one broke on has no bytes. */
  async next(part: number): Promise<RunAnswer> {
    return answered(this.#model.session, async () => {
      while (!this.hasFailed && !this.#isWhole) await this.step();
      if (this.#failed !== undefined) throw this.#failed.error;
      const { tokens, hashes, text, reason } = this.#piece;
      this.#piece = newPiece();
      this.#hasEnded = reason !== FinishReason.none;
      const piece = { part, reason, sampler: samplerVersion, tokens, hashes: concatBytes(hashes), text };
      return { bytes: encodeGenerationPiece(piece), problem: '' };
    });
  }

  /** One step of the piece that is under way, whether it was asked for or will be. What goes wrong is told with it. */
  async step(): Promise<void> {
    try {
      await this.#advance();
    } catch (error) {
      this.#failed = { error };
    }
  }

  /** Whether the runtime broke. */
  get isBroken(): boolean {
    const error = this.#failed?.error;
    const isOfRequest = error === undefined || error instanceof Refused || error instanceof EngineError;
    return !isOfRequest && (isAbort(error) || this.#model.session.isSuspect(error));
  }

  async #advance(): Promise<void> {
    const { values, hash } = await this.#run.take(this.#untaken());
    const token = chooseToken(values, this.#request, this.#key, this.#tokens.length);
    if (token === undefined)
      throw new Refused(InferenceStatus.modelFailed, 'Cannot choose a token: none has a finite logit');
    const piece = this.#piece;
    piece.tokens.push(token);
    piece.hashes.push(hash);
    piece.text += this.#push(token);
    piece.reason = this.#reasonAfter(token);
    if (piece.reason !== FinishReason.none) piece.text += this.#text.end();
  }

  #untaken(): readonly number[] {
    const last = this.#tokens.at(-1);
    return last === undefined ? this.#prompt : [last];
  }

  #push(token: number): string {
    this.#tokens.push(token);
    return this.#text.push(token);
  }

  #reasonAfter(token: number): FinishReason {
    const { stopTokens, tokensMax = Number.POSITIVE_INFINITY } = this.#model;
    if (stopTokens.has(token) || this.#request.stopTokens.includes(token)) return FinishReason.stop;
    const isFull = this.#prompt.length + this.#tokens.length >= tokensMax;
    return isFull || this.#tokens.length >= this.#request.tokensMax ? FinishReason.length : FinishReason.none;
  }
}

function newPiece(): Unfinished {
  return { tokens: [], hashes: [], text: '', reason: FinishReason.none };
}

async function answered<T>(
  session: ModelSession | undefined,
  work: () => Promise<T>,
): Promise<T | RunAnswer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refused)
      return { bytes: encodeInferenceError(error.status, error.message), problem: error.problem };
    if (error instanceof EngineError) throw error;
    // Another try would take as long.
    if (error instanceof TookTooLong) throw new EngineError('host-fault', error.message);
    const problem = firstLine(error) || 'it said nothing';
    if (session?.isSuspect(error)) return { bytes: new Uint8Array(0), problem };
    if (isAbort(error)) throw error;
    return { bytes: encodeInferenceError(InferenceStatus.modelFailed, failedText), problem };
  }
}
