// The agents that were there where a record begins: none, or those of the snapshot that it begins from.

import { EngineError } from '../../base/errors.ts';
import { decodeEvent, finishedTicks, type RunDirectory, readEvents } from '../../log/index.ts';
import { type Phase, phases, type SavedScheduler } from '../../scheduler/index.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import { orUnreadable } from '../snapshot/unusable.ts';
import type { Snapshot } from '../turns/machine.ts';
import { firstBehindBase, lostBeginning } from './recorded-snapshots.ts';

/**
 * By creation number, ended ones included. Where the snapshot is lost a later one tells them, in the phase that they
 * had then.
 * @throws EngineError `record-damaged` where none does
 */
export function baseAgents(directory: RunDirectory): { readonly name: string; readonly phase: Phase }[] {
  const { baseTick, redacted } = directory.manifest;
  // A redacted record has no snapshots.
  if (baseTick === undefined || redacted !== undefined) return [];
  const own = orUnreadable(() => new SnapshotStore(directory).readScheduler(baseTick));
  const agents = own instanceof EngineError ? laterAgents(directory, baseTick, own) : own.agents;
  return agents.map(({ name, phase }) => ({ name, phase: phases[phase]! }));
}

function laterAgents(directory: RunDirectory, tick: number, damage: EngineError): SavedScheduler['agents'] {
  const later = firstBehindBase({ directory, base: { tick } });
  if (later === undefined) throw lostBeginning(damage, undefined);
  const { agents } = later.scheduler;
  return agents.slice(0, agents.length - spawnedUpTo(directory, later));
}

/** Agents that were created between the beginning of a record and a snapshot. */
function spawnedUpTo(directory: RunDirectory, { tick }: Snapshot): number {
  let count = 0;
  const channels = ['events', 'digests', 'run-started'] as const;
  for (const event of finishedTicks(readEvents(directory, { channels }))) {
    if (event.tick > tick) break;
    if (event.channel === 'events' && decodeEvent('events', event.payload).kind === 'spawned') count++;
  }
  return count;
}
