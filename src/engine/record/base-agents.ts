// The agents that were there where a record begins: none, or those of the snapshot that it begins from.

import type { RunDirectory } from '../../log/index.ts';
import { type Phase, phases } from '../../scheduler/index.ts';
import { SnapshotStore } from '../snapshot/store.ts';

/** By creation number, ended ones included. */
export function baseAgents(directory: RunDirectory): { readonly name: string; readonly phase: Phase }[] {
  const { baseTick, redacted } = directory.manifest;
  // A redacted record has no snapshots.
  if (baseTick === undefined || redacted !== undefined) return [];
  const { agents } = new SnapshotStore(directory).readScheduler(baseTick);
  return agents.map(({ name, phase }) => ({ name, phase: phases[phase]! }));
}
