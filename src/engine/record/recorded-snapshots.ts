// Which snapshots a run can be taken up from: those that can be read, and whose digest the log has of their tick. Any
// other one is passed over: it is damaged, of another format, run, or past of this run, or of a tick that a crash took.

import { bytesEqual } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { decodeEvent, findDigest, type RunDirectory, readEvents } from '../../log/index.ts';
import type { Offers } from '../snapshot/offer.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import type { Snapshot } from '../turns/machine.ts';
import type { RunBase } from './load-run.ts';

/** A run directory, and where its record begins. */
export interface SnapshotPlace {
  readonly directory: RunDirectory;
  readonly base: Pick<RunBase, 'tick'> | undefined;
}

/** The snapshots behind the beginning of a record and up to a tick that the log has the tick of, ascending. */
export function recordedSnapshotTicks(place: SnapshotPlace, tick: number): readonly number[] {
  return [...recordedDigests(place, tick).keys()];
}

/**
 * The newest snapshot of a run up to a tick, or what it began from; undefined: the run is executed from its start.
 * A snapshot that does not serve is passed over where an older one, or the start, can.
 * @param offers get what it offers, for a fork
 * @throws EngineError what is wrong with the one that the record begins from, where nothing else serves
 */
export function newestSnapshot(
  place: SnapshotPlace & { readonly base: RunBase | undefined },
  tick: number,
  offers?: Offers,
): Snapshot | undefined {
  const store = new SnapshotStore(place.directory);
  // Mostly the newest serves, and its place is found at once; whoever goes on from it reads the log up to there.
  const newest = candidates(place, tick).at(-1);
  const digest = newest === undefined ? 'unknown' : findDigest(place.directory, newest);
  const first =
    newest === undefined || digest === 'unknown' ? undefined : serving(store, newest, digest, offers);
  if (first !== undefined) return first;
  for (const [candidate, recorded] of [...recordedDigests(place, tick)].reverse()) {
    const snapshot = serving(store, candidate, recorded, offers);
    if (snapshot !== undefined) return snapshot;
  }
  const { base } = place;
  if (base?.snapshot instanceof EngineError) throw lostBeginning(base.snapshot, firstBehindBase(place)?.tick);
  return base?.snapshot;
}

/** The oldest snapshot that a record can be taken up from without the one that it begins from. */
export function firstBehindBase(place: SnapshotPlace): Snapshot | undefined {
  const store = new SnapshotStore(place.directory);
  for (const [tick, digest] of recordedDigests(place, Number.POSITIVE_INFINITY)) {
    const snapshot = serving(store, tick, digest);
    if (snapshot !== undefined) return snapshot;
  }
  return undefined;
}

/** Undefined where it cannot be read, or is not of the log. */
function serving(
  store: SnapshotStore,
  tick: number,
  digest: Uint8Array,
  offers?: Offers,
): Snapshot | undefined {
  const snapshot = store.tryRead(tick, offers);
  return snapshot !== undefined && bytesEqual(snapshot.digest, digest) ? snapshot : undefined;
}

/** @param first the tick of the oldest snapshot that serves */
export function lostBeginning(damage: EngineError, first: number | undefined): EngineError {
  const rest =
    first === undefined
      ? 'and no other one serves'
      : `and the next one that serves is of tick ${first}: nothing before that can be executed again, ` +
        'and compacting up to there makes the record begin from it';
  const text = `${damage.message}; the record begins from that snapshot, ${rest}`;
  const details = { ...damage.details, ...(first !== undefined && { first }) };
  return new EngineError(damage.code, text, details, damage);
}

/** Ticks of snapshots behind the beginning of a record, up to a tick, ascending. */
function candidates({ directory, base }: SnapshotPlace, tick: number): readonly number[] {
  const first = base?.tick ?? 0;
  return new SnapshotStore(directory).ticks().filter((each) => each > first && each <= tick);
}

/** The digests that the log has of the ticks of snapshots, ascending. Reads no more of it than that. */
function recordedDigests({ directory, base }: SnapshotPlace, tick: number): ReadonlyMap<number, Uint8Array> {
  const ticks = candidates({ directory, base }, tick);
  const wanted = new Set(ticks);
  const newest = ticks.at(-1);
  const found = new Map<number, Uint8Array>();
  if (newest === undefined) return found;
  for (const event of readEvents(directory, { channels: ['digests'] })) {
    if (event.tick > newest) break;
    // What the next chunk holds may overwrite it.
    if (wanted.has(event.tick)) found.set(event.tick, decodeEvent('digests', event.payload).digest.slice());
  }
  return found;
}
