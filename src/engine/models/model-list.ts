// The models of a run by index: those of its configuration, and behind them those that inputs declared.

import type { ModelState } from '../../scheduler/index.ts';
import { decodeModel } from '../config/model-detail.ts';
import type { ModelConfig, SystemConfig } from '../config/system-config.ts';

/** Whether an agent of the system may ask models: those that it has, or that inputs will declare. */
export function mayAsk({ models, agents }: Pick<SystemConfig, 'models' | 'agents'>): boolean {
  const asks = agents.some(({ capabilities }) =>
    capabilities.some((name) => name === 'infer' || name === 'generate'),
  );
  return asks || models.length > 0;
}

export class ModelList {
  readonly #models: ModelConfig[];

  constructor({ models }: Pick<SystemConfig, 'models'>) {
    this.#models = [...models];
  }

  get all(): readonly ModelConfig[] {
    return this.#models;
  }

  at(index: number): ModelConfig {
    return this.#models[index]!;
  }

  /** Takes in what was declared since; answers it. */
  follow(states: readonly Pick<ModelState, 'declaration'>[]): readonly ModelConfig[] {
    const added = states
      .slice(this.#models.length)
      .map(({ declaration }) => decodeModel(declaration.detail!));
    this.#models.push(...added);
    return added;
  }
}
