// A disk whose bytes changed at rest, or whose files were cut: the engine refuses it by name, or goes on as if nothing
// had been. Looked at on copies.

import { isDeepStrictEqual } from 'node:util';
import { EngineError, Orchestrator } from '../../src/engine/index.ts';
import { sha256 } from '../../src/engine/sha256.ts';
import { SnapshotStore } from '../../src/engine/snapshot/store.ts';
import { openRunDirectory } from '../../src/log/index.ts';
import { expandImage } from '../../src/sandbox/index.ts';
import { type SimDisk, splitPath } from './disk.ts';
import { runDirectory, type Witness } from './embedder.ts';
import type { Fault } from './faults.ts';
import { live } from './process.ts';
import { plainProcess } from './record.ts';
import type { Scenario } from './scenario.ts';

export interface Damage {
  readonly disk: SimDisk;
  readonly faults: readonly Fault[];
  /** The tick that a recovery must reach at least. */
  readonly guaranteed: number;
  readonly scenario: Scenario;
  readonly witness: Witness;
}

export async function checkDamaged(damage: Damage): Promise<void> {
  for (const fault of damage.faults) {
    if (fault.kind !== 'flip' && fault.kind !== 'cut') continue;
    const copy = damage.disk.settled();
    const what = fault.kind === 'flip' ? flip(copy, fault) : cut(copy, fault);
    if (what === undefined) continue;
    if (what.includes('snapshots/')) checkSnapshots(copy, what, damage);
    await checkOne(copy, what, damage);
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
  const file = disk.find(path)!;
  const at = Math.floor(place * file.size);
  file.content.bytes[at]! ^= 1 << bit;
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

async function checkOne(disk: SimDisk, what: string, damage: Damage): Promise<void> {
  const { guaranteed, scenario, witness } = damage;
  const process = plainProcess(disk);
  try {
    const open = async (): Promise<Orchestrator> => {
      const run = await Orchestrator.resume({ runDirectory, workers: 0 }, process.ports);
      await run.close();
      return run;
    };
    const run = await live(process, open());
    if (typeof run === 'string') witness.violate(`${what}: the recovery is ${run}`);
    else {
      if (run.tick > 0 && witness.digests.get(run.tick) !== run.digest)
        witness.violate(`${what}: tick ${run.tick} has another digest`);
      if (run.tick < guaranteed)
        witness.violate(
          `${what}: outputs of tick ${guaranteed} were given (${scenario.durability}), and the run is at ${run.tick}`,
        );
    }
  } catch (error) {
    // Where models lie is a hint of the machine: where it cannot be read, the folder is asked for; not by a run that has
    // ended.
    const codes = what.includes('"models.json"')
      ? ['model-missing', 'run-directory-invalid']
      : ['record-damaged', 'run-directory-invalid'];
    const refused = error instanceof EngineError && codes.includes(error.code);
    if (!refused) witness.violate(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
  }
}
