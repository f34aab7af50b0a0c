// Which agents have an instance now, and what is kept of those that do not. Which ones hibernate changes no digest.

import type { MemoryImage } from '../../sandbox/index.ts';
import { type Agent, waitingTasks } from '../../scheduler/index.ts';

/** All that an agent's instance was. Never written again: it may be kept in several places. */
export interface SavedInstance {
  readonly image: MemoryImage;
  readonly state: Uint32Array;
}

export class Residency {
  readonly residents: Map<number, Agent> = new Map();
  readonly hibernated: Map<number, SavedInstance> = new Map();
  /** The tick of the last turn, by agent number. */
  #lastTick: Float64Array = new Float64Array(256);

  /** The agent has an instance from now on. */
  add(agent: Agent): void {
    this.residents.set(agent.number, agent);
    if (agent.number >= this.#lastTick.length) this.#grow(agent.number * 2);
  }

  #grow(size: number): void {
    const grown = new Float64Array(size);
    grown.set(this.#lastTick);
    this.#lastTick = grown;
  }

  /** The agent's instance changes in this tick. */
  touch(agent: Agent, tick: number): void {
    if (agent.number >= this.#lastTick.length) this.#grow(agent.number * 2);
    this.#lastTick[agent.number] = tick;
  }

  /** The tick in which an agent's instance changed last; 0 where that is not known to have happened. */
  lastTickOf(number: number): number {
    return this.#lastTick[number] ?? 0;
  }

  /** The agent has ended, or begins anew. Answers whether it had an instance. */
  forget(agent: Agent): boolean {
    this.hibernated.delete(agent.number);
    return this.residents.delete(agent.number);
  }

  hibernate(agent: Agent, kept: SavedInstance): void {
    this.residents.delete(agent.number);
    this.hibernated.set(agent.number, kept);
  }

  /**
   * The residents to put aside, so that `count` are freed: those whose next use seems furthest, which is those with
   * nothing waiting, least recently used first.
   */
  victims(count: number, isNeeded: (agent: Agent) => boolean): Agent[] {
    const idle = [...this.residents.values()].filter((agent) => !isNeeded(agent));
    const rank = (agent: Agent): number => (waitingTasks(agent).length > 0 ? 1 : 0);
    const last = (agent: Agent): number => this.#lastTick[agent.number]!;
    idle.sort((a, b) => rank(a) - rank(b) || last(a) - last(b) || a.number - b.number);
    return idle.slice(0, count);
  }
}
