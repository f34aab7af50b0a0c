// Inference processes in memory: they take any time, and die before or after they answer. What they answer follows from
// the request and the version alone, as with every portable model.

import { createHash } from 'node:crypto';
import { encodeGenerationPiece, FinishReason } from '../../src/abi/generation.ts';
import { encodeInferenceError, InferenceStatus } from '../../src/abi/tensor-list.ts';
import type { Clock } from '../../src/engine/ports.ts';
import type { AnswerOf, ChildAnswer, ChildRequest } from '../../src/inference/child-protocol.ts';
import { type ModelProcess, ProcessLost } from '../../src/inference/inference-process.ts';
import { repeatsOf } from '../../src/inference/repeats.ts';
import type { Chance } from './chance.ts';

/** How a process dies of what it is asked: before it answers, or right after. */
export type ModelDeath = 'before' | 'after';

export interface SimModelOptions {
  readonly chance: Chance;
  readonly clock: Clock;
  /** How the process dies of what is asked next; undefined: it does not. */
  readonly deathAt: () => ModelDeath | undefined;
}

type Asked = ChildRequest;
/** An answer without the number that it comes by. */
interface Answer {
  readonly kind: ChildAnswer['kind'];
  readonly [fact: string]: unknown;
}

interface Waiting {
  readonly request: Asked;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Does one thing after another, as its like does. */
class SimModelProcess implements ModelProcess {
  readonly pid = 1;
  readonly #options: SimModelOptions;
  readonly #waiting: Waiting[] = [];
  /** The version that each session has loaded, by its hash. */
  readonly #sessions: Map<number, string> = new Map();
  #lost = false;

  constructor(options: SimModelOptions) {
    this.#options = options;
  }

  get lost(): boolean {
    return this.#lost;
  }

  async ask<K extends ChildAnswer['kind']>(_wanted: K, request: Asked): Promise<AnswerOf<K>> {
    if (this.#lost) throw new ProcessLost('it is gone', true);
    const answer = await new Promise<Answer>((resolve, reject) => {
      // What is sent is a copy: whoever asks may write there again.
      this.#waiting.push({ request: structuredClone(request), resolve, reject });
      if (this.#waiting.length === 1) this.#begin();
    });
    return answer as unknown as AnswerOf<K>;
  }

  close(): Promise<void> {
    this.#lose(false);
    return Promise.resolve();
  }

  #begin(): void {
    const { chance, clock, deathAt } = this.#options;
    const death = deathAt();
    clock.after(chance.oneIn(3) ? chance.skewed(300) : 0, () => {
      if (this.#lost) return;
      if (death === 'before') {
        this.#lose(true);
        return;
      }
      const { request, resolve } = this.#waiting.shift()!;
      resolve(this.#answer(request));
      if (death === 'after') this.#lose(false);
      else if (this.#waiting.length > 0) this.#begin();
    });
  }

  /** @param byItself whether what it was at ended it */
  #lose(byItself: boolean): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#waiting.forEach(({ reject }, i) => {
      reject(new ProcessLost('it died', i > 0 || !byItself));
    });
  }

  #answer(request: Asked): Answer {
    switch (request.kind) {
      case 'load': {
        this.#sessions.set(request.session, request.sha256);
        const signature = { inputs: [], outputs: [] };
        return { kind: 'loaded', signature, runtime: 'simulated', bytes: 1000, batching: { kind: 'single' } };
      }
      case 'run': {
        const { parts } = request;
        const answers = parts.map((bytes) => inferred(this.#versionOf(request.session), bytes));
        return {
          kind: 'ran',
          body: Uint8Array.from(Buffer.concat(answers)),
          sizes: repeatsOf(answers.map(({ length }) => length)),
          problems: repeatsOf(answers.map(() => '')),
          runs: [{ requests: parts.length, micros: 1 }],
          runOf: repeatsOf(parts.map(() => 0)),
          processBytes: 0,
        };
      }
      case 'generate': {
        const version = this.#versionOf(request.session);
        const body = generated(version, request.parts[0], request.part, request.tokens);
        return { kind: 'generated', body, problem: '', micros: 1, processBytes: 0 };
      }
      default:
        return { kind: 'released' };
    }
  }

  #versionOf(session: number): string {
    const version = this.#sessions.get(session);
    if (version === undefined) throw new Error(`session ${session} was never loaded`);
    return version;
  }
}

function hash(...parts: readonly (string | Uint8Array)[]): Buffer {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
}

/** Tensors, as far as anybody looks into them; or why there are none. */
function inferred(version: string, request: Uint8Array): Uint8Array {
  const sum = hash(version, request);
  if (sum[0]! % 4 === 0) return encodeInferenceError(InferenceStatus.modelFailed, sum.toString('hex', 0, 3));
  return Uint8Array.of(0, 0, 0, 0, ...sum.subarray(0, 8));
}

/** A text of one to six pieces, of two tokens each; or why there is none. */
function generated(
  version: string,
  request: Uint8Array,
  part: number,
  tokens: readonly number[],
): Uint8Array {
  const text = hash(version, request);
  if (text[0]! % 5 === 0) return encodeInferenceError(InferenceStatus.wrongInputs, 'refused');
  const sum = hash(text, String(part), tokens.join());
  const reason = part < text[1]! % 6 ? FinishReason.none : FinishReason.stop;
  const own = [sum.readUInt16LE(0), sum.readUInt16LE(2)];
  const hashes = new Uint8Array([...sum, ...sum]).subarray(0, 32);
  return encodeGenerationPiece({ part, reason, sampler: 1, tokens: own, hashes, text: `${own}` });
}

export function startModelProcess(options: SimModelOptions): ModelProcess {
  return new SimModelProcess(options);
}
