// What goes wrong in a simulated run, as plain data: a list that a failure prints, and that shrinks by leaving out.

import type { Chance } from './chance.ts';
import type { ModelDeath } from './models.ts';
import type { Loss } from './pool.ts';

/**
 * A run is lived in lives: each begins with the process and ends when it dies, fails, or is interrupted; the next one
 * recovers. Positions count from the beginning of the life.
 */
export type Fault =
  /**
   * The process dies at its `at`th change of the disk: before it, in the middle of it, or after it. With `head`, at the
   * `at`th change behind the one that writes the head record for the `head`th time; 0 is that one itself.
   */
  | {
      readonly kind: 'kill';
      readonly life: number;
      readonly head?: number;
      readonly at: number;
      readonly phase: 'before' | 'during' | 'after';
    }
  /** The power goes when the life has ended: what was not synced may be lost, torn or reordered. */
  | { readonly kind: 'power'; readonly life: number }
  /** So many changes of the disk, or readings from it, fail. */
  | {
      readonly kind: 'error';
      readonly life: number;
      readonly of: 'change' | 'reading';
      readonly at: number;
      readonly calls: number;
    }
  /** From a change on the disk has room for so many bytes more. */
  | { readonly kind: 'full'; readonly life: number; readonly at: number; readonly bytes: number }
  /** A write takes no more than so many bytes. */
  | { readonly kind: 'short'; readonly life: number; readonly at: number; readonly bytes: number }
  /** An executor is lost with the `at`th stream. */
  | { readonly kind: 'loss'; readonly life: number; readonly at: number; readonly how: Loss }
  /** An inference process dies of the `at`th thing that is asked. */
  | { readonly kind: 'model'; readonly life: number; readonly at: number; readonly how: ModelDeath }
  /** The clock jumps at a reading. */
  | { readonly kind: 'jump'; readonly life: number; readonly at: number; readonly byMs: number }
  /** The clock stands still for so many readings. */
  | { readonly kind: 'stand'; readonly life: number; readonly at: number; readonly readings: number }
  /** The run is interrupted in order after a tick. */
  | { readonly kind: 'interrupt'; readonly life: number; readonly tick: number }
  /**
   * A bit of what the life left on the disk is changed; looked at on a copy. `file` and `place` are shares of the files
   * and of that one's bytes.
   */
  | {
      readonly kind: 'flip';
      readonly life: number;
      readonly file: number;
      readonly place: number;
      readonly bit: number;
    }
  /**
   * When the life has ended, its record is compacted up to a share of the ticks; `killAt`: the process that does it dies
   * at a change of the disk. No fault by itself: nothing may be seen of it.
   */
  | {
      readonly kind: 'compact';
      readonly life: number;
      readonly share: number;
      readonly killAt: number | undefined;
    }
  /** A file that the life left is cut to a share of its size, on a copy; 0 removes it. */
  | { readonly kind: 'cut'; readonly life: number; readonly place: number; readonly share: number };

/** What a run without faults does, to place faults within it. */
export interface Extent {
  readonly ticks: number;
  readonly changes: number;
  /** How many of the changes write the head record. */
  readonly headWrites: number;
  readonly streams: number;
  readonly readings: number;
}

const tenYearsMs = 315_576_000_000;

/** The faults of a run: up to six lives, the later ones mostly cut down in the middle of their recovery. */
export function drawFaults(chance: Chance, extent: Extent): Fault[] {
  const faults: Fault[] = [];
  const lives = chance.pick([1, 1, 2, 2, 3, 4, 6]);
  // Around a write of the head record most is at stake, above all where several lives in a row end there.
  const endsAtHead = chance.oneIn(8);
  for (let life = 0; life < lives; life++) {
    drawEnd(
      chance,
      life,
      life === 0 ? extent : { ...extent, changes: recoveryChanges(chance, extent), headWrites: 2 },
      faults,
      endsAtHead,
    );
    if (chance.oneIn(2)) faults.push({ kind: 'power', life });
    for (let count = chance.pick([0, 0, 1, 2, 5]); count > 0; count--) {
      const how = chance.pick(['before', 'after', 'hangs'] as const);
      faults.push({ kind: 'loss', life, at: chance.below(extent.streams), how });
    }
    for (let count = chance.pick([0, 0, 1, 3]); count > 0; count--) {
      const how = chance.pick(['before', 'after'] as const);
      faults.push({ kind: 'model', life, at: chance.skewed(extent.ticks), how });
    }
    if (chance.oneIn(3)) {
      faults.push({
        kind: 'short',
        life,
        at: 1 + chance.below(extent.changes),
        bytes: 1 + chance.skewed(600),
      });
    }
    if (chance.oneIn(4)) {
      const byMs = chance.pick([tenYearsMs, -tenYearsMs, 86_400_000, -1000]);
      faults.push({ kind: 'jump', life, at: chance.below(extent.readings), byMs });
    }
    if (chance.oneIn(4)) {
      const readings = chance.skewed(2000);
      faults.push({ kind: 'stand', life, at: chance.below(extent.readings), readings });
    }
    if (chance.oneIn(6)) {
      const killAt = chance.oneIn(2) ? undefined : 1 + chance.below(40);
      faults.push({ kind: 'compact', life, share: chance.between(1, 10) / 10, killAt });
    }
    if (chance.oneIn(3)) {
      const [file, place] = [chance.below(1000) / 1000, chance.below(10_000) / 10_000];
      faults.push({ kind: 'flip', life, file, place, bit: chance.below(8) });
    }
    if (chance.oneIn(4)) {
      const share = chance.pick([0, 1 - chance.skewed(100) / 1000, chance.below(1000) / 1000]);
      faults.push({ kind: 'cut', life, place: chance.below(10_000) / 10_000, share });
    }
  }
  return faults;
}

/** Few, so that a life is cut down while it recovers; or many. */
function recoveryChanges(chance: Chance, extent: Extent): number {
  return chance.pick([extent.changes, 12, 40]);
}

function drawEnd(chance: Chance, life: number, extent: Extent, faults: Fault[], atHead: boolean): void {
  const at = 1 + chance.below(extent.changes);
  const phase = chance.pick(['before', 'during', 'after'] as const);
  const head = chance.oneIn(3) ? extent.headWrites : 1 + chance.below(Math.max(1, extent.headWrites));
  const kind = atHead ? -1 : chance.below(10);
  if (kind < 0) {
    faults.push({ kind: 'kill', life, head, at: chance.below(3), phase });
  } else if (kind < 6) {
    faults.push({ kind: 'kill', life, at, phase });
  } else if (kind === 6) {
    faults.push({ kind: 'error', life, of: 'change', at, calls: chance.pick([1, 1, 3, 1_000_000]) });
  } else if (kind === 7) {
    const calls = chance.pick([1, 1_000_000]);
    faults.push({ kind: 'error', life, of: 'reading', at: 1 + chance.skewed(400), calls });
  } else if (kind === 8) {
    faults.push({ kind: 'full', life, at, bytes: chance.skewed(5000) });
  } else {
    faults.push({ kind: 'interrupt', life, tick: 1 + chance.below(extent.ticks) });
  }
}
