// Inputs that the embedding program makes: checked at once, sealed into the next tick, acknowledged when durable.

import { EngineError } from '../../base/errors.ts';
import type { Input } from '../../log/index.ts';

/** Inputs that may wait for the next tick. */
const waitingMax = 65_536;

const noBytes = new Uint8Array(0);

/** An input with nothing but its kind; the fields that a kind uses are given. */
export function createInput(kind: number, fields: Partial<Input> = {}): Input {
  return {
    kind,
    origin: 0,
    counter: 0,
    name: '',
    payload: noBytes,
    priority: 0,
    detail: noBytes,
    tick: 0,
    waits: false,
    ...fields,
  };
}

export class HostInputs {
  #waiting: Input[] = [];
  #accepted = 0;
  #durable = 0;
  #refused = 0;
  /** Inputs that were taken since the last tick was committed. */
  #taken: readonly Input[] = [];
  /** Of those that wait for a receiver, in order, how many were accepted before. Those of an earlier process are not here. */
  #heldBehind: ReadonlyMap<Input, number> = new Map();
  #heldCount = 0;
  #executed = 0;
  #waiters: {
    readonly count: number;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #closed: EngineError | undefined;
  #wake: (() => void) | undefined;

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** @throws EngineError `input-refused` when the run has ended or too many inputs wait. */
  add(input: Input): void {
    this.refuseClosed();
    if (this.#waiting.length + this.#heldCount >= waitingMax) {
      throw new EngineError(
        'input-refused',
        `Cannot take an input: ${waitingMax} wait for the next tick already; await acknowledged() before giving more`,
      );
    }
    this.#waiting.push(input);
    this.#accepted++;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** @throws EngineError `input-refused` when the run has ended */
  refuseClosed(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  /** Everything accepted so far. Whoever takes it seals it before anything else happens. */
  take(): Input[] {
    const taken = this.#waiting;
    if (taken.length > 0) this.#waiting = [];
    this.#taken = taken;
    return taken;
  }

  /** Resolves when an input waits. */
  arrival(): Promise<void> {
    if (!this.isEmpty) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /**
   * Resolves when every input accepted so far has reached its receiver and is as durable as the mode says; rejects
   * where some reached nobody.
   */
  acknowledged(): Promise<void> {
    if (this.#durable >= this.#accepted) {
      const refused = this.#takeRefusal();
      return refused === undefined ? Promise.resolve() : Promise.reject(refused);
    }
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ count: this.#accepted, resolve, reject });
    });
  }

  /** A tick was committed: how many calls were dropped in it, and those that wait for a receiver after it. */
  noteTick(refused: number, held: readonly Input[]): void {
    this.#refused += refused;
    this.#heldCount = held.length;
    const takenCount = this.#accepted - this.#waiting.length;
    if (held.length > 0 || this.#heldBehind.size > 0) this.#noteHeld(held, takenCount - this.#taken.length);
    const [firstHeld = takenCount] = this.#heldBehind.values();
    this.#executed = firstHeld;
    this.#taken = [];
  }

  /** @param before how many inputs were taken in earlier ticks */
  #noteHeld(held: readonly Input[], before: number): void {
    const behind = new Map(this.#taken.map((input, i) => [input, before + i]));
    const known = this.#heldBehind;
    this.#heldBehind = new Map(
      held.flatMap((input) => {
        const count = known.get(input) ?? behind.get(input);
        return count === undefined ? [] : [[input, count] as const];
      }),
    );
  }

  /** Inputs that are executed, up to the first that waits for a receiver: later ones may not have had to. */
  get executedCount(): number {
    return this.#executed;
  }

  /** So many of them are durable. */
  markDurable(count: number): void {
    this.#durable = Math.max(this.#durable, count);
    if (this.#waiters.length === 0) return;
    const ready = this.#waiters.filter((waiter) => waiter.count <= this.#durable);
    this.#waiters = this.#waiters.filter((waiter) => waiter.count > this.#durable);
    if (ready.length === 0) return;
    const refused = this.#takeRefusal();
    for (const { resolve, reject } of ready) {
      if (refused === undefined) resolve();
      else reject(refused);
    }
  }

  /** What to say of calls that reached nobody since it was last said. */
  #takeRefusal(): EngineError | undefined {
    const count = this.#refused;
    this.#refused = 0;
    if (count === 0) return undefined;
    const text = `Cannot deliver ${count} of the calls: a receiver had no room, has ended, or was never there`;
    return new EngineError('input-refused', text, { count });
  }

  /** No more inputs; what was not durable is refused. */
  close(why: string): void {
    this.#closed ??= new EngineError('input-refused', `Cannot take an input: ${why}`);
    for (const { reject } of this.#waiters) reject(this.#closed);
    this.#waiters = [];
  }
}
