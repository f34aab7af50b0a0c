// What goes wrong in a simulated run, as plain data: a list that a failure prints, and that shrinks by leaving out.

import type { Chance } from './chance.ts';
import type { ModelDeath } from './models.ts';
import type { Loss } from './pool.ts';

/**
 * Changes of the disk behind which one thing rests on another: a write of the head record; a name that came, went or
 * changed, until the folder is synced; a sync, without which what others were told need not last.
 */
export const marks = ['head', 'name', 'sync'] as const;
export type Mark = (typeof marks)[number];

/**
 * A change of the disk that the process dies at: before it, in the middle of it, or after it. It is the `at`th one, or,
 * with a mark, the `at`th behind the one that is the mark for the `number`th time; 0 is that one itself.
 */
export interface Death {
  readonly at: number;
  readonly phase: 'before' | 'during' | 'after';
  readonly behind?: { readonly mark: Mark; readonly number: number };
}

/**
 * A run is lived in lives: each begins with the process and ends when it dies, fails, or is interrupted; the next one
 * recovers. Positions count from the beginning of the life.
 */
export type Fault =
  /** The process dies. */
  | ({ readonly kind: 'kill'; readonly life: number } & Death)
  /** Somebody reads the run right before a change of the disk. No fault: nothing is changed by it. */
  | ({ readonly kind: 'look'; readonly life: number } & Pick<Death, 'at' | 'behind'>)
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
  /** When the life has ended, its record is compacted. No fault by itself: nothing may be seen of it. */
  | ({ readonly kind: 'compact'; readonly life: number } & Work)
  /** Somebody goes on with the record that the life left, compacts it or forks it; then the power goes. On a copy. */
  | ({ readonly kind: 'upon'; readonly life: number; readonly what: 'recover' | 'compact' | 'fork' } & Work)
  /** A file that the life left is cut to a share of its size, on a copy; 0 removes it. */
  | { readonly kind: 'cut'; readonly life: number; readonly place: number; readonly share: number };

export type MarkCounts = Readonly<Record<Mark, number>>;

export const noMarks: MarkCounts = { head: 0, name: 0, sync: 0 };

/** The mark that a change is, by its words. */
export function markOf(change: string): Mark | undefined {
  if (/^write (\S+\/)?head /.test(change)) return 'head';
  if (/^(rename|remove|link) /.test(change)) return 'name';
  return /^(sync|synced|syncFolder)( |$)/.test(change) ? 'sync' : undefined;
}

/** Work with a record between two lives, by a process of its own. */
export interface Work {
  /** Up to which share of its ticks, or at which. */
  readonly share: number;
  /** What goes wrong with that process. */
  readonly faults: readonly Fault[];
}

/** What a run without faults does, to place faults within it. */
export interface Extent {
  readonly ticks: number;
  readonly changes: number;
  /** How many of the changes are marks, and how many of these come before the run is open. */
  readonly marks: MarkCounts;
  readonly marksBefore: MarkCounts;
  readonly streams: number;
  readonly readings: number;
}

const tenYearsMs = 315_576_000_000;

/** How the lives of a run end. */
interface Endings {
  /** Where all of them die behind one kind of mark, and the next one works with what that left. */
  readonly mark: Mark | undefined;
  /** Whether power goes only in the end: until then everybody sees what need not last. */
  readonly powerLast: boolean;
}

/** The faults of a run: up to six lives, the later ones mostly cut down in the middle of their recovery. */
export function drawFaults(chance: Chance, extent: Extent): Fault[] {
  const faults: Fault[] = [];
  const lives = chance.pick([1, 1, 2, 2, 3, 4, 6]);
  const mark = chance.oneIn(2) ? chance.pick(['head', 'head', 'name', 'name', 'sync'] as const) : undefined;
  const endings = { mark, powerLast: chance.oneIn(mark === undefined ? 4 : 2) };
  for (let life = 0; life < lives; life++) {
    const own = life === 0 ? extent : { ...extent, changes: recoveryChanges(chance, extent) };
    drawEnd(chance, life, own, faults, endings);
    const isLast = life === lives - 1;
    if (endings.powerLast ? isLast : chance.oneIn(2)) faults.push({ kind: 'power', life });
    drawBuilding(chance, life, faults, endings);
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
    if (chance.oneIn(3)) {
      const { behind, at } = drawDeathBehind(chance, chance.pick(marks), own);
      faults.push({ kind: 'look', life, at, ...(behind !== undefined && { behind }) });
      faults.push({ kind: 'look', life, at: 1 + chance.below(own.changes) });
    }
    if (chance.oneIn(3)) faults.push(drawFlip(chance, life));
    if (chance.oneIn(4)) faults.push(drawCut(chance, life));
  }
  return faults;
}

