// Which agents have an instance now, and what is kept of those that do not. Which ones hibernate changes no digest.

import type { MemoryImage } from '../../sandbox/index.ts';
import { type Agent, waitingTasks } from '../../scheduler/index.ts';

/** All that an agent's instance was. Never written again: it may be kept in several places. */
export interface SavedInstance {
  readonly image: MemoryImage;
  readonly state: Uint32Array;
}

/** What a place among the residents is reckoned to take of V8's heap: an agent that takes more has several. */
const placeBytes = 262_144;

/** Places that an instance takes which needs so much of the heap. */
export function placesOf(heapBytes: number): number {
  return Math.ceil(heapBytes / placeBytes);
}

export class Residency {
  readonly #residents: Map<number, Agent> = new Map();
  readonly hibernated: Map<number, SavedInstance> = new Map();
  readonly #placesOf: (agent: Agent) => number;
  #places = 0;
  /** The tick of the last turn, by agent number. */
  #lastTick: Float64Array = new Float64Array(256);

  /** @param placesOf how many places an agent takes, 1 or more */
  constructor(placesOf: (agent: Agent) => number) {
    this.#placesOf = placesOf;
  }

  get residents(): ReadonlyMap<number, Agent> {
    return this.#residents;
  }

  /** Those that residents take. */
  get places(): number {
    return this.#places;
  }

  /** Those that these agents will take, and do not yet. */
  placesToCome(agents: readonly Agent[]): number {
    let places = 0;
    for (const agent of agents) if (!this.#residents.has(agent.number)) places += this.#placesOf(agent);
    return places;
  }

  /** The agents in their order, in rounds that need no more places than there are, or are one agent each. */
  rounds<T extends { readonly agent: Agent }>(turns: readonly T[], placesMax: number): T[][] {
    const rounds: T[][] = [];
    let left = 0;
    for (const turn of turns) {
      const places = this.#placesOf(turn.agent);
      if (places > left) {
        rounds.push([]);
        left = placesMax;
      }
      left -= places;
      rounds.at(-1)!.push(turn);
    }
    return rounds;
  }

  /** The agent has an instance from now on. */
  add(agent: Agent): void {
    if (!this.#residents.has(agent.number)) this.#places += this.#placesOf(agent);
    this.#residents.set(agent.number, agent);
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
    return this.#remove(agent);
  }

  #remove(agent: Agent): boolean {
    const wasThere = this.#residents.delete(agent.number);
    if (wasThere) this.#places -= this.#placesOf(agent);
    return wasThere;
  }

  hibernate(agent: Agent, kept: SavedInstance): void {
    this.#remove(agent);
    this.hibernated.set(agent.number, kept);
  }

  /**
   * The residents to put aside, so that so many places are freed: those whose next use seems furthest, which is those
   * with nothing waiting, least recently used first.
   */
  victims(places: number, isNeeded: (agent: Agent) => boolean): Agent[] {
    const idle = [...this.#residents.values()].filter((agent) => !isNeeded(agent));
    const rank = (agent: Agent): number => (waitingTasks(agent).length > 0 ? 1 : 0);
    const last = (agent: Agent): number => this.#lastTick[agent.number]!;
    idle.sort((a, b) => rank(a) - rank(b) || last(a) - last(b) || a.number - b.number);
    let left = places;
    const end = idle.findIndex((agent) => {
      left -= this.#placesOf(agent);
      return left <= 0;
    });
    return end < 0 ? idle : idle.slice(0, end + 1);
  }
}
