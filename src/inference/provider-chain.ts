// What a model of mode "gpu" runs on: the first provider that can run it, found by trying each in a process of its own.
// A provider that is not there throws and never falls back by itself, so each step down is taken here, and told.

import { type HostedModel, modelLabel, type OnEvent } from './hosted-model.ts';
import { ProcessLost } from './inference-process.ts';
import type { Verdict } from './probe.ts';
import { choiceOf, type ResidentModels } from './resident-models.ts';
import type { Provider } from './runtime.ts';

const graphics: readonly Provider[] = ['cuda', 'webgpu'];
/** Drivers may hang. */
const probeTimeoutMs = 120_000;

export interface Choice {
  readonly provider: Provider;
  /** What was found out about it; undefined for the processor. */
  readonly verdict: Verdict | undefined;
}

const processor: Choice = { provider: 'cpu', verdict: undefined };

export class ProviderChain {
  readonly #models: ResidentModels;
  readonly #onEvent: OnEvent;
  readonly #choices: Map<string, Promise<Choice>> = new Map();

  constructor(models: ResidentModels, onEvent: OnEvent) {
    this.#models = models;
    this.#onEvent = onEvent;
  }

  /** Each provider is asked once for each model. */
  choose(model: HostedModel): Promise<Choice> {
    const found = this.#choices.get(model.sha256);
    if (found !== undefined) return found;
    const choice = this.#find(model);
    this.#choices.set(model.sha256, choice);
    return choice;
  }

  /** From now on the model runs on the processor. */
  demote(model: HostedModel, reason: string): void {
    this.#choices.set(model.sha256, Promise.resolve(processor));
    this.#onEvent({ kind: 'model-fallback', model: modelLabel(model), reason: `${reason}; now on cpu` });
  }

  async #find(model: HostedModel): Promise<Choice> {
    for (const provider of graphics) {
      const verdict = await this.#probe(model, provider);
      if (verdict.usable) {
        this.#tell(model, `${provider}: ${figures(verdict)}`);
        return { provider, verdict };
      }
      const reason = `${provider} cannot be used: ${verdict.reason}`;
      this.#onEvent({ kind: 'model-fallback', model: modelLabel(model), reason });
    }
    this.#tell(model, 'cpu: no graphics hardware here can run it');
    return processor;
  }

  #tell(model: HostedModel, reason: string): void {
    this.#onEvent({ kind: 'model-provider', model: modelLabel(model), reason });
  }

  async #probe(model: HostedModel, provider: Provider): Promise<Verdict> {
    const process = this.#models.start(provider);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      void process.close();
    }, probeTimeoutMs);
    try {
      return (await process.ask('probed', { kind: 'probe', ...choiceOf(model, provider) })).verdict;
    } catch (error) {
      const died = error instanceof ProcessLost ? 'it ended the process that tried it: ' : '';
      const reason = isLate ? `no answer in ${probeTimeoutMs} ms` : `${died}${(error as Error).message}`;
      return { usable: false, reason, difference: 0, variance: 0 };
    } finally {
      clearTimeout(timer);
      await process.close();
    }
  }
}

function figures({ difference, variance }: Verdict): string {
  const percent = (value: number): string => `${(value * 100).toPrecision(2)}%`;
  return `${percent(difference)} apart from the processor, ${percent(variance)} from run to run`;
}
