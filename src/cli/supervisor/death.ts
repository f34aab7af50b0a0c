// How an engine process ended, what that says about it, and whether another one is worth a try.

import { constants } from 'node:os';
import type { MarkedTurn } from '../../engine/index.ts';
import { restartsMaxDefault } from './messages.ts';

/**
 * - ended: by itself, with a word on why; that is the end of the run's command
 * - crashed: the runtime or native code gave up, in the middle of something that may be to blame
 * - killed: from outside, by whoever; nothing is to blame for it
 * - hung: ended by the watchdog
 */
export type Death =
  | { readonly kind: 'ended'; readonly exitCode: number }
  | { readonly kind: 'crashed' | 'killed' | 'hung'; readonly how: string };

/** The exit codes that the command itself gives. */
const ownExitCodes: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 70, 129, 130, 143]);
/** What abort(), a trap instruction or a bad access end a process with. */
const crashSignals: ReadonlySet<string> = new Set([
  'SIGABRT',
  'SIGSEGV',
  'SIGBUS',
  'SIGILL',
  'SIGFPE',
  'SIGTRAP',
  'SIGSYS',
]);

export function deathOf(exitCode: number | null, signal: string | null, hung: boolean): Death {
  if (exitCode !== null && ownExitCodes.has(exitCode)) return { kind: 'ended', exitCode };
  if (hung) return { kind: 'hung', how: 'it gave no sign of life' };
  const name = signal ?? signalOfExitCode(exitCode ?? 0);
  const how = name ?? `exit code ${exitCode}`;
  // Exit codes of the runtime itself, such as that of a fatal error of V8, are crashes.
  const crashed = name === undefined || crashSignals.has(name);
  return { kind: crashed ? 'crashed' : 'killed', how };
}

/** A shell in between tells a signal as an exit code. */
function signalOfExitCode(exitCode: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => exitCode === 128 + number)?.[0];
}

/** Waits before restarts without progress; the first restart waits for nothing. */
const waitsMs = [0, 100, 200, 400, 800, 1600, 3200];

/**
 * How many restarts the words of a command ask for, as long as no engine process has read them: one may die before.
 * What is no number is that process's to refuse.
 */
export function restartsAskedFor(words: readonly string[]): number {
  const at = words.findLastIndex((word) => word === '--restarts' || word.startsWith('--restarts='));
  const text = words[at] === '--restarts' ? words[at + 1] : words[at]?.slice('--restarts='.length);
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : restartsMaxDefault;
}

/** Counts restarts that led nowhere. */
export class RestartBudget {
  #tick = -1;
  #quarantined = 0;
  #count = 0;

  /** Restarts since the run last got on. */
  get count(): number {
    return this.#count;
  }

  /** A process died. How far the record went when it began, and how many agents were quarantined for it. */
  died(tick: number, quarantined: number): void {
    if (tick > this.#tick || quarantined > this.#quarantined) this.#count = 0;
    this.#count++;
    this.#tick = Math.max(this.#tick, tick);
    this.#quarantined = Math.max(this.#quarantined, quarantined);
  }

  get waitMs(): number {
    return waitsMs[Math.min(this.#count, waitsMs.length) - 1] ?? 0;
  }
}

/** Crashes in the same turn, while turns ran one at a time, after which it is to blame. */
const strikesMax = 2;

/** Turns in which the process crashed while they ran alone. */
export class Suspects {
  readonly #strikes: Map<string, { readonly turn: MarkedTurn; readonly count: number }> = new Map();

  strike(turn: MarkedTurn): void {
    const key = `${turn.tick} ${turn.origin} ${turn.counter}`;
    this.#strikes.set(key, { turn, count: (this.#strikes.get(key)?.count ?? 0) + 1 });
  }

  get quarantined(): MarkedTurn[] {
    return [...this.#strikes.values()].filter(({ count }) => count >= strikesMax).map(({ turn }) => turn);
  }
}
