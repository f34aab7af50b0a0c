// Which snapshots a run can be taken up from: those that can be read, and whose digest the log has of their tick. Any
// other one is passed over: it is damaged, of another format, run, or past of this run, or of a tick that a crash took.

import { bytesEqual } from '../../base/encoding.ts';
import { decodeEvent, findDigest, type RunDirectory, readEvents } from '../../log/index.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import type { Snapshot } from '../turns/machine.ts';

/** A run directory, and the snapshot that its record begins from. */
export interface SnapshotPlace {
  readonly directory: RunDirectory;
  readonly base: Snapshot | undefined;
}

/** The snapshots behind the beginning of a record and up to a tick that the log has the tick of, ascending. */
export function recordedSnapshotTicks(place: SnapshotPlace, tick: number): readonly number[] {
  return [...recordedDigests(place, tick).keys()];
}

/**
 * The newest snapshot of a run up to a tick, or what it began from; undefined: the run is executed from its start.
 * A snapshot that does not serve is passed over where an older one, or the start, can.
 */
export function newestSnapshot(place: SnapshotPlace, tick: number): Snapshot | undefined {
  const store = new SnapshotStore(place.directory);
  const serving = (candidate: number, digest: Uint8Array): Snapshot | undefined => {
    const snapshot = store.tryRead(candidate);
    return snapshot !== undefined && bytesEqual(snapshot.digest, digest) ? snapshot : undefined;
  };
  // Mostly the newest serves, and its place is found at once; whoever goes on from it reads the log up to there.
  const newest = candidates(place, tick).at(-1);
  const digest = newest === undefined ? 'unknown' : findDigest(place.directory, newest);
  const first = newest === undefined || digest === 'unknown' ? undefined : serving(newest, digest);
  if (first !== undefined) return first;
  for (const [candidate, recorded] of [...recordedDigests(place, tick)].reverse()) {
    const snapshot = serving(candidate, recorded);
    if (snapshot !== undefined) return snapshot;
  }
  return place.base;
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