/** Often near the end of the log, which was written last. */
export function drawFlip(chance: Chance, life: number): Fault {
  const isLogEnd = chance.oneIn(3);
  const file = isLogEnd ? 0.4999 : chance.below(1000) / 1000;
  const place = isLogEnd ? 1 - (1 + chance.skewed(4000)) / 10_000 : chance.below(10_000) / 10_000;
  return { kind: 'flip', life, file, place, bit: chance.below(8) };
}

export function drawCut(chance: Chance, life: number): Fault {
  const share = chance.pick([0, 1 - chance.skewed(400) / 1000, chance.below(1000) / 1000]);
  return { kind: 'cut', life, place: chance.oneIn(3) ? 0.9999 : chance.below(10_000) / 10_000, share };
}

/** Few, so that a life is cut down while it recovers; or many. */
function recoveryChanges(chance: Chance, extent: Extent): number {
  return chance.pick([extent.changes, 12, 40]);
}

function drawEnd(chance: Chance, life: number, extent: Extent, faults: Fault[], { mark }: Endings): void {
  if (mark !== undefined) {
    faults.push({ kind: 'kill', life, ...drawDeathBehind(chance, mark, life === 0 ? extent : undefined) });
    return;
  }
  const at = 1 + chance.below(extent.changes);
  const kind = chance.below(10);
  if (kind < 6) {
    faults.push({ kind: 'kill', life, at, phase: drawPhase(chance) });
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

function drawPhase(chance: Chance): Death['phase'] {
  return chance.pick(['before', 'during', 'after'] as const);
}

/** Anywhere in a whole run, but rarely before there is a record, and often in the end; or early in anything else. */
function drawDeathBehind(chance: Chance, mark: Mark, extent?: Extent): Death {
  let number = 1 + chance.skewed(4);
  if (extent !== undefined) {
    const [before, count] = [extent.marksBefore[mark], extent.marks[mark]];
    const first = chance.oneIn(5) || before >= count ? 1 : before + 1;
    number = chance.oneIn(4) ? count : chance.between(first, Math.max(first, count));
  }
  const behind = { mark, number };
  // Most is at stake right before and right behind it.
  if (chance.oneIn(3)) return { behind, at: 0, phase: 'before' };
  if (chance.oneIn(2)) return { behind, at: 0, phase: 'after' };
  return { behind, at: chance.below(3), phase: drawPhase(chance) };
}

/** What somebody builds rests on what a life left: most is at stake where that need not last. */
function drawBuilding(chance: Chance, life: number, faults: Fault[], { mark }: Endings): void {
  if (chance.oneIn(mark === 'name' ? 2 : 6)) faults.push({ kind: 'compact', life, ...drawWork(chance) });
  if (mark === 'head') {
    const death: Fault = { kind: 'kill', life, ...drawDeathBehind(chance, mark) };
    faults.push({ kind: 'upon', life, what: 'recover', share: 1, faults: [death] });
  } else {
    const works = ['recover', 'compact', 'fork'] as const;
    for (const what of works)
      if (chance.oneIn(mark === undefined ? 15 : 2))
        faults.push({ kind: 'upon', life, what, ...drawWork(chance) });
  }
}

function drawWork(chance: Chance): Work {
  const share = chance.oneIn(4) ? chance.between(1, 9) / 10 : 1;
  const look: Fault = { kind: 'look', life: 0, at: 1 + chance.below(40) };
  return { share, faults: chance.oneIn(2) ? [look] : [drawTrouble(chance)] };
}

/** What goes wrong with somebody who works with a record: the process dies, a call fails, or the disk is full. */
export function drawTrouble(chance: Chance): Fault {
  const at = 1 + chance.below(40);
  const kind = chance.below(6);
  if (kind < 2) return { kind: 'kill', life: 0, at, phase: drawPhase(chance) };
  if (kind < 4) return { kind: 'kill', life: 0, ...drawDeathBehind(chance, chance.pick(marks)) };
  if (kind === 4) return { kind: 'full', life: 0, at, bytes: chance.skewed(3000) };
  return { kind: 'error', life: 0, of: 'change', at, calls: chance.pick([1, 1_000_000]) };
}
