// Agents that wait for each other in a circle. What is known of them is kept up to date while circles are broken, so
// that each break costs what it changes, and not all that waits.

import { EffectKind } from '../abi/record.ts';
import { assert } from '../base/errors.ts';
import { components } from './components.ts';
import { admit } from './deliver.ts';
import { createHeap, type Heap, popHeap, pushHeap } from './heap.ts';
import { type Agent, agentOf, type SchedulerState, type Topic, type WaitingEffect } from './state.ts';

/** An agent on a circle, as it was when it was found there. */
interface Candidate {
  readonly agent: Agent;
  /** Of its first waiting effect. */
  readonly sequence: number;
}

/** For whom an agent's first waiting effect is meant: one agent, or the subscribers of a topic. */
type Target = Agent | Topic;

export class Circles {
  readonly #state: SchedulerState;
  /** The blocked agents that each blocked agent waits for. */
  readonly #edges: Map<Agent, readonly Agent[]> = new Map();
  /** What each blocked agent's first waiting effect is meant for, and back. */
  readonly #targets: Map<Agent, Target> = new Map();
  readonly #waiters: Map<Target, Set<Agent>> = new Map();
  /** Agents that can reach themselves, each with all that it can reach and is reached by. */
  readonly #knots: Map<Agent, readonly Agent[]> = new Map();
  readonly #candidates: Heap<Candidate> = createHeap((a, b) => a.sequence < b.sequence);

  constructor(state: SchedulerState) {
    this.#state = state;
    this.#rebuild();
  }

  /** Of all agents that lie on a circle, the one whose first waiting effect has the lowest sequence. */
  lowest(): Agent | undefined {
    const { items } = this.#candidates;
    for (;;) {
      const [first] = items;
      if (first === undefined) return undefined;
      const { agent, sequence } = first;
      if (this.#knots.has(agent) && headSequence(agent) === sequence) return agent;
      popHeap(this.#candidates);
    }
  }

  /** The agent lost its first waiting effect, and then these were applied. */
  update(agent: Agent, applied: readonly WaitingEffect[]): void {
    if (applied.some(mayChangeMore)) {
      this.#rebuild();
      return;
    }
    this.#aim(agent);
    const changed: Agent[] = [];
    for (const each of this.#affected(agent, applied)) if (this.#look(each)) changed.push(each);
    if (changed.length > 0) this.#find(changed);
    else if (this.#knots.has(agent)) this.#propose(agent);
  }

  #rebuild(): void {
    this.#edges.clear();
    this.#targets.clear();
    this.#waiters.clear();
    this.#knots.clear();
    this.#candidates.items.length = 0;
    const { blocked } = this.#state;
    for (const agent of blocked) {
      this.#aim(agent);
      this.#look(agent);
    }
    this.#find(blocked);
  }

  /** Notes what the agent's first waiting effect is meant for, if it has one now. */
  #aim(agent: Agent): void {
    const before = this.#targets.get(agent);
    if (before !== undefined) this.#waiters.get(before)!.delete(agent);
    const target = agent.outbox === null ? undefined : this.#targetOf(headOf(agent));
    if (target === undefined) {
      this.#targets.delete(agent);
      return;
    }
    this.#targets.set(agent, target);
    const waiters = this.#waiters.get(target);
    if (waiters === undefined) this.#waiters.set(target, new Set([agent]));
    else waiters.add(agent);
  }

  /** Only direct messages and topics make their senders wait. */
  #targetOf({ words }: WaitingEffect): Target | undefined {
    const kind = words[0]! & 0xff;
    if (kind === EffectKind.send) return agentOf(this.#state, words[1]!, words[2]!);
    assert(kind === EffectKind.publish, 'what waits first is a direct message or a publication');
    return this.#state.topics[words[1]!]!;
  }

  /** Finds out for whom the agent waits now; answers whether that is something else than before. */
  #look(agent: Agent): boolean {
    const before = this.#edges.get(agent);
    const now = agent.outbox === null ? undefined : this.#waitsFor(agent);
    if (now === undefined) this.#edges.delete(agent);
    else this.#edges.set(agent, now);
    if (before?.length !== now?.length) return true;
    return now?.some((receiver, i) => receiver !== before![i]) === true;
  }

  #waitsFor(agent: Agent): Agent[] {
    const target = this.#targets.get(agent);
    if (target === undefined) return [];
    const isFull = (receiver: Agent, topic: Topic | null): boolean =>
      receiver.outbox !== null && admit(this.#state, receiver, topic, agent) === 'block';
    if ('subscribers' in target) return [...target.subscribers].filter((each) => isFull(each, target));
    return isFull(target, null) ? [target] : [];
  }

  /** The agent, and those who may wait for others than before, since a mailbox may be fuller or an outbox empty. */
  #affected(agent: Agent, applied: readonly WaitingEffect[]): Set<Agent> {
    const touched = new Set([agent]);
    for (const effect of applied) {
      if (!isMessage(effect)) continue;
      const target = this.#targetOf(effect);
      if (target === undefined) continue;
      if ('subscribers' in target) for (const receiver of target.subscribers) touched.add(receiver);
      else touched.add(target);
    }
    const affected = new Set([agent]);
    for (const receiver of touched) {
      for (const target of [receiver, ...receiver.topics]) {
        for (const waiter of this.#waiters.get(target) ?? []) affected.add(waiter);
      }
    }
    return affected;
  }

  /**
   * Looks for circles anew in the knots of these agents and wherever waiting leads from there: nowhere else can one
   * have come or gone.
   */
  #find(agents: Iterable<Agent>): void {
    const reached = new Set<Agent>();
    for (const agent of agents) for (const each of this.#knots.get(agent) ?? [agent]) reached.add(each);
    for (const agent of reached) for (const next of this.#edges.get(agent) ?? []) reached.add(next);
    for (const agent of reached) this.#knots.delete(agent);
    for (const component of components(reached, this.#edges)) {
      if (component.length < 2) continue;
      for (const agent of component) {
        this.#knots.set(agent, component);
        this.#propose(agent);
      }
    }
  }

  #propose(agent: Agent): void {
    pushHeap(this.#candidates, { agent, sequence: headSequence(agent) });
  }
}

/** Whether the effect may change who receives what, or who lives, beside filling mailboxes. */
function mayChangeMore({ words }: WaitingEffect): boolean {
  switch (words[0]! & 0xff) {
    case EffectKind.send:
    case EffectKind.publish:
    case EffectKind.setTimer:
    case EffectKind.cancelTimer:
    case EffectKind.log:
    case EffectKind.output:
      return false;
    default:
      return true;
  }
}

function isMessage({ words }: WaitingEffect): boolean {
  const kind = words[0]! & 0xff;
  return kind === EffectKind.send || kind === EffectKind.publish;
}

function headOf(agent: Agent): WaitingEffect {
  const head = agent.outbox?.[0];
  assert(head !== undefined, 'a blocked agent has a waiting effect');
  return head;
}

export function headSequence(agent: Agent): number {
  return headOf(agent).sequence;
}
