// The inputs that another run sealed, each for its tick: what a fork goes on with when nobody gives it others. It reads
// the other record and never changes it.

import { bytesEqual } from '../../base/encoding.ts';
import { type Cursor, type Input, InputKind } from '../../log/index.ts';
import type { LoadedRun } from '../record/load-run.ts';
import { type RecordedTick, recordedTicks } from './recorded-ticks.ts';

export interface RecordedFeedOptions {
  /** Ticks up to this one are left out. */
  readonly after: number;
  /** Of the run that takes the inputs, at that tick. */
  readonly digest: Uint8Array;
  /**
   * Whether nothing else was changed. The stop of a run whose inputs had ended counts only then: a changed one may have
   * more to do, or less. That of a run that reached its last tick always counts. So do answers of models: a changed
   * run asks anew. What a program gave to the run changes it, too, which its digests tell.
   */
  readonly unchanged: boolean;
  /** The tick in which the runs parted. */
  readonly forkedAt: number | undefined;
  /** The last tick of the run that takes the inputs, where it has one: a stop before that does not count. */
  readonly lastTick?: number | undefined;
  /** Throws where the run cannot take the inputs of a tick. */
  readonly check?: (inputs: readonly Input[]) => void;
}

type FedTick = Omit<RecordedTick, 'digest'>;

export class RecordedFeed {
  readonly #source: string;
  readonly #check: (inputs: readonly Input[]) => void;
  readonly #ticks: Iterator<RecordedTick>;
  readonly #lastTick: number | undefined;
  #unchanged: boolean;
  /** Of the other run, at the last tick that was taken; undefined where it is not known. */
  #digest: Uint8Array | undefined;
  #next: RecordedTick | undefined;

  constructor(
    { directory }: LoadedRun,
    { after, digest, unchanged, forkedAt, lastTick, check = () => {} }: RecordedFeedOptions,
  ) {
    this.#source = directory.path;
    this.#unchanged = unchanged;
    this.#lastTick = lastTick;
    this.#check = check;
    this.#ticks = recordedTicks(directory, after - 1);
    this.#advance();
    if (this.#next?.tick !== after) {
      // A tick of its own, or the one that a record begins behind.
      this.#unchanged &&= after === forkedAt;
      return;
    }
    this.#digest = this.#next.digest;
    this.#advance();
    this.compare(digest);
  }

  /** Takes note of where the run is; one that is elsewhere than the other was is a changed one. */
  compare(digest: Uint8Array): void {
    if (this.#digest !== undefined && !bytesEqual(this.#digest, digest)) this.#unchanged = false;
  }

  /** The next tick that the other run executed; undefined where its record, or what counts of it, has ended. */
  get nextTick(): number | undefined {
    return this.#counted?.tick;
  }

  /** Whether answers of models come with the inputs. */
  get answers(): boolean {
    return this.#unchanged;
  }

  /** So that whoever goes on with an interrupted fork finds where its inputs come from. */
  get cursor(): Cursor {
    return { source: this.#source, byte: 0, line: 0, ended: this.#counted === undefined, badLines: 0 };
  }

  /** What the other run sealed in a tick up to `nextTick`. */
  take(tick: number): FedTick {
    const next = this.#counted;
    if (next?.tick !== tick) return { tick, inputs: [] };
    this.#check(next.inputs);
    this.#digest = this.#next?.digest;
    if (this.#isStopLeftOut) this.#ticks.return?.();
    this.#advance();
    return next;
  }

  #advance(): void {
    const { done, value } = this.#ticks.next();
    this.#next = done === true ? undefined : value;
  }

  /** What counts of the next tick; undefined where the run goes on by itself from here. */
  get #counted(): FedTick | undefined {
    if (this.#next === undefined) return undefined;
    const { tick, inputs, stop } = this.#next;
    const kept = this.#unchanged ? inputs : inputs.filter(({ kind }) => kind !== InputKind.answer);
    if (!this.#isStopLeftOut) return { tick, inputs: kept, stop };
    const others = kept.filter(({ kind }) => kind !== InputKind.stop);
    return others.length === 0 ? undefined : { tick, inputs: others };
  }

  /** Whether the other run stops in the next tick, and this one does not stop with it. */
  get #isStopLeftOut(): boolean {
    if (this.#next?.stop === undefined) return false;
    if (this.#next.tick < (this.#lastTick ?? 0)) return true;
    return !this.#unchanged && this.#next.stop === 'quiescence';
  }
}
