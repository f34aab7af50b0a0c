// Which snapshots a run can be taken up from: those that can be read, and whose digest the log has of their tick. Any
// other one is passed over: it is damaged, of another format, run, or past of this run, or of a tick that a crash took.

import { bytesEqual } from '../base/encoding.ts';
import { decodeEvent, type RunDirectory, readEvents } from '../log/index.ts';
import type { Snapshot } from './machine.ts';
import { SnapshotStore } from './snapshot/store.ts';

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
  for (const [candidate, digest] of [...recordedDigests(place, tick)].reverse()) {
    const snapshot = store.tryRead(candidate);
    if (snapshot !== undefined && bytesEqual(snapshot.digest, digest)) return snapshot;
  }
  return place.base;
}

/** The digests that the log has of the ticks of snapshots, ascending. Reads no more of it than that. */
function recordedDigests({ directory, base }: SnapshotPlace, tick: number): ReadonlyMap<number, Uint8Array> {
  const first = base?.tick ?? 0;
  const ticks = new SnapshotStore(directory).ticks().filter((each) => each > first && each <= tick);
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
