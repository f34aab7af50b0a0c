// How programs name agents: an identity as text, or the name that the system file gives.

import { declaredNames } from '../scheduler/index.ts';
import type { SystemConfig } from './config/system-config.ts';

/** An agent's identity as `origin.counter` (see `docs/formats/abi.md`), or its name in the system file. */
export type AgentId = string;

export interface Identity {
  readonly origin: number;
  readonly counter: number;
}

export function formatAgentId({ origin, counter }: Identity): AgentId {
  return `${origin}.${counter}`;
}

/**
 * The names of the agents that the system file declares; others have only their identities. Names start with a letter,
 * identities with a digit, so the two never meet.
 */
export class AgentNames {
  readonly #byName: Map<string, Identity> = new Map();

  constructor(config: SystemConfig) {
    const names = config.agents.flatMap(({ name, count }) => declaredNames(name, count));
    names.forEach((name, index) => {
      this.#byName.set(name, { origin: 0, counter: index + 1 });
    });
  }

  /** The identity that a text means, whether or not an agent has it yet; undefined where it means none. */
  parse(id: AgentId): Identity | undefined {
    const known = this.#byName.get(id);
    if (known !== undefined) return known;
    const match = /^(\d{1,10})\.(\d{1,10})$/.exec(id);
    if (match === null) return undefined;
    const [origin, counter] = [Number(match[1]), Number(match[2])];
    return origin < 2 ** 32 && counter < 2 ** 32 ? { origin, counter } : undefined;
  }
}
