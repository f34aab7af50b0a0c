// The inputs that another run sealed, each for its tick: what a fork goes on with when nobody gives it others. It reads
// the other record and never changes it.

import { type Cursor, InputKind } from '../../log/index.ts';
import type { LoadedRun } from '../record/load-run.ts';
import { type RecordedTick, recordedTicks } from './recorded-ticks.ts';

export interface RecordedFeedOptions {
  /** Ticks up to this one are left out. */
  readonly after: number;
  /**
   * Whether nothing else was changed. The stop of a run whose inputs had ended counts only then: a changed one may have
   * more to do, or less. That of a run that reached its last tick always counts. So do answers of models: a changed
   * run asks anew.
   */
  readonly unchanged: boolean;
}

type FedTick = Omit<RecordedTick, 'digest'>;

export class RecordedFeed {
  readonly #source: string;
  readonly #unchanged: boolean;
  readonly #ticks: Iterator<RecordedTick>;
  #next: FedTick | undefined;

  constructor({ directory }: LoadedRun, { after, unchanged }: RecordedFeedOptions) {
    this.#source = directory.path;
    this.#unchanged = unchanged;
    this.#ticks = recordedTicks(directory, after);
    this.#advance();
  }

  /** The next tick that the other run executed; undefined where its record, or what counts of it, has ended. */
  get nextTick(): number | undefined {
    return this.#next?.tick;
  }

  /** So that whoever goes on with an interrupted fork finds where its inputs come from. */
  get cursor(): Cursor {
    return { source: this.#source, byte: 0, line: 0, ended: this.#next === undefined, badLines: 0 };
  }

  /** What the other run sealed in a tick up to `nextTick`. */
  take(tick: number): FedTick {
    const next = this.#next;
    if (next?.tick !== tick) return { tick, inputs: [] };
    this.#advance();
    return next;
  }

  #advance(): void {
    const { done, value } = this.#ticks.next();
    this.#next = done === true ? undefined : this.#counted(value);
  }

  /** What counts of a tick; undefined where the run goes on by itself from here. */
  #counted({ tick, inputs, stop }: RecordedTick): FedTick | undefined {
    const kept = this.#unchanged ? inputs : inputs.filter(({ kind }) => kind !== InputKind.answer);
    if (this.#unchanged || stop !== 'quiescence') return { tick, inputs: kept, stop };
    this.#ticks.return?.();
    const others = kept.filter(({ kind }) => kind !== InputKind.stop);
    return others.length === 0 ? undefined : { tick, inputs: others };
  }
}
