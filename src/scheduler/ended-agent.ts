// What is kept of an agent that has ended for good: identities are never used again, and somebody may still speak to it
// or of it. Runs end agents by the million, so it is little; whatever else is asked for is empty and cannot be written.

import { assert } from '../base/errors.ts';
import { createMailbox, type Mailbox } from './mailbox.ts';
import {
  type Agent,
  type Declaration,
  isAlive,
  type Payload,
  type SchedulerState,
  type Topic,
} from './state.ts';

const noPayload: Payload = { bytes: new Uint8Array(0), offset: 0, length: 0 };
const noMailbox: Mailbox = createMailbox();
const noTopics: Set<Topic> = new Set();
const noTimers: Agent['timers'] = new Map();

class EndedAgent implements Agent {
  readonly number: number;
  readonly origin: number;
  readonly counter: number;
  readonly incarnation: number;
  readonly declaration: Declaration;
  children: Agent['children'];
  /** Index of the declaration, then whether it was paused, then whether it failed. */
  readonly #bits: number;
  /** null: the name that follows from the identity. */
  readonly #name: string | null;

  constructor(agent: Agent) {
    const { number, origin, counter, incarnation, declaration, declarationIndex, name } = agent;
    this.number = number;
    this.origin = origin;
    this.counter = counter;
    this.incarnation = incarnation;
    this.declaration = declaration;
    this.children = agent.children;
    this.#bits = declarationIndex * 4 + (agent.paused ? 2 : 0) + (agent.phase === 'failed' ? 1 : 0);
    this.#name = name === nameOfSpawned(declaration, origin, counter) ? null : name;
  }

  get name(): string {
    return this.#name ?? nameOfSpawned(this.declaration, this.origin, this.counter);
  }

  get declarationIndex(): number {
    return this.#bits >>> 2;
  }

  get phase(): 'stopped' | 'failed' {
    return (this.#bits & 1) === 1 ? 'failed' : 'stopped';
  }

  get paused(): boolean {
    return (this.#bits & 2) !== 0;
  }

  get configuration(): Payload {
    return noPayload;
  }

  get urgent(): readonly [] {
    return [];
  }

  get mailbox(): Mailbox {
    return noMailbox;
  }

  get topics(): Set<Topic> {
    return noTopics;
  }

  get timers(): Agent['timers'] {
    return noTimers;
  }

  get outbox(): null {
    return null;
  }

  get topicSlotsUsed(): null {
    return null;
  }

  get notice(): null {
    return null;
  }

  get faultNotices(): null {
    return null;
  }

  get turnHead(): null {
    return null;
  }

  get turnTail(): null {
    return null;
  }

  get againPending(): boolean {
    return false;
  }

  get everyTickPending(): boolean {
    return false;
  }

  get stepTick(): number {
    return 0;
  }

  get imageTick(): number {
    return 0;
  }

  get nextTimer(): number {
    return 0;
  }

  get nextChild(): number {
    return 0;
  }

  get nextRequest(): number {
    return 0;
  }

  get slotsUsed(): number {
    return 0;
  }

  get deliveries(): number {
    return 0;
  }

  get effects(): number {
    return 0;
  }

  get countedTick(): number {
    return -1;
  }
}

/** The name of an agent that was spawned: by its declaration and identity. */
export function nameOfSpawned({ name }: Declaration, origin: number, counter: number): string {
  return `${name}/${origin}.${counter}`;
}

/** Keeps no more of agents that have ended than they need from now on. Call it between two ticks. */
export function retire(state: SchedulerState, agents: readonly (Agent | undefined)[]): void {
  for (const agent of agents) {
    // What waits in an outbox is still its agent's own, which is retired when it is empty.
    if (agent === undefined || isAlive(agent) || agent.outbox !== null) continue;
    const { number, origin, counter } = agent;
    const ended = new EndedAgent(agent);
    state.agents[number] = ended;
    if (origin === 0) state.hostAgents[counter] = ended;
    else {
      const children = state.agents[origin]?.children;
      assert(children?.[counter] !== undefined, 'an agent is known to the one that spawned it');
      children[counter] = ended;
    }
  }
}
