// Where an agent trapped, in its author's terms. It comes from V8's stack traces, so it stands beside what a digest
// covers and never in it, and nothing decides by it.
import type { Agent } from '../scheduler/index.ts';
import { type CodePlace, moduleNames } from '../wasm/index.ts';
import type { System } from './config/system-config.ts';

/** Functions that a place names at most, the innermost first. */
const namedMax = 4;

/** `parse < handle < agent_receive`: a library's function says little without the ones that called it. */
export function callersText(places: readonly CodePlace[], names: ReadonlyMap<number, string>): string {
  const called = places.map(({ functionIndex }) => names.get(functionIndex) ?? `#${functionIndex}`);
  return called.slice(0, namedMax).join(' < ');
}

/** Names functions of a system's modules; each module is read when one of its agents first traps. */
export class FaultPlaces {
  readonly #system: Pick<System, 'config' | 'modules'>;
  readonly #names: Map<string, ReadonlyMap<number, string>> = new Map();

  constructor(system: Pick<System, 'config' | 'modules'>) {
    this.#system = system;
  }

  /** Empty where the places are. */
  textOf(agent: Agent, places: readonly CodePlace[]): string {
    if (places.length === 0) return '';
    const { config, modules } = this.#system;
    const hash = config.agents[agent.declarationIndex]!.module;
    let names = this.#names.get(hash);
    if (names === undefined) {
      const bytes = modules.get(hash)?.bytes;
      names = bytes === undefined ? new Map<number, string>() : moduleNames(bytes).functions;
      this.#names.set(hash, names);
    }
    return callersText(places, names);
  }
}
