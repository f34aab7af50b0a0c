// A disk whose bytes changed at rest, or whose files were cut: the engine refuses it by name, or goes on as if nothing
// had been. Looked at on copies.

import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../../src/engine/sha256.ts';
import { SnapshotStore } from '../../src/engine/snapshot/store.ts';
import { openRunDirectory } from '../../src/log/index.ts';
import { expandImage } from '../../src/sandbox/index.ts';
import type { Chance } from './chance.ts';
import { type SimDisk, splitPath } from './disk.ts';
import { runDirectory, type Witness } from './embedder.ts';
import type { Fault } from './faults.ts';
import { plainProcess } from './record.ts';
import { checkRecovery } from './recovery.ts';
import { checkRepair } from './repair.ts';

export interface Damage {
  readonly disk: SimDisk;
  readonly faults: readonly Fault[];
  /** The tick that a recovery must reach at least. */
  readonly guaranteed: number;
  readonly witness: Witness;
  readonly chance: Chance;
  readonly hasEnded?: boolean;
}

export async function checkDamaged(damage: Damage): Promise<void> {
  for (const fault of damage.faults) {
    if (fault.kind !== 'flip' && fault.kind !== 'cut') continue;
    const copy = damage.disk.settled();
    const what = fault.kind === 'flip' ? flip(copy, fault) : cut(copy, fault);
    if (what === undefined) continue;
    if (what.includes('snapshots/')) checkSnapshots(copy, what, damage);
    const refused = await checkRecovery({
      disk: copy,
      path: runDirectory,
      what,
      guaranteed: damage.guaranteed,
      witness: damage.witness,
      hasEnded: damage.hasEnded ?? false,
      // Where models lie is a hint of the machine: where it cannot be read, the folder is asked for.
      refusals: what.includes('"models.json"')
        ? ['model-missing', 'run-directory-invalid']
        : ['record-damaged', 'run-directory-invalid'],
    });
    if (refused?.code === 'record-damaged') await checkRepair(copy, what, damage);
  }
}

/** Changes one bit of one file, as often one of the log as one of all the others. */
function flip(disk: SimDisk, fault: Extract<Fault, { kind: 'flip' }>): string | undefined {
  const { place, bit } = fault;
  const isLog = (path: string): boolean => path.endsWith('.mcap');
  const wanted = fault.file < 0.5 ? isLog : (path: string) => !isLog(path);
  const paths = disk.paths().filter((path) => wanted(path) && disk.find(path)!.size > 0);
  const path = paths[Math.floor(((fault.file * 2) % 1) * paths.length)];
  if (path === undefined) return undefined;
  return flipBit(disk, path, Math.floor(place * disk.find(path)!.size), bit);
}

/** Changes one bit of what snapshots are made of. */
export function damageSnapshots(disk: SimDisk, chance: Chance): string | undefined {
  const paths = disk.paths().filter((path) => path.startsWith('snapshots/') && disk.find(path)!.size > 0);
  if (paths.length === 0) return undefined;
  const path = chance.pick(paths);
  return flipBit(disk, path, chance.below(disk.find(path)!.size), chance.below(8));
}

function flipBit(disk: SimDisk, path: string, at: number, bit: number): string {
  disk.find(path)!.content.bytes[at]! ^= 1 << bit;
  return `bit ${bit} of byte ${at} of "${path}" is changed`;
}

/** What a damaged disk gives for a snapshot is what was kept there, or nothing. */
function checkSnapshots(hurt: SimDisk, what: string, { disk, witness }: Damage): void {
  const [whole, damaged] = [storeOn(disk.settled()), storeOn(hurt)];
  for (const tick of whole.ticks()) {
    const [kept, read] = [whole.tryRead(tick), damaged.tryRead(tick)];
    if (kept === undefined || read === undefined) continue;
    const contents = [kept, read].map(({ agents, images }) =>
      [...agents, ...images].map(({ number, state, image }) => ({
        number,
        state,
        memory: sha256(expandImage(image)),
      })),
    );
    if (!isDeepStrictEqual(contents[0], contents[1])) {
      witness.violate(`${what}: the snapshot of tick ${tick} is read, and is not what was kept`);
    }
  }
}

function storeOn(disk: SimDisk): SnapshotStore {
  const { ports } = plainProcess(disk);
  return new SnapshotStore(openRunDirectory(runDirectory, ports.openStorage(runDirectory)), ports);
}

/** Cuts a segment of the log, or removes it. */
function cut(disk: SimDisk, { place, share }: Extract<Fault, { kind: 'cut' }>): string | undefined {
  const paths = disk.paths().filter((path) => path.endsWith('.mcap'));
  const path = paths[Math.floor(place * paths.length)];
  if (path === undefined) return undefined;
  const file = disk.find(path)!;
  const size = Math.floor(file.size * share);
  if (share > 0) file.content.truncate(size);
  else {
    const [folder, name] = splitPath(path);
    disk.folder(folder)!.files.delete(name);
  }
  return share > 0 ? `"${path}" is cut to ${size} bytes` : `"${path}" is removed`;
}
