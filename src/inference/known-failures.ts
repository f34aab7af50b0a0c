// Requests that a portable model is known to fail on wherever it runs, so that an agent that repeats its mistake costs
// no process each time.

import { createHash } from 'node:crypto';
import type { HostedModel } from './hosted-model.ts';

const keptMax = 4096;

export class KnownFailures {
  /** What the runtime said, by model and request; the oldest first. */
  readonly #problems: Map<string, string> = new Map();

  find(model: HostedModel, request: Uint8Array): string | undefined {
    // Mostly there are none, and nothing is hashed.
    return this.#problems.size === 0 ? undefined : this.#problems.get(keyOf(model, request));
  }

  add(model: HostedModel, request: Uint8Array, problem: string): void {
    this.#problems.set(keyOf(model, request), problem);
    const [oldest] = this.#problems.keys();
    if (this.#problems.size > keptMax) this.#problems.delete(oldest!);
  }
}

function keyOf({ sha256, batchMax }: HostedModel, request: Uint8Array): string {
  return createHash('sha256').update(`${sha256} ${batchMax} `).update(request).digest('base64');
}
