// Requests that a portable model failed on in a way that may come of the process: each is asked again where nothing
// else is. What it comes to in a new process is its answer, since it is the same on every machine.

import type { HostedModel } from './hosted-model.ts';
import type { ModelProcess } from './inference-process.ts';
import type { ResidentModels } from './resident-models.ts';

/** Where a model is loaded. */
export interface Place {
  readonly process: ModelProcess;
  readonly session: number;
}

const session = 1;

export class LoneProcess {
  readonly #models: ResidentModels;
  readonly #model: HostedModel;
  #process: ModelProcess | undefined;

  constructor(models: ResidentModels, model: HostedModel) {
    this.#models = models;
    this.#model = model;
  }

  /**
   * Asks one thing. Where the runtime breaks on it after others, it is asked again in a new process.
   * @returns what is broken only if it breaks in a new process
   * @throws ProcessLost
   */
  async ask<T>(ask: (place: Place) => Promise<T>, isBroken: (answer: T) => boolean): Promise<T> {
    for (;;) {
      const used = this.#process?.lost === false ? this.#process : undefined;
      const process = used ?? (await this.#open());
      const answer = await ask({ process, session });
      if (!isBroken(answer)) return answer;
      await this.close();
      if (used === undefined) return answer;
    }
  }

  async close(): Promise<void> {
    await this.#process?.close();
    this.#process = undefined;
  }

  async #open(): Promise<ModelProcess> {
    const process = this.#models.start('wasm');
    this.#process = process;
    await this.#models.loadInto(process, session, this.#model, 'wasm');
    return process;
  }
}
