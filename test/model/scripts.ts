// What agents do in a generated system: a task picks one of its declaration's acts by a hash of everything that it can
// see. Both schedulers get the very same results.

import { TaskKind } from '../../src/abi/envelope.ts';
import type { Bytes, Identity, ModelEffect, ModelOutcome, ModelResult } from './model-state.ts';

export type Target =
  | { readonly to: 'host'; readonly counter: number }
  | { readonly to: 'child'; readonly counter: number }
  | { readonly to: 'self' | 'sender' };

/** An effect as the generator writes it; numbers of timers and children are filled in where it runs. */
export type Wish =
  | { readonly kind: 'send' | 'terminate'; readonly target: Target; readonly payload: Bytes }
  | { readonly kind: 'publish'; readonly topic: number; readonly payload: Bytes }
  | { readonly kind: 'publishChannel'; readonly name: string; readonly payload: Bytes }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly topic: number }
  | { readonly kind: 'join' | 'leave'; readonly name: string }
  | { readonly kind: 'setTimer'; readonly delay: number; readonly tag: number }
  | { readonly kind: 'cancelTimer'; readonly back: number }
  | { readonly kind: 'log'; readonly payload: Bytes }
  | { readonly kind: 'output'; readonly payload: Bytes }
  | { readonly kind: 'spawn'; readonly declaration: number; readonly payload: Bytes }
  | {
      readonly kind: 'infer' | 'generate';
      readonly model: number;
      readonly tag: number;
      readonly payload: Bytes;
    };

export interface Act {
  readonly outcome: ModelOutcome;
  readonly wishes: readonly Wish[];
}

/** An agent's instance between restarts, as far as a script has one. */
export interface Instance {
  readonly self: Identity;
  /** The origin of its children. */
  readonly number: number;
  readonly incarnation: number;
  nextTimer: number;
  nextChild: number;
  nextRequest: number;
  calls: number;
}

export interface Call {
  readonly kind: TaskKind;
  readonly sender: Identity;
  readonly payload: Bytes;
}

const fault = 8;

export function runScript(acts: readonly Act[], instance: Instance, call: Call): ModelResult {
  instance.calls++;
  const act = choose(acts, instance, call);
  if (act === undefined) return { outcome: 'done', fault: 0, effects: [] };
  const isShutdown = call.kind === TaskKind.shutdown;
  const wishes = isShutdown ? act.wishes.filter(mayShutDown) : act.wishes;
  const effects = wishes.flatMap((wish) => effectsOf(wish, instance, call));
  if (act.outcome !== 'failed') return { outcome: isShutdown ? 'done' : act.outcome, fault: 0, effects };
  const { nextTimer, nextChild, nextRequest } = instance;
  const texts = effects
    .filter(({ kind }) => kind === 'log')
    .map((text) => ({ ...text, failed: true }) as ModelEffect);
  return {
    outcome: 'failed',
    fault,
    effects: [...texts, { kind: 'counters', nextTimer, nextChild, nextRequest }],
  };
}

function mayShutDown({ kind }: Wish): boolean {
  return (
    kind === 'send' || kind === 'publish' || kind === 'publishChannel' || kind === 'output' || kind === 'log'
  );
}

function choose(acts: readonly Act[], instance: Instance, call: Call): Act | undefined {
  if (acts.length === 0) return undefined;
  const text = [instance.number, instance.incarnation, call.kind, call.payload, instance.calls].join(' ');
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return acts[((hash ^ (hash >>> 15)) >>> 0) % acts.length];
}

function effectsOf(wish: Wish, instance: Instance, call: Call): ModelEffect[] {
  switch (wish.kind) {
    case 'send':
      return [{ kind: 'send', ...identityOf(wish.target, instance, call), payload: wish.payload }];
    case 'terminate': {
      const { target } = wish;
      const isOwn = target.to === 'self' || (target.to === 'child' && target.counter < instance.nextChild);
      if (!isOwn) return [];
      return [{ kind: 'terminate', ...identityOf(target, instance, call) }];
    }
    case 'setTimer':
      instance.nextTimer++;
      return [{ ...wish, number: instance.nextTimer - 1 }];
    case 'cancelTimer':
      if (wish.back >= instance.nextTimer) return [];
      return [{ kind: 'cancelTimer', number: instance.nextTimer - 1 - wish.back }];
    case 'spawn':
      instance.nextChild++;
      return [{ ...wish, counter: instance.nextChild - 1 }];
    case 'infer':
    case 'generate':
      instance.nextRequest++;
      return [{ ...wish, number: instance.nextRequest - 1 }];
    case 'log':
      return [{ ...wish, kind: 'log', failed: false }];
    default:
      return [wish];
  }
}

function identityOf(target: Target, instance: Instance, call: Call): Identity {
  switch (target.to) {
    case 'host':
      return { origin: 0, counter: target.counter };
    case 'child':
      return { origin: instance.number, counter: target.counter };
    case 'self':
      return instance.self;
    case 'sender':
      return call.sender;
  }
}
